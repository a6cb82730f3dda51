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

    struct Standing: Sendable {
        let duty: Duty.Open
        /// The openings, made once: an auditor may ask again.
        var answer: Message?
        var isReported = false

        /// Only the drawn auditor, and only for the drawn leaves.
        func permits(_ request: Request) -> Bool {
            request.provider == self.duty.provider && request.acting.contains(self.duty.auditor)
                && request.audit.leaves == self.duty.leaves
        }
    }

    private var standing: [Standing] = []
    private var early: [Request] = []

    /// Takes the duties that stand now; answers early requests that have one now.
    mutating func replace(_ duties: [Duty.Open]) -> [Request] {
        self.standing = duties.map { duty in
            self.standing.first { $0.duty == duty } ?? Standing(duty: duty)
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

    /// Runs `body` on the commitment that a request is about, if it is permitted.
    mutating func withStanding(_ request: Request, _ body: (inout Standing) -> Void) {
        for index in self.standing.indices
        where self.standing[index].duty.job == request.audit.job
            && self.standing[index].permits(request)
        {
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
