import Primitives

/// Asks peers for certificates that this node needs to go on: first whoever used them, then others.
///
/// Blocks are fetched by whoever answers `certify` and `verify`: those stay pending until then.
///
/// - Bounds: as many questions at once as the voter misses views, 16; one to each peer in turn.
/// - Source: protocol/consensus.md, "Missing certificates".
package struct Resolver: Hashable, Sendable {
    private struct Question: Hashable, Sendable {
        let view: UInt64
        var tries: UInt32
    }

    private let seats: UInt32
    private let me: UInt32?
    private let intervalMs: UInt64
    private var questions: [Question] = []
    private var round: UInt64 = 0
    private var isArmed = false

    /// A resolver among `seats` validators that asks again every `intervalMs`.
    init(seats: UInt32, me: UInt32?, intervalMs: UInt64) {
        self.seats = seats
        self.me = me
        self.intervalMs = intervalMs
    }

    /// Takes the list of views missed now; new ones are asked for at once, of `hint` first.
    mutating func update(
        _ missing: [UInt64], epoch: UInt64, hint: UInt32, _ now: Instant,
        _ out: inout Outbox<Simplex.Effect>
    ) {
        self.questions.removeAll { !missing.contains($0.view) }
        for view in missing where !self.questions.contains(where: { $0.view == view }) {
            self.questions.append(Question(view: view, tries: 0))
            self.ask(self.questions.count - 1, epoch, hint, &out)
        }
        self.arm(now, &out)
    }

    /// Time to ask again.
    mutating func onExpired(
        _ round: UInt64, epoch: UInt64, hint: UInt32, _ now: Instant,
        _ out: inout Outbox<Simplex.Effect>
    ) {
        guard round == self.round, self.isArmed else { return }
        self.isArmed = false
        self.round += 1
        for index in self.questions.indices { self.ask(index, epoch, hint, &out) }
        self.arm(now, &out)
    }

    private mutating func ask(
        _ index: Int, _ epoch: UInt64, _ hint: UInt32, _ out: inout Outbox<Simplex.Effect>
    ) {
        let question = self.questions[index]
        self.questions[index].tries &+= 1
        var peer = (hint + question.tries % self.seats) % self.seats
        if peer == self.me { peer = (peer + 1) % self.seats }
        guard peer != self.me else { return }
        out.append(.send(.want(epoch: epoch, view: question.view), to: peer))
    }

    private mutating func arm(_ now: Instant, _ out: inout Outbox<Simplex.Effect>) {
        guard !self.isArmed, !self.questions.isEmpty else { return }
        self.isArmed = true
        out.append(.schedule(.resolve(self.round), at: now.adding(ms: self.intervalMs)))
    }
}
