import Kernels
import Primitives

/// Commitments of local accounts that an auditor looks at, and auditors that were early.
///
/// The draw may be final at the auditor before it is final here; such a request waits for the duty.
///
/// - Bounds: ``earlyMax`` early requests, one for each job and node; the oldest goes first.
struct Commitments: Sendable {
    static let earlyMax = 64

    /// An audit request and who sent it.
    struct Request: Sendable {
        let audit: Message.AuditRequest
        let node: PublicKey
        let acting: [AccountID]
        /// The account it was sent to.
        let provider: AccountID
    }

    /// One commitment and its draw.
    struct Standing: Sendable {
        /// What the drawn auditor said first, and how far its answer is.
        private struct Audit: Sendable {
            let memory: AuditMemory
            let openings: LeafOpenings
            let digest: Digest
            /// The memory is on the disk: nothing is signed before.
            var isKept: Bool
            /// It is on its way there.
            var isKeeping = false
            /// Nodes that asked before the signature was there.
            var waiting: [PublicKey] = []
            var answer: Message?
        }

        private(set) var duty: Duty.Open
        private let chain: ChainSalt
        /// One for each draw: an auditor that could bind itself to a second set of results would
        /// copy the provider's.
        private var audit: Audit?
        private var onLedger: Intent?
        private var isReported = false

        init(duty: Duty.Open, chain: ChainSalt) {
            self.duty = duty
            self.chain = chain
        }

        /// True if the duty is about the same draw, perhaps further on.
        func isSameDraw(_ duty: Duty.Open) -> Bool {
            self.duty.job == duty.job && self.duty.attempt == duty.attempt
                && self.duty.auditor == duty.auditor && self.duty.provider == duty.provider
                && self.duty.draw == duty.draw
        }

        mutating func update(_ duty: Duty.Open) {
            if duty.summons != self.duty.summons { self.onLedger = nil }
            self.duty = duty
        }

        /// Only the drawn auditor, only with the number that its chain has for this draw, and only
        /// where its node signed what binds it.
        func permits(_ request: Request) -> Bool {
            guard request.provider == self.duty.provider,
                request.acting.contains(self.duty.auditor),
                self.duty.draw.isRight(request.audit.reveal)
            else { return false }
            let digest = Transcript.request(
                job: self.duty.job, auditor: self.duty.auditor,
                auditIndex: self.duty.auditIndex, commitment: request.audit.commitment,
                self.chain)
            return self.duty.auditorNode.verify(request.audit.signature, digest)
        }

        /// What the record remembers of this very draw.
        func memory(in record: JobRecord?) -> AuditMemory? {
            record?.audit.flatMap { audit in
                audit.auditor == self.duty.auditor && audit.mix == self.duty.draw.mix
                    ? audit : nil
            }
        }

        /// Says what was said before, or has an answer signed once its memory is on the disk.
        ///
        /// - Returns: what is to be remembered first.
        mutating func onRequest(
            _ request: Request, _ record: JobRecord?, open: ([UInt64]) -> LeafOpenings?,
            into outbox: inout Outbox<Provider.Effect>
        ) -> AuditMemory? {
            let commitment = request.audit.commitment
            if self.audit == nil {
                let known = self.memory(in: record)
                // Another was answered before a restart, or is on the ledger.
                if let bound = known?.commitment ?? self.duty.summons?.commitment,
                    bound != commitment
                {
                    return nil
                }
                let leaves = self.duty.draw.sample(
                    request.audit.reveal, of: self.duty.job, self.chain)
                guard let openings = open(leaves) else {
                    self.reportLoss(into: &outbox)
                    return nil
                }
                self.audit = Audit(
                    memory: known
                        ?? AuditMemory(
                            auditor: self.duty.auditor, mix: self.duty.draw.mix,
                            commitment: commitment, signature: request.audit.signature),
                    openings: openings,
                    digest: Transcript.digest(
                        job: self.duty.job, auditor: self.duty.auditor, commitment: commitment,
                        openings: openings.hash(self.chain), self.chain),
                    isKept: known != nil)
            }
            guard var audit = self.audit, audit.memory.commitment == commitment else {
                return nil
            }
            if let answer = audit.answer {
                self.say(answer, to: request.node, into: &outbox)
                return nil
            }
            if !audit.waiting.contains(request.node) {
                if audit.waiting.count >= Commitments.waitingMax { audit.waiting.removeFirst() }
                audit.waiting.append(request.node)
            }
            let isKept = audit.isKept
            let isOnItsWay = audit.isKeeping
            audit.isKeeping = true
            self.audit = audit
            if isKept { self.sign(audit, into: &outbox) }
            return isKept || isOnItsWay ? nil : audit.memory
        }

        /// The disk did not take it: the next request tries again.
        mutating func onKeepFailed() { self.audit?.isKeeping = false }

        /// The memory is on the disk.
        mutating func onKept(into outbox: inout Outbox<Provider.Effect>) {
            guard var audit = self.audit, !audit.isKept else { return }
            audit.isKept = true
            self.audit = audit
            self.sign(audit, into: &outbox)
        }

