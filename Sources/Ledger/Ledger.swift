// Ledger
//
// Double entry: accounts, transfers, holds, policies, receipts, state layers and root. Only here
// does a balance change.
//
// How the room is used, from the outside in:
//
//   StateView            rows by path: `Store` gives them from LMDB, `MemoryState` from memory.
//   StateStack           a view + immutable layers + the tree of the newest; cheap to copy.
//   LedgerState          a working layer on a stack: executes one block.
//     .beginTransaction  nonce, policy, time, fee hold      -> InclusionFault: the block is invalid
//     .beginOperation / .commitOperation                    -> ExecutionRejection
//     .transfer, .post, .placeHold, .read, .write, .emit …  what operations do
//     .finishTransaction -> Receipt                         fee, deposits, rollback if rejected
//     .seal              -> SealedBlock                     conservation, next stack and root
//   Header, Body, Receipts.root                             the block around it
//
// A damaged row in the view is kept in `LedgerState.fault`; reads then answer nil and `seal`
// throws, so that operations need no error path for a broken disk.
