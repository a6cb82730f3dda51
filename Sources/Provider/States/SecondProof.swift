import Kernels
import Primitives

/// Another wrong leaf of an attempt: a first one costs part of the bond, two cost it whole.
///
/// It is said once the first one ended the attempt; it is lost at a restart.
///
/// - Bounds: ``countMax`` wait, each is gathered and said ``triesMax`` times at most.
struct SecondProof: Sendable {
    static let countMax = 8
    static let triesMax = 3

    let duty: Duty.Audit
    let opening: LeafOpening
    /// What the referee computed for the leaf.
    private let sliceRoot: Digest
    private var intent: Intent?
    private var isTaken = false
    private var tries = 0
    private var failures = 0

    init(duty: Duty.Audit, opening: LeafOpening, sliceRoot: Digest) {
        self.duty = duty
        self.opening = opening
        self.sliceRoot = sliceRoot
    }

    /// True while the referee gathers what the leaf reads.
    func isGathering(_ job: JobID, _ auditor: AccountID) -> Bool {
        self.intent == nil && self.duty.job == job && self.duty.auditor == auditor
    }

    /// True until the ledger took it or refused it too often.
    var isWaiting: Bool { !self.isTaken && self.tries < Self.triesMax }

    /// True from its first word on the ledger.
    var isSaid: Bool { self.tries > 0 }

    /// A proof without the path to the output, which the ledger does not look at.
    static func intent(
        _ attempt: UInt8, _ opening: LeafOpening, _ witness: LeafWitness
    ) -> Intent {
        var short = opening
        short.outputPath = []
        return .prove(attempt: attempt, opening: short, witness: witness)
    }

    func gather(into outbox: inout Outbox<Provider.Effect>) {
        outbox.append(
            .gatherProof(
                RefereeRun(job: self.duty.job, purpose: .proof(self.duty.auditor)),
                package: self.duty.package, order: self.duty.order, leaf: self.opening.index))
    }

    /// True if what could not be gathered now is to be tried again.
    mutating func mayGatherAgain() -> Bool {
        self.failures += 1
        return self.failures < Self.triesMax
    }

    /// False if the referee contradicts itself.
    mutating func onProof(_ witness: LeafWitness, _ sliceRoot: Digest) -> Bool {
        guard sliceRoot == self.sliceRoot else { return false }
        self.intent = Self.intent(self.duty.attempt, self.opening, witness)
        return true
    }

    mutating func say(into outbox: inout Outbox<Provider.Effect>) {
        guard let intent = self.intent, self.isWaiting else { return }
        self.tries += 1
        outbox.append(.intend(self.duty.job, intent, account: self.duty.auditor))
    }

    mutating func onTaken() { self.isTaken = true }
}
