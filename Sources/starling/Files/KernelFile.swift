import Control
import Foundation
import Kernels
import Primitives

/// A kernel of an author: a `.cl` file, and its manifest if there is one beside it.
struct KernelFile {
    /// What the command line says about a kernel's file.
    struct Choices {
        var manifest: String?
        var definitions: [String] = []
        /// These two are for inference alone.
        var entry: String?
        var localSize: String?
    }

    let kernel: Kernel
    /// Whether the manifest was inferred from the source.
    let isInferred: Bool

    /// Reads, expands, checks and lowers a file.
    ///
    /// The manifest is `manifest`, else the `.toml` beside the source, else inferred.
    ///
    /// - Throws: ``CommandFailure`` with file, line, column, the line underlined, and what to write
    ///   instead.
    static func load(_ file: String, _ choices: Choices) throws -> KernelFile {
        let bytes = try readFile(file)
        guard let source = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure(
                "\(printable(file)) is not UTF-8", fix: "save it as UTF-8", code: "kernel.notUTF8")
        }
        let beside = URL(fileURLWithPath: file).deletingPathExtension().path + ".toml"
        let path =
            choices.manifest ?? (FileManager.default.fileExists(atPath: beside) ? beside : nil)
        var written: Manifest?
        if let path {
            guard let text = String(validating: try readFile(path), as: UTF8.self) else {
                throw CommandFailure("\(printable(path)) is not UTF-8", fix: "save it as UTF-8")
            }
            written = try ManifestFile.parse(text, named: path)
        }
        let given = try choices.definitions.map(Self.definition)
        let localSize = try choices.localSize.map(Self.extent)
        do throws(KernelError) {
            let manifest =
                if let written { written } else {
                    try Manifest.infer(
                        source: source, entry: choices.entry, definitions: given,
                        localSize: localSize)
                }
            let package = try Self.package(source, manifest, given, title: Self.title(file))
            return KernelFile(kernel: try Kernel(package), isInferred: written == nil)
        } catch { throw Self.failure(error, file: file, manifest: path) }
    }

    private static func title(_ file: String) -> String {
        URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    }

    private static func package(
        _ source: String, _ base: Manifest, _ given: [Definition], title: String
    ) throws(KernelError) -> KernelPackage {
        var manifest = base
        // What the command line defines replaces what the manifest says.
        manifest.definitions.removeAll { old in given.contains { $0.name == old.name } }
        manifest.definitions += given
        if manifest.title.isEmpty { manifest.title = title }
        let text = try KernelPackage.expand(source: source, definitions: manifest.definitions)
        return KernelPackage(source: text, manifest: manifest)
    }

    private static func extent(_ text: String) throws -> Extent {
        let sizes = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt32($0) }
        guard (1...3).contains(sizes.count), !sizes.contains(nil) else {
            throw CommandFailure.usage("--local-size \(printable(text)): X,Y,Z expected")
        }
        let all = sizes.compactMap { $0 } + [1, 1]
        return Extent(x: all[0], y: all[1], z: all[2])
    }

    private static func definition(_ text: String) throws -> Definition {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else {
            throw CommandFailure.usage(
                "-D \(printable(text)) names nothing", fix: "write -D NAME=VALUE")
        }
        return Definition(name: String(name), value: parts.count == 2 ? String(parts[1]) : "1")
    }

    private static func failure(
        _ error: KernelError, file: String, manifest: String?
    ) -> CommandFailure {
        let place = error.line > 0 ? "\(file):\(error.line):\(error.column)" : manifest ?? file
        var message = "\(printable(place)): \(printable(error.message))"
        if !error.underlined.isEmpty {
            message +=
                "\n"
                + error.underlined.split(separator: "\n").map { "    \($0)" }
                .joined(separator: "\n")
        }
        return CommandFailure(message, fix: printable(error.fix), code: error.code)
    }
}
