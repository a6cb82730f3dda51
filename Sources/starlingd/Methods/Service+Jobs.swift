import Chain
import Control
import Foundation
import Kernels
import Node
import Primitives
import Provider

extension Service {
    func serveKernels(_ table: inout MethodTable) {
        table.serve("kernel.check") { call throws(ControlError) in
            let manifest: Manifest = try call.value("manifest")
            let package = KernelPackage(source: try call.text("source"), manifest: manifest)
            do throws(KernelError) {
                let kernel = try Kernel(package)
                return .object(
                    ("kernel", package.id.json), ("exactness", kernel.exactness.json),
                    ("openCL", .string(kernel.openCL())))
            } catch {
                throw .product(error.code, error.message, fix: error.fix)
            }
        }
        table.serve("kernel.get") { call throws(ControlError) in
            let missing = ControlError.product(
                "kernel.notFound", "no kernel of this id is published",
                fix: "starling kernel list shows those that are")
            let found = try await self.query(.kernel(try call.value("kernel")), missing: missing)
            let bytes = found["package"]?.hexValue ?? []
            do throws(DecodeError) {
                let package = try KernelPackage(canonical: bytes)
                return .object(
                    ("kernel", found["kernel"] ?? .null), ("entry", found["entry"] ?? .null),
                    ("package", package.json))
            } catch {
                throw .internalError("a published kernel does not decode: \(error)")
            }
        }
        table.serve("kernel.list") { call throws(ControlError) in
            let page = try await self.query(
                .kernels(before: try Self.cursor(call), limit: call.int("limit") ?? 100))
            return Self.page("kernels", page["kernels"]?.arrayValue ?? [], next: page["next"])
        }
        table.serve("offer.list") { call throws(ControlError) in
            let page = try await self.query(
                .offers(before: try Self.cursor(call), limit: call.int("limit") ?? 100))
            return Self.page("offers", page["offers"]?.arrayValue ?? [], next: page["next"])
        }
    }

    func serveJobs(_ table: inout MethodTable) {
        table.serve("job.get") { call throws(ControlError) in
            let id: JobID = try call.value("job")
            let (entry, order) = try await self.job(id)
            return .object(
                ("job", id.json), ("phase", entry["phase"] ?? .null),
                ("genesis", self.genesis.id.json), ("order", order.json), ("entry", entry),
                ("output", await self.output(of: entry)))
        }
        table.serve("job.list") { call throws(ControlError) in
            let page = try await self.query(
                .jobs(before: try Self.cursor(call), limit: call.int("limit") ?? 100))
            return Self.page("jobs", page["jobs"]?.arrayValue ?? [], next: page["next"])
        }
        table.serve("job.progress") { call throws(ControlError) in
            try await self.progress(try call.value("job"))
        }
        table.serve("job.receipt") { call throws(ControlError) in
            let id: JobID = try call.value("job")
            let found = try await self.query(.jobReceipt(id), missing: Self.noJob)
            let (_, order) = try await self.job(id)
            return .object(
                ("job", id.json), ("genesis", self.genesis.id.json), ("order", order.json),
                ("receipt", found["receipt"] ?? .null), ("proof", found["proof"] ?? .null))
        }
        table.serve("job.open") { call throws(ControlError) in
            let id: JobID = try call.value("job")
            guard (call.int("launch") ?? 0) == 0 else {
                throw .product("job.noSuchLeaf", "the job has one launch, number 0")
            }
            let leaf: UInt64 = try call.value("leaf")
            let job = try Self.commitment(try await self.job(id).entry)
            guard leaf < job.leaves else {
                throw .product(
                    "job.noSuchLeaf", "the job has \(job.leaves) leaves, number 0 the first")
            }
            return try await self.ask(.opening(job, leaf: leaf))
        }
    }

    static let noJob = ControlError.product(
        "job.notFound", "no job has this id", fix: "starling job list shows those there are")

    /// The ledger's entry and the work order.
    private func job(_ id: JobID) async throws(ControlError) -> (entry: JSON, order: WorkOrder) {
        let found = try await self.query(.job(id), missing: Self.noJob)
        do throws(DecodeError) {
            return (
                found["job"] ?? .null,
                try WorkOrder(canonical: found["order"]?.hexValue ?? [])
            )
        } catch {
            throw .internalError("the order of a job does not decode: \(error)")
        }
    }

    /// What the ledger's entry says of the provider's commitment.
    private static func commitment(_ entry: JSON) throws(ControlError) -> JobCommitment {
        do throws(FieldError) {
            func field<T: FieldValue>(_ name: String) throws(FieldError) -> T {
                try T(json: entry[name] ?? .null, at: name)
            }
            return JobCommitment(
                job: try field("id"), provider: try field("provider"),
                leaves: try field("leaves"), leafRoot: try field("leafRoot"),
                outputCommitment: try field("outputCommitment"),
                outputBytes: try field("outputBytes"))
        } catch {
            throw .internalError("the entry of a job does not decode: \(error)")
        }
    }

    /// Where this daemon has the output; null while it has not.
    ///
    /// Another node's provider is asked once the audit is over; it would not tell before.
    private func output(of entry: JSON) async -> JSON {
        guard let job = try? Self.commitment(entry) else { return .null }
        let isLocal = self.keys.wallet(of: job.provider) != nil
        let isOver = JobStanding(phase: entry["phase"]?.stringValue) == .over
        guard isLocal || isOver, job.provider != .zero,
            case .json(let output) = await self.requests.ask(.output(job))
        else { return .null }
        return .object(
            ("root", output["root"] ?? .null), ("salt", output["salt"] ?? .null),
            ("blob", output["blob"] ?? .null), ("bytes", output["bytes"] ?? .null))
    }

    private func progress(_ id: JobID) async throws(ControlError) -> JSON {
        let (entry, _) = try await self.job(id)
        let phase = entry["phase"]?.stringValue ?? ""
        let leaves = entry["leaves"]?.u64Value ?? 0
        var done: UInt64 = 0
        var note: String?
        switch phase {
        case "posted": note = "waits for a provider"
        case "assigned":
            if let running = self.work.progress(of: id), running.groupsTotal > 0 {
                let part = mulDiv128(
                    UInt128(leaves), UInt128(running.groupsDone), UInt128(running.groupsTotal),
                    .down)
                done = UInt64(clamping: part ?? 0)
                note = running.phase
            }
        case "committed": (done, note) = (leaves, "waits for the draw of an auditor")
        case "drawn": (done, note) = (leaves, "an auditor re-runs leaves")
        case "summoned": (done, note) = (leaves, "the auditor asks the provider on the ledger")
        case "opened": (done, note) = (leaves, "the provider opened on the ledger")
        case "window": (done, note) = (leaves, "audited; settles when the window ends")
        default: done = phase == "settled" ? leaves : 0
        }
        let open = ["posted", "assigned", "committed", "drawn", "summoned", "opened", "window"]
        var members: [JSON.Member] = [
            .init(name: "job", value: id.json), .init(name: "phase", value: .string(phase)),
            .init(name: "leaves", value: leaves.json),
            .init(name: "leavesDone", value: done.json),
        ]
        if let note { members.append(.init(name: "note", value: .string(note))) }
        return .object(members + [.init(name: "isClosed", value: .bool(!open.contains(phase)))])
    }
}
