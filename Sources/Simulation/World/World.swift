import Chain
import Consensus
import Economy
import Gossip
import Ledger
import Node
import Primitives
import Provider

/// A world from one seed: machines, what lies between them, the people who use them, the checkers.
///
/// One queue of events in virtual time; nothing else makes anything happen.
final class World {
    /// One thing that happens.
    enum Event {
        case input(Int, generation: Int, Node.Input)
        case timer(Int, generation: Int, Node.Timer)
        /// The chain's thread has finished an input.
        case chainDone(Int, generation: Int)
        case written(Int, generation: Int, Host.Lane)
        // Network.
        case dialled(Int, target: Int)
        case dialAnswered(Int, accepted: Bool)
        case arrived(Int, from: Int)
        case stalled(Int, stalls: Int)
        case datagram([UInt8], from: Int, to: Int)
        // Faults.
        case crash(Plan.Crash)
        case start(Int)
        case cut(Plan.Partition)
        case mend(Plan.Partition)
        case heal
        // People and checkers.
        case person(Int)
        case audit
        case poll
    }

    let plan: Plan
    let genesis: Genesis
    let genesisBlock: BlockID
    let epochs: Epochs
    let kernel: SimulatedKernel
    var signer = Signer()
    var hosts: [Host] = []
    var people: [Person] = []
    var network: Network
    var queue = EventQueue<Event>()
    var now: UInt64 = 0
    var isHealed = false
    var hasEnded = false
    var networkChance: Chance
    var diskChance: Chance
    var workChance: Chance
    var loadChance: Chance

    var verdicts = Verdicts()
    var chainWatch: ChainWatch
    var votes = VoteWatch()
    /// Height in which a transaction was reported final, and its receipt.
    var reported = Lookup<TransactionID, Chain.FinalizedTransaction>()
    var story: Story
    var log = EventLog()
    var counts = Counts()
    var latency = Latency()
    /// In the order in which they were reported.
    var reportedIDs: [TransactionID] = []
    /// Coins that existed at the heights audited: they only become fewer.
    var issued: [(height: UInt64, coins: UInt128)] = []
    var tokens: UInt64 = 1
    /// Which person a daemon's answer is for.
    var asked = Lookup<UInt64, Int>()
    let accountKeys: Lookup<AccountID, PublicKey>
    var isPublished = false
    /// When the last machine of a stall came back, the height then, and when it grew.
    var returned: (atNs: UInt64, height: UInt64)?
    var resumedNs: UInt64?
    /// What those who cheat know of others, and what came of it.
    var court = Court()

    init(_ plan: Plan, tells: Bool) {
        self.plan = plan
        let cast = Cast(plan)
        self.genesis = cast.genesis
        self.genesisBlock = cast.genesisBlock
        self.epochs = cast.epochs
        self.kernel = SimulatedKernel(leaves: plan.leaves, SimulatedKernel.Text(plan.cheat))
        self.signer = cast.signer
        self.accountKeys = cast.accountKeys
        self.networkChance = Chance(plan.seed, .network)
        self.diskChance = Chance(plan.seed, .disk)
        self.workChance = Chance(plan.seed, .work)
        self.loadChance = Chance(plan.seed, .load)
        self.story = Story(isTold: tells)
        var links = Chance(plan.seed, .network, index: 1)
        self.network = Network(count: plan.keys.count) { _, _ in
            let delay = links.between(plan.delayNs.lowerBound, plan.delayNs.upperBound)
            return Network.Link(
                delayNs: delay, jitterNs: delay * plan.jitterPercent / 100,
                nsPerByte: plan.nsPerByte)
        }
        self.chainWatch = ChainWatch(
            salt: cast.genesis.salt,
            committee: cast.genesis.validators.map { validator in
                // raw: a weight, made from 64 bits in `Cast`.
                (key: validator.key, stake: UInt64(clamping: validator.stake.units))
            },
            genesis: cast.genesisBlock.digest,
            payers: cast.people.filter { $0.kind == .payer }.map {
                (account: $0.account, balance: Cast.starEach * Amount.motesPerStar)
            })
        self.hosts = cast.hosts
        self.people = cast.people
        self.schedule()
    }

