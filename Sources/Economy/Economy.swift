// Economy
//
// What people do with value: one folder per module, one file per operation, each ending in ledger
// transfers. `EconomyState` is the state an operation works on; `OperationCatalogue` lists them;
// `BlockExecutor` runs a block: time, beacon, due work, draws, transactions, checks.
