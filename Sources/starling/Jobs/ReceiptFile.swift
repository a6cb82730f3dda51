import Control
import Foundation
import Kernels
import Primitives

/// The receipt of a job: words for people, and the file that `protocol/check.py receipt` verifies.
struct ReceiptFile {
    /// The reply of `job.receipt`.
    let reply: JSON
    /// The document of `chain.genesis`, which names the validators.
    let genesis: JSON
    /// The audited leaves, opened; none where this daemon does not have them.
    let openings: [JSON]
    /// What this requester re-ran itself; nil when somebody else asks.
    var check: CheckResult?

    /// Asks for everything that the receipt of a job consists of.
    static func fetch(
        _ job: String, _ daemon: Daemon, check: CheckResult? = nil
    ) async throws -> ReceiptFile {
        let reply = try await daemon.call("job.receipt", [("job", .string(job))])
        let genesis = try await daemon.call("chain.genesis")
        var openings = reply["openings"]?.arrayValue ?? []
        let entry = reply["receipt"]?["job"]
        if openings.isEmpty, entry?["audited"] ?? .null != .null {
            for index in reply["receipt"]?["sample"]?.arrayValue ?? [] {
                openings.append(try await daemon.opening(.string(job), index))
            }
        }
        return ReceiptFile(
            reply: reply, genesis: genesis["genesis"] ?? .null, openings: openings, check: check)
    }

    private var receipt: JSON? { self.reply["receipt"] }
    private var job: JSON? { self.receipt?["job"] }

    /// The file: the daemon's proof, the sizes of the slices, and the requester's own check.
    func document(_ geometry: Geometry?) -> JSON {
        var members = [
            JSONMember(name: "genesis", value: self.genesis),
            JSONMember(name: "proof", value: self.reply["proof"] ?? .null),
            JSONMember(name: "openings", value: .array(self.openings)),
            JSONMember(name: "receipt", value: self.receipt ?? .null),
            JSONMember(name: "order", value: self.reply["order"] ?? .null),
        ]
        if let geometry {
            members.append(JSONMember(name: "slices", value: Self.slices(geometry)))
        }
        if let check {
            members.append(
                JSONMember(
                    name: "requesterCheck",
                    value: .object(
                        ("leaves", .array(check.leaves.map(\.json))),
                        ("agreed", .bool(true)))))
        }
        return .object(members)
    }

    /// `[count, bytes]` for consecutive leaves of one size.
    private static func slices(_ geometry: Geometry) -> JSON {
        var runs: [(count: Int64, bytes: UInt64)] = []
        for leaf in 0..<geometry.leafCount {
            let bytes = geometry.sliceBytes(leaf: leaf)
            if let last = runs.last, last.bytes == bytes {
                runs[runs.count - 1].count += 1
            } else {
                runs.append((1, bytes))
            }
        }
        return .array(
            runs.map { .array([.number($0.count), .number(Int64(clamping: $0.bytes))]) })
    }

    /// What was checked, by whom, the chances and the stake: never "verified" without them.
    func lines() -> [String] {
        let leaves = self.job?["leaves"]?.u64Value ?? 0
        let rerun = self.receipt?["leavesRerun"]?.u64Value ?? 0
        let auditor = short(self.job?["auditor"])
        var lines = [
            "job       \(self.job?["id"]?.stringValue ?? "?")",
            "state     \(self.job?["phase"]?.stringValue ?? "?")",
            "provider  \(short(self.job?["provider"])), bond at risk "
                + Money.text(self.receipt?["stakeAtRisk"]),
        ]
        for (number, attempt) in (self.receipt?["attempts"]?.arrayValue ?? []).enumerated() {
            lines.append("attempt \(number + 1) " + Self.words(attempt))
        }
        if rerun > 0 {
            lines.append(
                "audit     \(rerun) of \(leaves) leaves re-run by \(auditor), whose stake of "
                    + "\(Money.text(self.receipt?["auditorStake"])) is at risk; its own chain "
                    + "named them: " + Self.chances(leaves: leaves, rerun: rerun))
        } else {
            lines.append("audit     none yet: nobody but the provider vouches for the output")
        }
        if let check {
            let count = UInt64(check.leaves.count)
            lines.append(
                count == 0
                    ? "check     none by you (--check 0)"
                    : "check     \(count) of \(leaves) leaves re-run by you, chosen in secret: "
                        + Self.chances(leaves: leaves, rerun: count))
        }
        if let check, !check.leaves.isEmpty {
            lines.append(
                "output    the downloaded bytes have the committed output root; every re-run leaf "
                    + "was equal")
        }
        return lines
    }

    private static func words(_ attempt: JSON) -> String {
        let who = "failed: \(short(attempt["provider"]))"
        let cost = ", slashed \(Money.text(attempt["slashed"]))"
        switch attempt["end"]?.stringValue {
        case "wrongLeaf":
            return who + " had leaf \(attempt["leaf"]?.stringValue ?? "?") wrong, proved by "
                + short(attempt["reporter"]) + cost
        case "silent": return who + " did not open what it had committed to" + cost
        case "withheld": return who + " did not give its output" + cost
        default: return who + " gave no result in time"
        }
    }

    private static func chances(leaves: UInt64, rerun: UInt64) -> String {
        guard rerun < leaves else { return "no faked leaf could have gone unseen" }
        func text(_ percent: UInt64) -> String {
            CheckResult.percent(
                CheckResult.unseenPpm(leaves: leaves, rerun: rerun, fakedPercent: percent))
        }
        return "faking 1 % would have gone unseen with \(text(1)), 10 % with \(text(10))"
    }

    /// How the price was divided; nothing before settlement.
    func printWaterfall() {
        guard let fall = self.job?["waterfall"], fall != .null else {
            print(Style.faint.apply("not settled yet: nothing is paid"))
            return
        }
        let names: [(String, String)] = [
            ("operator", "the provider"), ("author", "the kernel's author"),
            ("dataOwner", "the data's owner"), ("holders", "holders of the GPU"),
            ("stakers", "stakers"), ("treasury", "treasury"), ("cover", "cover pool"),
            ("burned", "burned"),
        ]
        var table = Table("PAID TO", "AMOUNT")
        for (member, words) in names where fall[member] != .string("0") {
            table.add(words, Money.text(fall[member]))
        }
        table.add("= price", Money.text(fall["price"]))
        table.add("the auditor", Money.text(fall["auditor"]))
        table.add("back to the requester", Money.text(fall["refund"]))
        table.print()
    }

    func printWords() {
        for line in self.lines() { print(line) }
    }
}
