import Chain
import Economy
import Foundation
import Ledger
import Primitives
import Store

/// A state database with very many accounts, as if a fold had just ended at height 0.
struct BaseState {
    /// Rows sorted and written at once.
    private static let partitionRows = 2_000_000

    let directory: String
    let genesis: Genesis
    let header: Header
    let rows: Int

    private init(directory: String, genesis: Genesis, header: Header, rows: Int) {
        self.directory = directory
        self.genesis = genesis
        self.header = header
        self.rows = rows
    }

    /// Builds `rows` rows: the genesis' own, then an account and a balance in turn.
    init(_ world: World, rows wanted: Int, directory: String) throws {
        let built = try world.genesis.build()
        let own = try built.stack.rows(from: .zero, through: .last, limit: 10_000)
        let accounts = max(world.senders.count, (wanted - own.count) / 2)
        let store = try Store(directory: directory, genesis: world.genesis.id)
        let partitions = (2 * accounts + own.count) / Self.partitionRows + 1
        var written = 0
        for partition in 0..<partitions {
            func isHere(_ path: Digest) -> Bool {
                let place = Int(path.bytes[0]) << 8 | Int(path.bytes[1])
                return place * partitions >> 16 == partition
            }
            var writes = own.filter { isHere($0.path) }
                .map { StateWrite(path: $0.path, row: $0.row) }
            for number in 0..<accounts {
                Self.add(number, world, isHere, to: &writes)
            }
            writes.sort { $0.path < $1.path }
            written += writes.count
            try store.fold(
                Fold(height: 0, root: .zero, header: built.header.canonicalBytes, state: writes))
            if partitions > 1 { say("state: \(count(written)) rows written") }
        }
        let empty = StateTree(salt: world.salt)
        let tree = try StateTree.build(from: store.state, salt: world.salt)
        var header = built.header
        header.stateRoot = tree.root
        try store.fold(
            Fold(
                height: 0, root: tree.root, header: header.canonicalBytes, state: [],
                buckets: tree.changes(since: empty)))
        self.init(
            directory: directory, genesis: world.genesis, header: header, rows: written)
    }

    private static func add(
        _ number: Int, _ world: World, _ isHere: (Digest) -> Bool, to writes: inout [StateWrite]
    ) {
        let policy = world.policy(number)
        let account = AccountID.of(policy: policy)
        func put(_ key: [UInt8], _ record: @autoclosure () -> [UInt8]) {
            let path = StateRow.path(of: key, salt: world.salt)
            guard isHere(path) else { return }
            // No deposit, as the genesis' own rows have none.
            let row = StateRow(key: key, value: [0] + record(), salt: world.salt)
            writes.append(StateWrite(path: path, row: row))
        }
        put(
            LedgerTables.accounts.keyBytes(account),
            Account(kind: .user, policy: policy).canonicalBytes)
        var balance = Balance()
        balance.amount = World.balance
        put(LedgerTables.balances.keyBytes(Holding(account, .star)), balance.canonicalBytes)
    }

    /// The same state in another directory.
    func copy(to directory: String) throws {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: self.directory + "/state.mdb", toPath: directory + "/state.mdb")
    }

    /// This state as it lies in a directory that it was copied to.
    func at(_ directory: String) -> BaseState {
        BaseState(
            directory: directory, genesis: self.genesis, header: self.header, rows: self.rows)
    }

    /// The store, and the chain that stands on it; `proposer` is nil for one that only follows.
    func open(proposer: NodeID?) throws -> (store: Store, chain: Chain) {
        let store = try Store(directory: self.directory, genesis: self.genesis.id)
        let chain = try Chain(
            genesis: self.genesis, config: Chain.Config(proposer: proposer), view: store.state,
            head: try store.state.position()?.header, buckets: try store.state.buckets(),
            archive: EmptyArchive())
        return (store, chain)
    }
}
