import Primitives

/// What clients of this node want of jobs that another node provides.
///
/// - Bounds: ``waitingMax`` wait, each at most ``answerMs`` for the provider and ``fetchMs`` for
///   the blob; ``outputsMax`` checked answers are remembered.
/// - Invariant: every token is answered exactly once.
struct Questions: Sendable {
    static let waitingMax = 256
    static let answerMs: UInt64 = 10_000
    static let fetchMs: UInt64 = 60_000
    static let outputsMax = 256

    typealias Out = Outbox<Provider.Effect>

    fileprivate enum Subject: Hashable, Sendable {
        case opening(UInt64)
        case output
    }

    fileprivate enum Phase: Hashable, Sendable {
        /// The provider was asked.
        case asking
        /// It said where the output is; the blob is on its way.
        case fetching(JobOutput)
    }

    fileprivate struct Question: Sendable {
        let token: UInt64
        let about: JobCommitment
        let subject: Subject
        var phase = Phase.asking
        var due: Instant
    }

    private let chain: ChainSalt
    private var waiting: [Question] = []
    /// Answers that opened their commitment.
    private var outputs: [JobOutput] = []

    init(chain: ChainSalt) { self.chain = chain }

    /// Asks the provider for a leaf, or with nil for the output.
    mutating func ask(
        _ about: JobCommitment, leaf: UInt64?, token: UInt64, _ now: Instant, _ outbox: inout Out
    ) {
        if let refusal = self.refusal(about, leaf) {
            outbox.append(.notHere(token: token, about.job, text: refusal))
            return
        }
        let subject = leaf.map { Subject.opening($0) } ?? .output
        let due = now.adding(ms: Self.answerMs)
        var question = Question(token: token, about: about, subject: subject, due: due)
        // A job that was given to another provider has another output.
        if leaf == nil, let known = self.outputs.first(where: { self.opens($0, about) }) {
            let isAsked = self.waiting.contains { $0.output?.blob == known.blob }
            question.fetch(known, isAsked: isAsked, now, &outbox)
            self.waiting.append(question)
            return
        }
        self.waiting.append(question)
        let message =
            leaf.map { Message.openingRequest(.init(job: about.job, leaf: $0)) }
            ?? .outputRequest(.init(job: about.job))
        outbox.append(.schedule(.question(token: token), at: due))
        outbox.append(.send(message, from: nil, to: .account(about.provider)))
    }

    /// True if the answer opens the commitment.
    private func opens(_ output: JobOutput, _ about: JobCommitment) -> Bool {
        output.job == about.job && output.bytes == about.outputBytes
            && Blake2b.pair(.output, self.chain, output.salt, output.root)
                == about.outputCommitment
    }

    private func refusal(_ about: JobCommitment, _ leaf: UInt64?) -> String? {
        let name = about.job.short
        if about.provider == .zero { return "job \(name) has no provider yet" }
        if let leaf, leaf >= about.leaves {
            return "job \(name) has \(about.leaves) leaves, no leaf \(leaf)"
        }
        return self.waiting.count < Self.waitingMax
            ? nil : "too many questions to other nodes wait; try again in a moment"
    }

    // MARK: Answers

    mutating func onOpening(
        _ answer: Message.OpeningAnswer, acting: [AccountID], _ outbox: inout Out
    ) {
        let subject = Subject.opening(answer.opening.index)
        for question in self.take(where: { $0.isAsked(answer.job, subject, acting) }) {
            let about = question.about
            let isRight = answer.opening.leads(
                to: about.leafRoot, of: about.leaves, job: about.job, provider: about.provider,
                self.chain)
            outbox.append(
                isRight
                    ? .opened(token: question.token, about.job, answer.opening)
                    : question.contradiction)
        }
    }

    mutating func onOutput(
        _ answer: JobOutput, acting: [AccountID], _ now: Instant, _ outbox: inout Out
    ) {
        var rest: [Question] = []
        var isAsked = self.waiting.contains { $0.output?.blob == answer.blob }
        for var question in self.waiting {
            guard question.isAsked(answer.job, .output, acting) else {
                rest.append(question)
                continue
            }
            guard self.opens(answer, question.about) else {
                outbox.append(question.contradiction)
                continue
            }
            self.remember(answer)
            question.fetch(answer, isAsked: isAsked, now, &outbox)
            isAsked = true
            rest.append(question)
        }
        self.waiting = rest
    }

