package import Primitives

/// A published kernel: the expansion of its source, and its manifest.
///
/// id = H(.kernel, canonical bytes), zero salt.
package struct KernelPackage: Record {
    /// OpenCL C without directives and macros, at most ``Limits/sourceBytes``.
    package var source: String
    package var manifest: Manifest

    package init(source: String, manifest: Manifest) {
        self.source = source
        self.manifest = manifest
    }

    package static var blank: KernelPackage { KernelPackage(source: "", manifest: .blank) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("source", &self.source, max: Limits.sourceBytes)
        try visitor.field("manifest", &self.manifest)
    }

    package var id: KernelID {
        KernelID(Blake2b.hash(.kernel, .none, self.canonicalBytes))
    }
}

extension KernelPackage {
    /// The published text of an author's file: macros and conditionals expanded under the
    /// definitions.
    ///
    /// - Bounds: ``Limits/authorBytes`` in, ``Limits/sourceBytes`` out.
    /// - Throws: ``KernelError`` with the place in the author's file.
    package static func expand(
        source: String, definitions: [Definition]
    ) throws(KernelError) -> String {
        let bytes = Array(source.utf8)
        guard bytes.count <= Limits.authorBytes else {
            throw KernelError(
                code: "kernel.limit.source", message: "the file has \(bytes.count) bytes",
                fix: "at most \(Limits.authorBytes)")
        }
        let text = try Preprocessor.expand(bytes, definitions: definitions)
        guard text.utf8.count <= Limits.sourceBytes else {
            throw KernelError(
                code: "kernel.limit.source", message: "the expansion has \(text.utf8.count) bytes",
                fix: "at most \(Limits.sourceBytes): expand less, remove unused code")
        }
        return text
    }
}
