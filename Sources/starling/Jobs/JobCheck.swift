import Control
import Foundation
import Kernels
import Primitives

/// What the requester found by itself.
struct CheckResult: Sendable {
    /// Leaves re-run here, chosen in secret after the commitment.
    let leaves: [UInt64]
    let total: UInt64

    /// Chance in parts per million that this part of faked leaves went unseen; rounded up.
    ///
    /// The product over i of (honest - i) / (leaves - i), as protocol/jobs.md, "Receipt".
    static func unseenPpm(leaves: UInt64, rerun: UInt64, fakedPercent: UInt64) -> UInt64 {
        guard leaves > 0, rerun > 0 else { return 1_000_000 }
        let faked = (UInt128(leaves) * UInt128(fakedPercent) + 99) / 100
        let honest = UInt128(leaves) - faked
        var chance: UInt128 = 1 << 64
        for index in 0..<UInt128(min(rerun, leaves)) {
            guard honest > index else { return 0 }
            chance = mulDiv128(chance, honest - index, UInt128(leaves) - index, .up) ?? chance
        }
        return UInt64(mulDiv128(chance, 1_000_000, 1 << 64, .up) ?? 1_000_000)
    }

    /// `0.5 %`, never rounded down to nothing.
    static func percent(_ ppm: UInt64) -> String {
        switch ppm {
        case 0: return "0 %"
        case 1..<100: return "less than 0.01 %"
        default:
            let hundredths = (ppm + 99) / 100
            let cents = hundredths % 100
            return "\(hundredths / 100).\(cents < 10 ? "0" : "")\(cents) %"
        }
    }
}

/// Compares what a provider delivered with what it committed to, and re-runs leaves of it.
struct JobCheck {
    let job: JobID
    let plan: JobPlan
    /// The network's, which salts the hashes.
    let salt: ChainSalt
    let provider: AccountID
    let leafRoot: Digest
    let outputCommitment: Digest
    /// Which provider of the job this is, from 0.
    let attempt: JSON

    /// Reads what the ledger says from `job.get`.
    init(_ reply: JSON, plan: JobPlan) throws {
        func digest(_ json: JSON?, _ name: String) throws -> Digest {
            guard let digest = json?[name]?.stringValue.flatMap({ Digest(hex: $0) }) else {
                throw CommandFailure("the daemon's reply has no \(name)")
            }
            return digest
        }
        let entry = reply["entry"]
        self.plan = plan
        self.job = JobID(try digest(reply, "job"))
        self.salt = ChainSalt(GenesisID(try digest(reply, "genesis")))
        self.provider = AccountID(try digest(entry, "provider"))
        self.leafRoot = try digest(entry, "leafRoot")
        self.outputCommitment = try digest(entry, "outputCommitment")
        self.attempt = entry?["attempt"] ?? .number(0)
    }

    /// The slices of a downloaded output, tied to the commitment: sizes, slice roots, output root.
    ///
    /// - Throws: ``CommandFailure`` `check.*` when the bytes are not the committed ones.
    func slices(
        of output: [UInt8], root: Digest, salt: Digest, _ progress: Progress
    ) throws -> [ArraySlice<UInt8>] {
        guard Blake2b.pair(.output, self.salt, salt, root) == self.outputCommitment else {
            throw CommandFailure(
                "the delivered output root does not open the provider's commitment",
                fix: "keep the receipt: the provider's bond answers for it",
                code: "check.wrongCommitment")
        }
        let geometry = self.plan.geometry
        guard UInt64(output.count) == geometry.outputBytes else {
            throw CommandFailure(
                "the output has \(output.count) bytes, the work order \(geometry.outputBytes)",
                code: "check.wrongSize")
        }
        var slices: [ArraySlice<UInt8>] = []
        var roots: [Digest] = []
        var at = 0
        for leaf in 0..<geometry.leafCount {
            if leaf.isMultiple(of: 256) {
                progress.show("hashing the output", done: leaf, total: geometry.leafCount)
            }
            // At most outputBytes together, which is the count of the array.
            let end = min(at + Int(geometry.sliceBytes(leaf: leaf)), output.count)
            slices.append(output[at..<end])
            roots.append(Leaf.sliceRoot(Array(output[at..<end])))
            at = end
        }
        guard at == output.count, Leaf.outputRoot(roots) == root else {
            throw CommandFailure(
                "the downloaded bytes are not the committed output",
                fix: "download again; if it stays so, keep the receipt", code: "check.wrongOutput")
        }
        return slices
    }

    /// Leaves to re-run, by the system's randomness: nobody knows them before the commitment.
    static func choose(_ count: UInt64, of total: UInt64) -> [UInt64] {
        guard count < total else { return Array(0..<total) }
        var chosen: Set<UInt64> = []
        var system = SystemRandomNumberGenerator()
        while UInt64(chosen.count) < count {
            chosen.insert(UInt64.random(in: 0..<total, using: &system))
        }
        return chosen.sorted()
    }