    mutating func onDeclined(
        _ answer: Message.Declined, acting: [AccountID], _ outbox: inout Out
    ) {
        let subject = answer.leaf.map { Subject.opening($0) } ?? .output
        for question in self.take(where: { $0.isAsked(answer.job, subject, acting) }) {
            switch answer.reason {
            case .notHere:
                outbox.append(
                    question.notHere("the provider's node has no such record, or no such leaf"))
            case .notYet:
                outbox.append(question.notYet("its provider does not open it before the audit"))
            }
        }
    }

    mutating func onUnreachable(_ account: AccountID, _ outbox: inout Out) {
        for question in self.take(where: { $0.isAsked(of: account) }) {
            outbox.append(question.notHere("no node of its provider is connected"))
        }
    }

    mutating func onExpired(_ token: UInt64, _ now: Instant, _ outbox: inout Out) {
        for question in self.take(where: { $0.token == token && $0.due <= now }) {
            switch question.phase {
            case .asking:
                let seconds = Self.answerMs / 1_000
                outbox.append(
                    question.notHere("its provider did not answer within \(seconds) seconds"))
            case .fetching: outbox.append(question.notYet("its output is still on its way"))
            }
        }
    }

    // MARK: Blobs

    mutating func onFetched(_ blob: BlobID, _ outbox: inout Out) {
        for question in self.take(where: { $0.output?.blob == blob }) {
            guard let output = question.output else { continue }
            outbox.append(.output(token: question.token, output))
        }
    }

    mutating func onFetchFailed(_ blob: BlobID, _ text: String, _ outbox: inout Out) {
        // The provider may have said where it is not: ask anew the next time.
        self.outputs.removeAll { $0.blob == blob }
        for question in self.take(where: { $0.output?.blob == blob }) {
            outbox.append(question.notYet("its output cannot be fetched: \(text)"))
        }
    }

    private mutating func remember(_ output: JobOutput) {
        self.outputs.removeAll { $0.job == output.job }
        if self.outputs.count >= Self.outputsMax { self.outputs.removeFirst() }
        self.outputs.append(output)
    }

    /// Takes the questions that match out, to be answered.
    private mutating func take(where matches: (Question) -> Bool) -> [Question] {
        defer { self.waiting.removeAll(where: matches) }
        return self.waiting.filter(matches)
    }
}

extension Questions.Question {
    /// True if this is the question, and `acting` has a right to answer it.
    fileprivate func isAsked(
        _ job: JobID, _ subject: Questions.Subject, _ acting: [AccountID]
    ) -> Bool {
        self.about.job == job && self.subject == subject && self.phase == .asking
            && acting.contains(self.about.provider)
    }

    /// True if it waits for an answer of that provider.
    fileprivate func isAsked(of provider: AccountID) -> Bool {
        self.phase == .asking && self.about.provider == provider
    }

    /// Waits for the blob, and asks for it unless another question did.
    fileprivate mutating func fetch(
        _ output: JobOutput, isAsked: Bool, _ now: Instant, _ outbox: inout Questions.Out
    ) {
        self.phase = .fetching(output)
        self.due = now.adding(ms: Questions.fetchMs)
        outbox.append(.schedule(.question(token: self.token), at: self.due))
        if !isAsked {
            outbox.append(.fetch(output.blob, job: output.job, bytesMax: output.bytes))
        }
    }

    fileprivate var output: JobOutput? {
        if case .fetching(let output) = self.phase { output } else { nil }
    }

    /// The provider's answer is not what it committed to.
    fileprivate var contradiction: Provider.Effect {
        self.notHere("its provider's answer contradicts its commitment")
    }

    fileprivate func notHere(_ text: String) -> Provider.Effect {
        .notHere(token: self.token, self.about.job, text: "job \(self.about.job.short): \(text)")
    }

    fileprivate func notYet(_ text: String) -> Provider.Effect {
        .notYet(token: self.token, self.about.job, text: "job \(self.about.job.short): \(text)")
    }
}
