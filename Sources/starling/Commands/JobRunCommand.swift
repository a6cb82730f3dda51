import ArgumentParser
import Control
import Foundation
import Kernels
import Primitives

struct JobRunCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run a kernel on somebody's device and check the result.",
        discussion: """
            Example: starling job run blur.cl --in image=photo.ppm --out result=blurred.ppm \
            --set radius=3 --max-price "0.1 STAR"

            Files of --in are raw little-endian elements, or binary PGM and PPM pictures, whose \
            pixels become the buffer and whose extent sets scalars called width, height, channels.
            """)

    @OptionGroup var options: DaemonOptions
    @OptionGroup var choices: KernelCommand.FileOptions
    @Argument(help: "A .cl file, or the id or title of a published kernel.") var kernel: String
    @Option(
        name: .customLong("in"), parsing: .unconditionalSingleValue,
        help: "NAME=FILE or NAME=@zeros:N for an input buffer; may be repeated.")
    var inputs: [String] = []
    @Option(
        name: .customLong("out"), parsing: .unconditionalSingleValue,
        help: "NAME=FILE for an output buffer; may be repeated.")
    var outputs: [String] = []
    @Option(
        name: .customLong("set"), parsing: .unconditionalSingleValue,
        help: "NAME=VALUE for a scalar; may be repeated.")
    var scalars: [String] = []
    @Option(help: "Groups X,Y,Z; inferred from the layouts if left out.") var groups: String?
    @Option(
        parsing: .unconditionalSingleValue,
        help: "NAME=N elements of an output; inferred from its layout if left out.")
    var elements: [String] = []
    @Option(help: "The most to pay for the work, such as \"0.1 STAR\".") var maxPrice: String?
    @Option(help: "What the auditor gets.") var auditFee = "0.001 STAR"
    @Option(help: "Leaves that the auditor re-runs; 0: one in 64, at least one, at most 16.")
    var audit: UInt16 = 0
    @Option(help: "Leaves to re-run here, chosen in secret, or all.") var check = "16"
    @Option(help: "Seconds that the run may take.") var deadline: UInt64 = 600
    @Option(help: "Write the receipt to this file, for protocol/check.py receipt.")
    var receipt: String?
    @Option(
        help: "Write the output as committed (slice-major) to this file, for check.py --output.")
    var rawOutput: String?
    @Option(help: "The wallet that pays.") var from: String?
    @Flag(help: "End with the result, before the job is settled and paid.") var noSettle = false

    private var isFile: Bool { self.kernel.hasSuffix(".cl") }

    func perform() async throws {
        let progress = Progress(isQuiet: self.options.json)
        defer { progress.clear() }
        // Everything that can be wrong with the command is said before a daemon is asked.
        let file = self.isFile ? try self.choices.load(self.kernel) : nil
        let audit = try Money.parse(self.auditFee)
        let price = try self.maxPrice.map(Money.parse)
        let daemon = try await self.options.connect()
        let publisher = KernelPublisher(daemon: daemon, progress: progress)
        let kernel: Kernel
        if let file {
            kernel = file.kernel
        } else {
            kernel = try await publisher.fetch(self.kernel)
        }
        let plan = try JobPlan(
            kernel,
            .init(
                inputs: self.inputs, scalars: self.scalars, elements: self.elements,
                groups: self.groups))
        let targets = try self.targets(plan)
        let count = try self.checkCount(plan.geometry.leafCount)
        let run = JobRun(
            daemon: daemon, progress: progress, plan: plan,
            wallet: try await daemon.wallet(self.from))
        guard let price else { throw try await self.priceIsMissing(run) }

        try await run.upload()
        var activeInMs: UInt64 = 0
        if file != nil, !(try await publisher.has(kernel.package.id)) {
            let vectors = try VectorMaker(
                kernel: kernel, scalars: kernel.tree.scalars.map { _ in nil }
            ).make()
            activeInMs = try await publisher.publish(
                kernel, vectors: vectors, feeBasisPoints: 0, from: run.wallet)
        }
        let terms = JobRun.Terms(
            maxPrice: price, auditFee: audit, audited: self.audit, runMs: self.deadline * 1000)
        let job = try await run.post(terms, activeInMs: activeInMs)
        try await run.follow(job) { $0 == "window" || $0 == "settled" }
        let (buffers, output, check) = try await self.checked(run, job, count)
        for (index, path) in targets { try self.write(buffers[index] ?? [], to: path, plan) }
        if let rawOutput { try writeFile(rawOutput, output) }
        if !self.noSettle { try await run.follow(job) { $0 == "settled" } }
        try await self.finish(job, check, plan, daemon, progress)
    }

    /// The result; when it is wrong, the receipt is written before that is said.
    private func checked(
        _ run: JobRun, _ job: JobID, _ count: UInt64
    ) async throws -> (buffers: [Int: [UInt8]], output: [UInt8], check: CheckResult) {
        do {
            return try await run.result(job, check: count)
        } catch let failure as CommandFailure where failure.code.hasPrefix("check.") {
            if let path = self.receipt {
                let document = try await ReceiptFile.fetch(job.hex, run.daemon)
                    .document(run.plan.geometry)
                try writeFile(path, Array((document.prettyText + "\n").utf8))
            }
            throw failure
        }
    }

    private func finish(
        _ job: JobID, _ check: CheckResult, _ plan: JobPlan, _ daemon: Daemon,
        _ progress: Progress
    ) async throws {
        let receipt = try await ReceiptFile.fetch(job.hex, daemon, check: check)
        let document = receipt.document(plan.geometry)
        if let path = self.receipt {
            try writeFile(path, Array((document.prettyText + "\n").utf8))
        }
        progress.clear()
        guard !daemon.printed(document) else { return }
        receipt.printWords()
        if !self.noSettle {
            print("")
            receipt.printWaterfall()
        }
        if let path = self.receipt {
            print("\nAnybody can check it: protocol/check.py receipt \(printable(path))")
        }
    }

    // MARK: Arguments

    private func targets(_ plan: JobPlan) throws -> [(Int, String)] {
        let layouts = plan.kernel.package.manifest.buffers
        let written = layouts.filter { $0.role.isWritten }.map(\.name)
        return try JobPlan.pairs(self.outputs, "--out").map { name, path in
            guard let index = layouts.firstIndex(where: { $0.name == name && $0.role.isWritten })
            else {
                throw CommandFailure.usage(
                    "the kernel writes no buffer \(printable(name))",
                    fix: "it writes \(written.joined(separator: ", "))")
            }
            return (index, path)
        }
    }

    private func checkCount(_ leaves: UInt64) throws -> UInt64 {
        if self.check == "all" { return leaves }
        guard let count = UInt64(self.check) else {
            throw CommandFailure.usage("--check \(printable(self.check)): a number or all expected")
        }
        return min(count, leaves)
    }

    private func priceIsMissing(_ run: JobRun) async throws -> CommandFailure {
        let cheapest = try await run.cheapest()
        let geometry = run.plan.geometry
        return .usage(
            "--max-price is missing: the work is at most \(geometry.totalGas) gas in "
                + "\(geometry.leafCount) leaves",
            fix: cheapest.map { "the cheapest offer asks --max-price \"\(Money.text($0))\"" }
                ?? "no standing offer takes it now: see starling provider status")
    }

    /// Pictures by the name of the file; anything else as raw elements.
    private func write(_ bytes: [UInt8], to path: String, _ plan: JobPlan) throws {
        let name = path.lowercased()
        let channels = name.hasSuffix(".ppm") ? 3 : name.hasSuffix(".pgm") ? 1 : 0
        guard channels > 0 else { return try writeFile(path, bytes) }
        let width = plan.integer("width") ?? plan.picture?.width
        let height = plan.integer("height") ?? plan.picture?.height
        guard let width, let height, (1...65_535).contains(width), (1...65_535).contains(height),
            bytes.count == width * height * channels
        else {
            throw CommandFailure(
                "the buffer's \(bytes.count) bytes are no picture of \(width ?? 0) × "
                    + "\(height ?? 0) pixels with \(channels) samples each",
                fix: "write it raw: --out NAME=FILE.bin")
        }
        try writeFile(
            path, Picture(channels: channels, width: width, height: height, pixels: bytes).file)
    }
}
