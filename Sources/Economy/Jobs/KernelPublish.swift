package import Kernels
import Ledger
package import Primitives

/// Publishes a kernel: parsed, verified and run on its vectors by every validator.
package struct KernelPublish: Operation {
    package static let tag: UInt16 = 0x0301
    package static let name = "kernel.publish"
    package static let summary = "Publishes a kernel whose author earns a part of each job's price."
    package static let vectorsMax = 8

    package var kernel: KernelPackage = .blank
    package var vectors: [TestVector] = []
    package var fee: BasisPoints = .blank
    package var title: String = ""

    package init() {}

    package static var blank: KernelPublish { KernelPublish() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("package", &self.kernel)
        try visitor.list("vectors", &self.vectors, max: Self.vectorsMax)
        try visitor.field("fee", &self.fee)
        try visitor.text("title", &self.title, max: KernelEntry.titleMax)
    }

    /// In the order checked.
    package enum Rejection: UInt16, RejectionCases {
        case feeTooHigh = 1100
        case noVectors = 1101
        case alreadyPublished = 1102
        case packageTooLarge = 1103
        case kernelInvalid = 1104
        case refereeLaneBusy = 1105
        case vectorsFail = 1106
        package static let prefix = "kernel.publish"
    }

    /// - Touches: one kernel entry, its pieces, the lane, the counters, one hold.
    /// - Bounds: the package as `Kernel` limits it; vectors within half a window of the lane.
    /// - Source: protocol/jobs.md, "Publish".
    package func apply(to state: inout EconomyState, by account: AccountID) throws(Failure) {
        guard self.fee.value <= KernelEntry.feeMax else { throw Failure(Rejection.feeTooHigh) }
        guard !self.vectors.isEmpty else { throw Failure(Rejection.noVectors) }
        let id = self.kernel.id
        guard state.kernel(id) == nil else { throw Failure(Rejection.alreadyPublished) }
        let bytes = self.kernel.canonicalBytes
        guard bytes.count <= Pieces.blobMax else { throw Failure(Rejection.packageTooLarge) }
        let compiled: Kernel
        do throws(KernelError) {
            compiled = try Kernel(self.kernel)
        } catch {
            state.explanation = "\(error.code) at \(error.line):\(error.column): \(error.message)"
            throw Failure(Rejection.kernelInvalid)
        }
        // Paid and counted by its bound, before the referee runs: nobody makes all validators work
        // for a fee that cannot pay it, and a failing vector counts as well.
        let gas = Self.bound(self.vectors, compiled)
        guard gas <= state.laneLeft else { throw Failure(Rejection.refereeLaneBusy) }
        guard state.ledger.canAfford(gas: gas) else {
            throw Failure(ExecutionRejection.weightAboveMaxFee)
        }
        let bond = state.parameters.kernelBond
        if bond > .zero {
            try state.hold(bond, of: account, EconomyState.kernelBondPurpose, id.digest)
        }
        state.chargeLane(gas)
        do throws(VectorError) {
            try compiled.check(vectors: self.vectors)
        } catch {
            state.explanation = "\(error)"
            throw Failure(Rejection.vectorsFail)
        }

        var counters = state.counters
        var entry = KernelEntry()
        entry.id = id
        entry.sequence = counters.kernels
        entry.author = account
        entry.title = self.title
        entry.fee = self.fee
        entry.exactness = compiled.exactness.rawValue
        entry.bytes = UInt32(clamping: bytes.count)
        entry.vectors = UInt8(clamping: self.vectors.count)
        entry.vectorGas = gas
        entry.published = state.moment
        entry.bond = bond
        entry.activeFrom = state.later(by: state.parameters.kernelActivationMs)
        counters.kernels += 1
        state.counters = counters
        state.write(EconomyTable.kernel, id, entry)
        state.write(EconomyTable.kernelSequence, entry.sequence, id)
        state.writePieces(bytes, of: .kernel, id.digest)
    }

    /// The most gas that the vectors can use; a vector that does not fit the kernel uses none.
    private static func bound(_ vectors: [TestVector], _ kernel: Kernel) -> UInt64 {
        var sum: UInt64 = 0
        for vector in vectors {
            do throws(WorkError) {
                let gas = try kernel.geometry(launch: vector.launch).totalGas
                let (next, overflow) = sum.addingReportingOverflow(gas)
                sum = overflow ? .max : next
            } catch {
                continue
            }
        }
        return sum
    }
}
