import ArgumentParser
import Control
import Foundation
import Kernels
import Primitives

struct KernelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernel", abstract: "Software that others can run, verified.",
        subcommands: [Check.self, Publish.self, List.self, Show.self])

    /// What goes with a kernel's file.
    struct FileOptions: ParsableArguments {
        @Option(help: "The manifest of a .cl file; else the .toml beside it, else inferred.")
        var manifest: String?
        @Option(
            name: .customShort("D"), parsing: .unconditionalSingleValue,
            help: "A definition NAME=VALUE for the preprocessor; may be repeated.")
        var definitions: [String] = []
        @Option(help: "For inference: the kernel function, where the file has several.")
        var entry: String?
        @Option(help: "For inference: lanes of a group, X,Y,Z.") var localSize: String?

        func load(_ file: String) throws -> KernelFile {
            try KernelFile.load(
                file,
                .init(
                    manifest: self.manifest, definitions: self.definitions, entry: self.entry,
                    localSize: self.localSize))
        }
    }

    struct Check: Command {
        static let configuration = CommandConfiguration(
            abstract: "Check a kernel here, without a daemon, and print its manifest.",
            discussion: "Exit status 0: accepted; 1: refused, with the place and what to write.")

        @OptionGroup var choices: FileOptions
        @Argument(help: "The kernel's source, a .cl file.") var file: String
        @Option(help: "Write the manifest to this file too.") var write: String?
        @Flag(help: "Print the OpenCL C that devices are given.") var openCL = false
        @Flag(help: "Print JSON for programs.") var json = false

        func perform() async throws {
            let loaded = try self.choices.load(self.file)
            let kernel = loaded.kernel
            let manifest = kernel.package.manifest
            if let write { try writeFile(write, Array(ManifestFile.text(manifest).utf8)) }
            if self.json {
                let reply = JSON.object(
                    ("accepted", .bool(true)), ("kernel", kernel.package.id.json),
                    ("exactness", kernel.exactness.json), ("isInferred", .bool(loaded.isInferred)),
                    ("manifest", manifest.json), ("openCL", .string(kernel.openCL())))
                print(reply.prettyText)
                return
            }
            if self.openCL {
                print(kernel.openCL())
                return
            }
            print(
                Style.good.apply("accepted") + "  \(printable(manifest.entry)), "
                    + "\(kernel.exactness), kernel \(kernel.package.id.hex)")
            print(
                Style.faint.apply(
                    loaded.isInferred
                        ? "# the manifest, inferred from the source" : "# the manifest"))
            print(ManifestFile.text(manifest), terminator: "")
        }
    }

    struct Publish: Command {
        static let configuration = CommandConfiguration(
            abstract: "Put a kernel on the ledger; its author earns a part of each job's price.")

        @OptionGroup var options: DaemonOptions
        @OptionGroup var choices: FileOptions
        @Argument(help: "The kernel's source, a .cl file.") var file: String
        @Option(help: "The wallet of the author.") var from: String?
        @Option(help: "The author's part of each price, in basis points (0 to 5000).")
        var fee: UInt16 = 0
        @Option(
            parsing: .unconditionalSingleValue,
            help: "A scalar NAME=VALUE of the test vector; may be repeated.")
        var vectorSet: [String] = []

        func perform() async throws {
            let kernel = try self.choices.load(self.file).kernel
            let daemon = try await self.options.connect()
            let publisher = KernelPublisher(
                daemon: daemon, progress: Progress(isQuiet: self.options.json))
            let id = kernel.package.id
            let isKnown = try await publisher.has(id)
            if !isKnown {
                let vectors = try VectorMaker(
                    kernel: kernel, scalars: self.scalars(kernel)
                ).make()
                _ = try await publisher.publish(
                    kernel, vectors: vectors, feeBasisPoints: self.fee,
                    from: try await daemon.wallet(self.from))
            }
            publisher.progress.clear()
            let reply = JSON.object(("kernel", id.json), ("wasPublished", .bool(isKnown)))
            guard !daemon.printed(reply) else { return }
            print(isKnown ? "Published already: \(id.hex)" : "Published \(id.hex)")
        }

        private func scalars(_ kernel: Kernel) throws -> [Scalar?] {
            let pairs = try JobPlan.pairs(self.vectorSet, "--vector-set")
            return try kernel.tree.scalars.map { parameter in
                guard let text = pairs.last(where: { $0.0 == parameter.name })?.1 else {
                    return nil
                }
                guard let scalar = Scalar(parameter.type, text: text) else {
                    throw CommandFailure.usage(
                        "--vector-set \(parameter.name): \(parameter.type.name) expected")
                }
                return scalar
            }
        }
    }

    struct List: Command {
        static let configuration = CommandConfiguration(
            abstract: "Published kernels, newest first.")

        @OptionGroup var options: DaemonOptions

        func perform() async throws {
            let daemon = try await self.options.connect()
            let reply = try await daemon.call("kernel.list", [("limit", .number(200))])
            guard !daemon.printed(reply) else { return }
            var table = Table("KERNEL", "TITLE", "AUTHOR", "FEE", "BLOCK")
            for entry in reply["kernels"]?.arrayValue ?? [] {
                let points = entry["fee"]?.intValue ?? 0
                table.add(
                    entry["id"]?.stringValue ?? "", entry["title"]?.stringValue ?? "",
                    short(entry["author"]), "\(points / 100).\(points % 100 / 10)\(points % 10) %",
                    entry["published"]?["height"]?.stringValue ?? "")
            }
            table.print()
        }
    }

    struct Show: Command {
        static let configuration = CommandConfiguration(
            abstract: "A published kernel: manifest and source.")

        @OptionGroup var options: DaemonOptions
        @Argument(help: "Its id or title.") var kernel: String

        func perform() async throws {
            let daemon = try await self.options.connect()
            let publisher = KernelPublisher(daemon: daemon, progress: Progress(isQuiet: true))
            let kernel = try await publisher.fetch(self.kernel)
            guard !daemon.printed(kernel.package.json) else { return }
            print("# kernel \(kernel.package.id.hex)")
            print(ManifestFile.text(kernel.package.manifest))
            print(kernel.package.source)
        }
    }
}
