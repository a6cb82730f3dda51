import Chain
import Foundation
import Ledger
import Testing

/// The chain's own refusals stand in protocol/rejections.csv.
@Test func refusalsAreListed() throws {
    let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let text = try String(
        contentsOf: root.appendingPathComponent("protocol/rejections.csv"), encoding: .utf8)
    let listed = text.split(separator: "\n").dropFirst()
        .map { $0.split(separator: ",") }
        .filter { (UInt16($0[0]) ?? 0) >= 2900 }
        .map { "\($0[0]) \($0[1])" }
    #expect(listed == Chain.Refused.codes.map { "\($0.number) \($0.name)" })
}
