import ArgumentParser
import Control
import Foundation
import Primitives

struct BlobCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blob", abstract: "Data by its content address.",
        subcommands: [Put.self, Get.self])

    struct Put: Command {
        static let configuration = CommandConfiguration(abstract: "Give a file to the daemon.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "The file.") var file: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let bytes = try readFile(self.file)
            let progress = Progress(isQuiet: self.options.json)
            let blob = try await daemon.upload(bytes, named: self.file, progress)
            progress.clear()
            let reply = JSON.object(("blob", blob.json), ("bytes", UInt64(bytes.count).json))
            guard !daemon.printed(reply) else { return }
            print(blob.hex)
        }
    }

    struct Get: Command {
        static let configuration = CommandConfiguration(
            abstract: "Write a blob to a file, or to stdout for -.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Its content address.") var blob: String
        @Argument(help: "The file to write.") var file: String

        func perform() async throws {
            guard let blob = BlobID(hex: self.blob) else {
                throw CommandFailure.usage("\(printable(self.blob)) is no content address")
            }
            let daemon = try await self.options.connect()
            let progress = Progress(isQuiet: self.options.json)
            let bytes = try await daemon.download(blob, progress)
            progress.clear()
            if self.file == "-" {
                FileHandle.standardOutput.write(Data(bytes))
            } else {
                try writeFile(self.file, bytes)
            }
        }
    }
}

extension Daemon {
    /// Calls that overlap: enough to keep the socket busy, few enough not to pile up replies.
    private static let window = 4

    /// Gives bytes to the daemon unless it has them; their content address.
    func upload(_ bytes: [UInt8], named name: String, _ progress: Progress) async throws -> BlobID {
        let blob = BlobHasher.id(bytes)
        let stat = try await self.call("blob.stat", [("blob", blob.json)])
        if stat["present"] == .bool(true) { return blob }
        let opened = try await self.call("blob.open", [("bytes", UInt64(bytes.count).json)])
        let handle = opened["handle"] ?? .null
        let piece = min(opened["pieceBytesMax"]?.intValue ?? 65_536, Control.pieceBytesMax)
        guard piece > 0 else { throw CommandFailure("the daemon takes pieces of no bytes") }
        var offset = 0
        while offset < bytes.count {
            progress.show(
                "sending \(printable(name))", done: UInt64(offset), total: UInt64(bytes.count))
            let end = min(offset + piece, bytes.count)
            _ = try await self.call(
                "blob.append",
                [
                    ("handle", handle), ("offset", UInt64(offset).json),
                    ("data", .string(Hex.encode(bytes[offset..<end]))),
                ])
            offset = end
        }
        let committed = try await self.call(
            "blob.commit", [("handle", handle), ("blob", blob.json)])
        guard committed["blob"] == blob.json else {
            throw CommandFailure("the daemon stored \(printable(name)) under another address")
        }
        return blob
    }

    /// The bytes of a blob, checked against its content address.
    func download(_ blob: BlobID, _ progress: Progress) async throws -> [UInt8] {
        let stat = try await self.call("blob.stat", [("blob", blob.json)])
        guard stat["present"] == .bool(true), let total = stat["bytes"]?.u64Value,
            let count = Int(exactly: total)
        else {
            throw CommandFailure(
                "the daemon does not have \(blob.hex)",
                fix: "ask the daemon that does", code: "blob.notFound")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(min(count, 1 << 30))
        while bytes.count < count {
            progress.show("receiving", done: UInt64(bytes.count), total: total)
            let offsets = stride(from: bytes.count, to: count, by: Control.pieceBytesMax)
                .prefix(Self.window)
            let pieces = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
                for offset in offsets {
                    group.addTask { (offset, try await self.piece(of: blob, at: offset)) }
                }
                var pieces: [(Int, [UInt8])] = []
                for try await piece in group { pieces.append(piece) }
                return pieces.sorted { $0.0 < $1.0 }
            }
            for (offset, piece) in pieces {
                guard offset == bytes.count, !piece.isEmpty else {
                    throw CommandFailure("the daemon gave a short piece of \(blob.hex)")
                }
                bytes += piece
            }
        }
        guard BlobHasher.id(bytes) == blob else {
            throw CommandFailure(
                "the bytes received are not those of \(blob.hex)",
                fix: "the daemon's disk may be damaged: see its log")
        }
        return bytes
    }

    private func piece(of blob: BlobID, at offset: Int) async throws -> [UInt8] {
        let reply = try await self.call(
            "blob.read",
            [
                ("blob", blob.json), ("offset", UInt64(offset).json),
                ("bytes", .number(Int64(Control.pieceBytesMax))),
            ])
        return reply["data"]?.hexValue ?? []
    }
}

/// The bytes of a file.
func readFile(_ path: String) throws -> [UInt8] {
    do {
        return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
        throw CommandFailure(
            "cannot read \(printable(path))", fix: "check the path and that you may read it")
    }
}

/// Writes a file, whole or not at all.
func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    do {
        try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
        throw CommandFailure(
            "cannot write \(printable(path))", fix: "check that the folder exists and is yours")
    }
}
