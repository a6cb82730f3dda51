import Foundation
import Primitives
import Testing

/// One file of protocol/vectors: compared with what this code says, or written by it.
///
/// `STARLING_WRITE_VECTORS=1 swift test --filter Vector` writes; without it the test compares.
enum VectorFile {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("protocol/vectors")

    static var isWriting: Bool {
        ProcessInfo.processInfo.environment["STARLING_WRITE_VECTORS"] == "1"
    }

    /// The file says exactly `content`.
    static func expect(
        _ name: String, _ content: JSON, _ location: SourceLocation = #_sourceLocation
    ) throws {
        let url = self.folder.appendingPathComponent(name + ".json")
        let text = content.prettyText + "\n"
        if self.isWriting { try Data(text.utf8).write(to: url) }
        let stored = try String(contentsOf: url, encoding: .utf8)
        guard stored != text else { return }
        let lines = zip(stored.split(separator: "\n"), text.split(separator: "\n"))
        let first = lines.first { $0 != $1 }
        Issue.record(
            "\(name).json differs: it says \(first?.0 ?? "less"), the code \(first?.1 ?? "more")",
            sourceLocation: location)
    }
}