        private func sign(_ audit: Audit, into outbox: inout Outbox<Provider.Effect>) {
            outbox.append(
                .signTranscript(
                    self.duty.job, auditor: self.duty.auditor, digest: audit.digest))
        }

        mutating func onSigned(
            _ digest: Digest, _ signature: Signature,
            into outbox: inout Outbox<Provider.Effect>
        ) {
            guard var audit = self.audit, audit.isKept, audit.answer == nil,
                audit.digest == digest
            else { return }
            let answer = Message.auditOpenings(
                Message.AuditOpenings(
                    job: self.duty.job, openings: audit.openings, signature: signature))
            audit.answer = answer
            for node in audit.waiting { self.say(answer, to: node, into: &outbox) }
            audit.waiting = []
            self.audit = audit
        }

        /// Opens on the ledger, where it was summoned and did not say so yet. If the auditor bound
        /// itself to something else before, it is shown that, and no leaf.
        mutating func onSummons(
            _ record: JobRecord?, open: ([UInt64]) -> LeafOpenings?,
            into outbox: inout Outbox<Provider.Effect>
        ) {
            guard let summons = self.duty.summons, self.onLedger == nil else { return }
            if let memory = self.audit?.memory ?? self.memory(in: record),
                memory.commitment != summons.commitment
            {
                let earlier = Intent.Earlier(
                    commitment: memory.commitment, signature: memory.signature)
                self.onLedger = .open(.blank, earlier: earlier)
                return self.intend(into: &outbox)
            }
            let leaves = self.duty.draw.sample(summons.reveal, of: self.duty.job, self.chain)
            guard let openings = open(leaves) else { return self.reportLoss(into: &outbox) }
            self.onLedger = .open(openings, earlier: nil)
            self.intend(into: &outbox)
        }

        /// Says the openings on the ledger, now and again while the duty stands.
        func intend(into outbox: inout Outbox<Provider.Effect>) {
            guard let intent = self.onLedger else { return }
            outbox.append(.intend(self.duty.job, intent, account: self.duty.provider))
        }

        private func say(
            _ answer: Message, to node: PublicKey, into outbox: inout Outbox<Provider.Effect>
        ) {
            outbox.append(.send(answer, from: self.duty.provider, to: .node(node)))
        }

        private mutating func reportLoss(into outbox: inout Outbox<Provider.Effect>) {
            guard !self.isReported else { return }
            self.isReported = true
            outbox.append(.report(.cannotOpen(self.duty.job, to: self.duty.auditor)))
        }
    }

    /// Nodes of one auditor that wait for one signature.
    static let waitingMax = 8

    private var standing: [Standing] = []
    private var early: [Request] = []

    /// Takes the duties that stand now; answers early requests that have one now.
    mutating func replace(_ duties: [Duty.Open], _ chain: ChainSalt) -> [Request] {
        self.standing = duties.map { duty in
            var standing =
                self.standing.first { $0.isSameDraw(duty) } ?? Standing(duty: duty, chain: chain)
            standing.update(duty)
            return standing
        }
        let ripe = self.early.filter { self.isStanding($0.audit.job) }
        self.early = self.early.filter { !self.isStanding($0.audit.job) }
        return ripe
    }

    func isStanding(_ job: JobID) -> Bool { self.standing.contains { $0.duty.job == job } }

    /// Keeps a request for later.
    mutating func remember(_ request: Request) {
        self.early.removeAll { $0.audit.job == request.audit.job && $0.node == request.node }
        if self.early.count >= Self.earlyMax { self.early.removeFirst() }
        self.early.append(request)
    }

    /// Runs `body` on every commitment, or on those of one job.
    mutating func update(of job: JobID? = nil, _ body: (inout Standing) -> Void) {
        for index in self.standing.indices {
            guard job == nil || self.standing[index].duty.job == job else { continue }
            body(&self.standing[index])
        }
    }
}

/// What strangers want of jobs provided here: it waits until the ledger says that no audit is to
/// come.
///
/// - Bounds: ``waitingMax`` wait; later ones are told to ask again.
struct Visitors: Sendable {
    static let waitingMax = 64

    struct Visitor: Hashable, Sendable {
        let job: JobID
        /// Nil: the output.
        let leaf: UInt64?
        let node: PublicKey
    }

    private var waiting: [Visitor] = []

    /// Takes one in; nil if there is no room, else true if the ledger is to be asked.
    mutating func add(_ visitor: Visitor) -> Bool? {
        if self.waiting.contains(visitor) { return false }
        guard self.waiting.count < Self.waitingMax else { return nil }
        defer { self.waiting.append(visitor) }
        return !self.waiting.contains { $0.job == visitor.job }
    }

    /// Lets all of a job go.
    mutating func leave(_ job: JobID) -> [Visitor] {
        defer { self.waiting.removeAll { $0.job == job } }
        return self.waiting.filter { $0.job == job }
    }
}