    /// Puts everything that the plan knows already into the queue.
    private func schedule() {
        let late = self.plan.scenario == .late ? self.plan.crashes : []
        for host in self.hosts {
            if let crash = late.first(where: { $0.host == host.index }) {
                self.queue.add(.start(host.index), at: crash.downNs)
            } else {
                let at = UInt64(clamping: host.index) * 3_000_000
                self.queue.add(.start(host.index), at: at)
            }
        }
        for partition in self.plan.partitions {
            self.queue.add(.cut(partition), at: partition.fromNs)
            if partition.untilNs < self.plan.safetyNs {
                self.queue.add(.mend(partition), at: partition.untilNs)
            }
        }
        if self.plan.scenario != .late {
            for crash in self.plan.crashes { self.queue.add(.crash(crash), at: crash.atNs) }
        }
        for person in self.people.indices {
            let wait = self.loadChance.between(500_000_000, 2_500_000_000)
            self.queue.add(.person(person), at: wait)
        }
        self.queue.add(.heal, at: self.plan.safetyNs)
        self.queue.add(.audit, at: 3_000_000_000)
    }

    func fail(_ rule: Violation.Rule, _ text: String) {
        self.verdicts.add(rule, text, at: self.now)
        self.tell("VIOLATION of \(rule.rawValue): \(text)")
    }

    /// A sentence of the story.
    func tell(_ sentence: @autoclosure () -> String) {
        if self.story.isTold { self.story.add(sentence(), at: self.now) }
    }

    /// Lets the next thing happen; false at the end.
    func next() -> Bool {
        guard !self.hasEnded, let entry = self.queue.pop() else { return false }
        self.now = entry.at
        self.log.add(entry.event, at: entry.at)
        self.happen(entry.event)
        return true
    }

    private func happen(_ event: Event) {
        switch event {
        case .input(let host, let generation, let input):
            self.step(host, generation, input)
        case .timer(let host, let generation, let timer):
            self.step(host, generation, .expired(timer))
        case .chainDone(let host, let generation): self.onChainDone(host, generation)
        case .written(let host, let generation, let lane):
            self.onWritten(host, generation, lane)
        case .dialled(let number, let target): self.onDialled(number, target)
        case .dialAnswered(let number, let accepted): self.onDialAnswered(number, accepted)
        case .arrived(let number, let end): self.onArrived(number, end)
        case .stalled(let number, let stalls): self.onStalled(number, stalls)
        case .datagram(let bytes, let sender, let target):
            self.onDatagram(bytes, sender, target)
        case .crash(let crash): self.onCrash(crash)
        case .start(let host): self.start(host)
        case .cut(let partition): self.onCut(partition)
        case .mend(let partition): self.onMend(partition)
        case .heal: self.onHeal()
        case .person(let index): self.onPerson(index)
        case .audit: self.onAudit()
        case .poll: self.onPoll()
        }
    }

    /// Steps a node and performs what it wants; answers at hand are stepped before anything newer.
    func step(_ index: Int, _ generation: Int, _ input: Node.Input) {
        let host = self.hosts[index]
        guard host.generation == generation, host.isUp else { return }
        var ready = [input]
        var position = 0
        var outbox = Outbox<Node.Effect>()
        while position < ready.count {
            host.node?.handle(
                ready[position], now: host.drift.instant(at: self.now), into: &outbox)
            position += 1
            for effect in outbox.drain() { self.perform(effect, host, &ready) }
        }
    }

    /// Gives a node an input after a while.
    func give(_ host: Host, _ input: Node.Input, after ns: UInt64) {
        self.queue.add(
            .input(host.index, generation: host.generation, input), at: self.now + ns)
    }
}

/// What happened, in numbers.
package struct Counts: Hashable, Sendable {
    package var blocks: UInt64 = 0
    package var transactions = 0
    package var crashes = 0
    package var cuts = 0
    package var jobsPosted = 0
    package var jobsSettled = 0
    package var messages: UInt64 = 0
    package var datagrams: UInt64 = 0
    package var dropped: UInt64 = 0
    package var evidence = 0
    package var audits = 0
    /// Writes that a crash lost or tore.
    package var lostWrites = 0
    package var signatures = 0
}