    /// A leaf that the provider is bound to and that the referee computes otherwise.
    struct WrongLeaf: Error {
        let leaf: UInt64
        let opening: LeafOpening
    }

    /// Opens the leaves, leads each to the committed root, and re-runs it on the referee.
    ///
    /// - Throws: ``WrongLeaf`` at the first one that is wrong, ``CommandFailure`` `check.*` where
    ///   the provider does not open.
    func rerun(
        _ leaves: [UInt64], slices: [ArraySlice<UInt8>], _ daemon: Daemon, _ progress: Progress
    ) async throws -> CheckResult {
        var referee = Referee(self.plan.kernel)
        let total = self.plan.geometry.leafCount
        for (number, leaf) in leaves.enumerated() {
            progress.show(
                "re-running \(leaves.count) of \(total) leaves here", done: UInt64(number),
                total: UInt64(leaves.count))
            let slice = Array(slices[Int(leaf)])
            let opening = try await self.open(leaf, Leaf.sliceRoot(slice), daemon)
            do throws(RefereeError) {
                let run = try referee.run(
                    leaf: leaf, launch: 0, order: self.plan.order, geometry: self.plan.geometry,
                    inputs: self.plan.inputs)
                guard run.slice != slice else { continue }
            } catch {
                throw CommandFailure(
                    "leaf \(leaf) cannot be re-run: \(error)", code: "check.referee")
            }
            throw WrongLeaf(leaf: leaf, opening: opening)
        }
        return CheckResult(leaves: leaves, total: total)
    }

    /// The fraud proof: with it every validator re-runs the leaf and slashes the provider.
    ///
    /// - Throws: ``CommandFailure`` where the leaf reads more than one transaction holds.
    func proof(of wrong: WrongLeaf) throws -> JSON {
        var referee = Referee(self.plan.kernel)
        do throws(WitnessError) {
            let gathered = try referee.witness(
                leaf: wrong.leaf, launch: 0, order: self.plan.order,
                geometry: self.plan.geometry, inputs: self.plan.inputs)
            return .object(
                ("operation", .string("job.prove")), ("job", self.job.json),
                ("attempt", self.attempt), ("opening", wrong.opening.json),
                ("witness", gathered.witness.json))
        } catch {
            throw CommandFailure(
                "leaf \(wrong.leaf) is WRONG, and cannot be proved on the ledger: \(error)",
                fix: "keep the receipt; do not use the output", code: "check.wrongLeaf")
        }
    }

    private func open(
        _ leaf: UInt64, _ sliceRoot: Digest, _ daemon: Daemon
    ) async throws -> LeafOpening {
        let reply: JSON
        do {
            reply = try await daemon.opening(self.job.json, leaf.json)
        } catch let failure as CommandFailure {
            throw CommandFailure(
                failure.message,
                fix: "demand it on the ledger: starling job challenge \(self.job.hex) \(leaf)",
                code: "check.notOpened")
        }
        let opening: LeafOpening
        do throws(FieldError) {
            opening = try LeafOpening(json: reply, at: "opening")
        } catch {
            throw CommandFailure("the provider's opening of leaf \(leaf) is malformed")
        }
        let isCommitted = opening.leads(
            to: self.leafRoot, of: self.plan.geometry.leafCount, job: self.job,
            provider: self.provider, self.salt)
        guard opening.index == leaf, opening.sliceRoot == sliceRoot, isCommitted else {
            throw CommandFailure(
                "leaf \(leaf) does not open the provider's commitment",
                fix: "demand it on the ledger: starling job challenge \(self.job.hex) \(leaf)",
                code: "check.wrongOpening")
        }
        return opening
    }

    /// The written buffers as the kernel's author sees them: slices put where their cells lie.
    ///
    /// Cells that no group owns are zero, or the input's in an in-out buffer.
    func buffers(_ slices: [ArraySlice<UInt8>]) -> [Int: [UInt8]] {
        let geometry = self.plan.geometry
        var buffers: [Int: [UInt8]] = [:]
        for (index, box) in geometry.boxes.enumerated() where box != nil {
            let elements = geometry.launch.buffers[index].elements
            let count = Int(elements) * geometry.elementBytes[index]
            let input = self.plan.inputs[index]
            buffers[index] = input.count == count ? input : Array(repeating: 0, count: count)
        }
        for leaf in 0..<geometry.leafCount {
            let slice = slices[Int(leaf)]
            var at = slice.startIndex
            for run in geometry.slice(leaf: leaf) {
                let (offset, count) = (Int(run.byteOffset), Int(run.byteCount))
                buffers[run.buffer]?.replaceSubrange(
                    offset..<(offset + count), with: slice[at..<(at + count)])
                at += count
            }
        }
        return buffers
    }
}
