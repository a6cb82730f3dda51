import Control
import Kernels
import Primitives

/// Finds kernels on the ledger and puts new ones there.
struct KernelPublisher {
    let daemon: Daemon
    let progress: Progress

    /// Whether the ledger has the kernel.
    func has(_ kernel: KernelID) async throws -> Bool {
        do {
            _ = try await self.daemon.call("kernel.get", [("kernel", kernel.json)])
            return true
        } catch let failure as CommandFailure where failure.code == "kernel.notFound" {
            return false
        }
    }

    /// A published kernel by its id or title.
    func fetch(_ name: String) async throws -> Kernel {
        let id = try await self.find(name)
        let reply = try await self.daemon.call("kernel.get", [("kernel", id.json)])
        let found: KernelPackage
        do throws(FieldError) {
            found = try KernelPackage(json: reply["package"] ?? .null, at: "package")
        } catch { throw CommandFailure("the daemon's kernel is malformed at \(error.path)") }
        guard found.id == id else {
            throw CommandFailure("the daemon gave another kernel than \(id.hex)")
        }
        do throws(KernelError) {
            return try Kernel(found)
        } catch { throw CommandFailure(error.rendered, fix: error.fix, code: error.code) }
    }

    private func find(_ name: String) async throws -> KernelID {
        if let id = KernelID(hex: name) { return id }
        var cursor: JSON?
        var matches: [KernelID] = []
        repeat {
            let params = cursor.map { [("cursor", $0)] } ?? []
            let page = try await self.daemon.call("kernel.list", params)
            for entry in page["kernels"]?.arrayValue ?? [] where entry["title"] == .string(name) {
                if let id = entry["id"]?.stringValue.flatMap({ KernelID(hex: $0) }) {
                    matches.append(id)
                }
            }
            cursor = page["next"].flatMap { $0 == .null ? nil : $0 }
        } while cursor != nil && matches.count < 2
        switch matches.count {
        case 1: return matches[0]
        case 0:
            throw CommandFailure(
                "no published kernel is called \(printable(name))",
                fix: "see starling kernel list, or name a .cl file", code: "kernel.notFound")
        default:
            throw CommandFailure(
                "several kernels are called \(printable(name))",
                fix: "name one by its id, such as \(matches[0].hex)")
        }
    }

    /// Publishes with test vectors made here, and waits until it is final.
    ///
    /// - Returns: milliseconds of ledger time until it may be ordered.
    func publish(
        _ kernel: Kernel, vectors: [TestVector], feeBasisPoints: UInt16, from wallet: String
    ) async throws -> UInt64 {
        self.progress.show("publishing \(printable(kernel.package.manifest.title))")
        let operation = JSON.object(
            ("operation", .string("kernel.publish")), ("package", kernel.package.json),
            ("vectors", .array(vectors.map(\.json))),
            ("fee", .number(Int64(feeBasisPoints))),
            ("title", .string(Self.title(kernel.package.manifest.title))))
        _ = try await self.daemon.submit([operation], from: wallet)
        let reply = try await self.daemon.call("kernel.get", [("kernel", kernel.package.id.json)])
        let from = reply["entry"]?["activeFrom"]?.u64Value ?? 0
        let published = reply["entry"]?["published"]?["time"]?.u64Value ?? 0
        return from > published ? from - published : 0
    }

    /// What fits the ledger's title: 96 bytes of whole characters.
    private static func title(_ text: String) -> String {
        var title = ""
        for character in text where (title + String(character)).utf8.count <= 96 {
            title.append(character)
        }
        return title
    }
}
