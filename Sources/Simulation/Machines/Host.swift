import Chain
internal import DequeModule
import Economy
import Node
import Primitives

/// One machine: what it is for ever, what a crash leaves, and what it holds in memory.
final class Host {
    let index: Int
    let name: String
    let key: PublicKey
    /// Derives secrets of jobs; never leaves the machine.
    let secret: SecretKey
    /// The first one audits.
    let accounts: [AccountID]
    /// The one that runs jobs, if one does.
    let provider: AccountID?
    let drift: Drift
    let reveals: RevealChain
    /// Names the leaves that it audits.
    let audits: RevealChain
    /// False for a liar, and for a machine whose key another machine has, too.
    let isHonest: Bool
    var liar: LiarState?
    /// Breaks the rules of jobs; it keeps those of consensus, and is honest for the checkers.
    var cheat: CheatState?
    /// Leaves that it computed as a provider, and as an auditor.
    var leavesRun = (provided: UInt64(0), audited: UInt64(0))
    let disk = Disk()

    /// Counts starts: what was meant for an earlier life is dropped.
    var generation = 0
    /// Nil while the machine is off.
    var node: Node?
    var chain: Chain?
    /// Inputs of the chain's thread, and what it is about to say.
    var chainInputs: Deque<Chain.Input> = []
    var chainEffects: [Chain.Effect] = []
    var isChainBusy = false
    /// Weights of blocks seen, until their execution was charged.
    var weights = Lookup<BlockID, UInt64>()
    /// Blocks handed to the journal and not synced yet: memory of the driver.
    var unsynced: [JournalFile.Item] = []
    /// The journal's and the storage thread's queues; the first of each is under way.
    var lanes: [Deque<(write: Disk.Write, answer: DiskAnswer)>] = [[], [], []]
    /// When the two verification threads are free.
    var checkersFreeAt: [UInt64] = [0, 0]
    /// The crash that its next write of that kind brings.
    var doom: Plan.Crash?
    var cancelled = Lookup<JobID, Bool>()
    var executionNs: [UInt64] = []

    /// Whose answer a finished write is.
    enum DiskAnswer {
        case node(Node.Input)
        case nothing
    }

    /// The disk's queues: two threads of the daemon write.
    enum Lane: Int {
        case journal = 0
        case storage = 1
        case files = 2
    }

    init(
        index: Int, name: String, secret: SecretKey, accounts: [AccountID],
        provider: AccountID?, drift: Drift, reveals: RevealChain, audits: RevealChain,
        isTwin: Bool, liar: Liar?, cheat: Cheat?
    ) {
        self.index = index
        self.name = name
        self.key = secret.publicKey
        self.secret = secret
        self.accounts = accounts
        self.provider = provider
        self.drift = drift
        self.reveals = reveals
        self.audits = audits
        self.isHonest = !isTwin && liar == nil
        self.liar = liar.map { LiarState($0) }
        self.cheat = cheat.map { CheatState($0) }
    }

    var isUp: Bool { self.node != nil }

    /// Height of the newest final block that the chain knows, or the disk while it is off.
    var height: UInt64 { self.chain?.head.height ?? self.disk.blocks.last?.height ?? 0 }

    /// Everything in memory is gone.
    func loseMemory() {
        self.node = nil
        self.chain = nil
        self.chainInputs = []
        self.chainEffects = []
        self.isChainBusy = false
        self.weights.removeAll()
        self.unsynced = []
        self.lanes = [[], [], []]
        self.checkersFreeAt = [0, 0]
        self.doom = nil
        self.cancelled.removeAll()
        self.generation += 1
    }
}
