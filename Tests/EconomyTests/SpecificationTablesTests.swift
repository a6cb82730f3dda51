import Economy
import Foundation
import Ledger
import Testing

/// protocol/operations.csv and protocol/rejections.csv say what the code says.
@Suite struct SpecificationTablesTests {
    /// Codes from here on are the chain's own refusals, which no receipt carries.
    private static let chainCodes: UInt16 = 2900

    private func rows(_ name: String) throws -> [[String]] {
        let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appendingPathComponent("protocol/\(name).csv"), encoding: .utf8)
        return text.split(separator: "\n").dropFirst().map { line in
            line.split(separator: ",", maxSplits: 3, omittingEmptySubsequences: false)
                .map(String.init)
        }
    }

    @Test func operationsAreListed() throws {
        var listed = try self.rows("operations").map { Array($0.prefix(3)) }
        var declared: [[String]] = []
        func hex(_ tag: UInt16) -> String {
            let digits = String(tag, radix: 16)
            return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        for one in OperationCatalogue.descriptors {
            declared.append([hex(one.tag), one.name, "accepted"])
        }
        for one in OperationCatalogue.reserved {
            declared.append([hex(one.tag), one.name, "reserved"])
        }
        listed.sort { $0[0] < $1[0] }
        declared.sort { $0[0] < $1[0] }
        #expect(listed == declared)
        #expect(Set(declared.map { $0[0] }).count == declared.count, "tags are unique")
    }

    @Test func rejectionsAreListed() throws {
        let listed = try self.rows("rejections")
            .filter { (UInt16($0[0]) ?? 0) < Self.chainCodes }
            .map { "\($0[0]) \($0[1])" }
        let declared = (RejectionCode.all + OperationCatalogue.rejections)
            .sorted { $0.number < $1.number }.map { "\($0.number) \($0.name)" }
        #expect(listed == declared)
        #expect(Set(declared.map { $0.split(separator: " ")[0] }).count == declared.count)
    }
}
