import ArgumentParser
import Foundation
import Primitives

/// `starling-bench`: the figures that a single process can measure, each beside the machine's own
/// limit of the same run.
///
/// Nothing is asserted: a figure is printed with both numbers that it is the ratio of.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starling-bench",
        abstract: "Committed transfers per CPU-second beside Ed25519 verifications per CPU-second.",
        discussion: """
            One validator's chain with its state in LMDB, in this one thread: signatures are checked
            once per transaction, blocks are executed, made durable and folded. Row 1 of the figures;
            `testnet/idle` measures row 24 on a running daemon, `starling-sim` row 3.
            """)

    @Option(help: "Rows of the state before the first transfer.") var rows = 1_000_000
    @Option(help: "Transfers to commit.") var transfers = 40_000
    @Option(help: "Accounts that send.") var senders = 2_000
    @Option(help: "Transactions that wait in the pool at most.") var pool = 10_000
    @Flag(help: "A state of 40 million rows instead: some 15 GiB of disk, and an hour.")
    var large = false
    @Option(
        help: "Where the state is built; a fresh folder of the temporary directory if left out.")
    var directory: String?

    func validate() throws {
        guard (1_000...100_000_000).contains(self.rows), (1...10_000_000).contains(self.transfers),
            (1...100_000).contains(self.senders), self.senders * 2 <= self.rows,
            (1...20_000).contains(self.pool), self.pool <= 60 * self.senders
        else {
            throw ValidationError(
                "1,000...100,000,000 rows, 1...10,000,000 transfers, 1...100,000 senders (two rows "
                    + "each), a pool of 1...20,000 and of at most 60 for each sender")
        }
    }

    func run() throws {
        let folder =
            self.directory ?? NSTemporaryDirectory() + "starling-bench-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { if self.directory == nil { try? FileManager.default.removeItem(atPath: folder) } }
        let rows = self.large ? 40_000_000 : self.rows
        say("machine: \(Machine.description)")
        let world = World(senders: self.senders)
        let base = try BaseState(world, rows: rows, directory: folder + "/live")
        say("state: \(count(base.rows)) rows, root \(base.header.stateRoot.hex.prefix(16))")
        let copy = folder + "/follow"
        let again = folder + "/replay"
        try base.copy(to: copy)
        try base.copy(to: again)

        let batch = try Transfers(world, base, count: self.transfers)
        let before = Machine.verifications(batch.checks)
        let live = try LiveRun(world, base, pool: self.pool).run(batch)
        let follow = try FollowRun(world, base.at(copy)).run(live.blocks)
        let replay = try ReplayRun(world, base.at(again)).run(live.blocks)
        let after = Machine.verifications(batch.checks)
        let limit = max(before, after)
        say(
            "limit: \(count(before)) Ed25519 verifications per CPU-second before, \(count(after)) "
                + "after; the higher one counts")
        say(
            "limit: \(count(Machine.hashes())) BLAKE2b-256 pairs per CPU-second, "
                + "\(count(try Machine.syncs(folder))) synced appends of 4 KiB per second")
        for (name, result) in [
            ("live", live), ("follow", follow), ("replay", replay),
        ] { self.print(name, result, limit, base.rows) }
    }

    private func print(_ name: String, _ result: Measured, _ limit: Double, _ rows: Int) {
        let rate = Double(result.transfers) / result.cpuSeconds
        say(
            "row 1, \(name): \(count(rate)) transfers per CPU-second / \(count(limit)) "
                + "verifications per CPU-second = \(ratio(rate / limit))  (\(count(rows)) rows, "
                + "\(count(result.transfers)) transfers in \(count(result.blocks.count)) blocks, "
                + "\(ratio(result.cpuSeconds)) CPU-s, \(ratio(result.wallSeconds)) s)")
    }
}

/// One line of the report, at once.
func say(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

/// A number with its thousands apart.
func count(_ value: Int) -> String {
    var digits = String(value)
    var at = digits.count - 3
    while at > 0 {
        digits.insert(",", at: digits.index(digits.startIndex, offsetBy: at))
        at -= 3
    }
    return digits
}

func count(_ value: Double) -> String { count(Int(value.rounded())) }

/// Two decimals.
func ratio(_ value: Double) -> String { String(format: "%.2f", value) }
