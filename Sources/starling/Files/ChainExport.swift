import Control
import Foundation
import Primitives

/// The whole chain as a file: one JSON object a line, the genesis first, then a block each.
///
/// A block without a certificate of its own names the height whose certificate covers it; blocks
/// after the last certificate are left out, since nothing proves them yet.
///
/// - Source: protocol/block.md, "Export file".
struct ChainExport {
    let daemon: Daemon
    let file: String
    let progress: Progress

    /// Writes beside the file, then under its name.
    func write() async throws {
        let genesis = try await self.daemon.call("chain.genesis")
        let partial = self.file + ".partial"
        guard FileManager.default.createFile(atPath: partial, contents: nil),
            let handle = FileHandle(forWritingAtPath: partial)
        else { throw self.failure }
        var counts: (height: String, certificates: Int)
        do {
            counts = try await self.blocks(genesis["genesis"] ?? .null, handle)
            try handle.close()
            try FileManager.default.moveReplacing(partial, self.file)
        } catch let failure as CommandFailure {
            try? FileManager.default.removeItem(atPath: partial)
            throw failure
        } catch {
            try? FileManager.default.removeItem(atPath: partial)
            throw self.failure
        }
        self.progress.clear()
        let summary = JSON.object(
            ("file", .string(self.file)), ("height", .string(counts.height)),
            ("certificates", .number(Int64(counts.certificates))))
        guard !self.daemon.printed(summary) else { return }
        print(
            "\(counts.height) blocks with \(counts.certificates) certificates in "
                + printable(self.file))
        print("Check them: protocol/check.py chain \(printable(self.file))")
    }

    private var failure: CommandFailure {
        CommandFailure(
            "cannot write \(printable(self.file))",
            fix: "check that the folder exists and is yours")
    }

    /// Every page up to the height that was the last at the first of them.
    private func blocks(
        _ genesis: JSON, _ handle: FileHandle
    ) async throws -> (height: String, certificates: Int) {
        var waiting: [JSON] = []
        var counts = (height: "0", certificates: 0)
        var from: UInt64 = 1
        var last: UInt64?
        while true {
            let page = try await self.daemon.call(
                "chain.export", [("from", from.json), ("limit", .number(1000))])
            if last == nil {
                last = page["last"]?.u64Value ?? 0
                let first = JSON.object(
                    ("chain", .number(1)), ("genesis", genesis),
                    ("header", page["genesisHeader"] ?? .null))
                try handle.write(contentsOf: Data((first.text + "\n").utf8))
            }
            for block in page["blocks"]?.arrayValue ?? [] {
                guard (block["height"]?.u64Value ?? .max) <= last ?? 0 else { break }
                waiting.append(block)
                guard block["certificate"]?.stringValue?.isEmpty == false else { continue }
                try self.write(&waiting, coveredBy: block["height"] ?? .null, handle)
                counts = (block["height"]?.stringValue ?? "0", counts.certificates + 1)
            }
            self.progress.show("block \(counts.height)")
            guard let next = page["next"]?.u64Value, next <= last ?? 0, next > from else {
                return counts
            }
            from = next
        }
    }

    /// Writes the blocks that the last one's certificate makes final.
    private func write(
        _ blocks: inout [JSON], coveredBy height: JSON, _ handle: FileHandle
    ) throws {
        var text = ""
        for block in blocks {
            guard case .object(let members) = block else { continue }
            let isCovered = block["certificate"]?.stringValue?.isEmpty == true
            let line =
                isCovered
                ? JSON.object(members + [.init(name: "coveredBy", value: height)]) : block
            text += line.text + "\n"
        }
        try handle.write(contentsOf: Data(text.utf8))
        blocks = []
    }
}

extension FileManager {
    /// Gives a file another's name, in place of what has it.
    fileprivate func moveReplacing(_ source: String, _ target: String) throws {
        guard rename(source, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
}
