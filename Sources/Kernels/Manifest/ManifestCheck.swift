extension Manifest {
    /// Refuses values that are wrong, and values that have a code but are not accepted.
    ///
    /// - Throws: ``KernelError`` `manifest.*`, `kernel.unsupported.*`.
    func check() throws(KernelError) {
        guard self.version == 1 else {
            throw Self.refused("manifest.version", "version \(self.version)", fix: "version = 1")
        }
        guard ScalarExpression.isName(self.entry) else {
            throw Self.refused(
                "manifest.entry", "the entry is not a name", fix: "entry = \"name of the kernel\"")
        }
        let printable = [self.title] + self.definitions.map(\.value)
        guard printable.allSatisfy({ $0.utf8.allSatisfy { $0 >= 32 && $0 != 127 } }) else {
            throw Self.refused(
                "manifest.text", "control characters in a title or a definition", fix: "remove them"
            )
        }
        guard self.exactness == .exactInt || self.exactness == .exactFloat32 else {
            throw Self.refused(
                "manifest.unsupported.exactness", "the class \(self.exactness)",
                fix: "exactInt or exactFloat32")
        }
        let size = self.localSize.array
        let lanes = size.reduce(UInt64(1)) { $0.saturatingProduct(UInt64($1)) }
        guard lanes >= 1, lanes <= UInt64(Limits.groupLanes) else {
            throw Self.refused(
                "manifest.local.size", "\(lanes) lanes in a group", fix: "1...\(Limits.groupLanes)")
        }
        guard (1...3).contains(self.dimensions),
            size.dropFirst(Int(self.dimensions)).allSatisfy({ $0 == 1 })
        else {
            throw Self.refused(
                "manifest.dimensions", "\(self.dimensions) dimensions with local size \(size)",
                fix: "1, 2 or 3, at least as many as axes of a local size above 1")
        }
        guard self.subgroupWidth == 0 else {
            throw Self.refused(
                "manifest.unsupported.subgroups", "sub-groups", fix: "subgroup_width = 0")
        }
        guard self.segments == 1 else {
            throw Self.refused("manifest.unsupported.segments", "segments", fix: "segments = 1")
        }
        guard self.fuel >= 1, self.fuel <= Limits.fuelMax else {
            throw Self.refused(
                "manifest.fuel", "fuel \(self.fuel)", fix: "1...\(Limits.fuelMax)")
        }
        guard self.groupsPerLeaf >= 1, self.groupsPerLeaf <= Limits.groupsPerLeafMax else {
            throw Self.refused(
                "manifest.groups.per.leaf", "\(self.groupsPerLeaf) groups in a leaf",
                fix: "1...\(Limits.groupsPerLeafMax)")
        }
        for buffer in self.buffers { try Self.check(buffer) }
        guard self.buffers.contains(where: \.role.isWritten) else {
            throw Self.refused(
                "manifest.output", "no buffer is written", fix: "give one buffer the role out")
        }
    }

    private static func check(_ buffer: BufferLayout) throws(KernelError) {
        switch buffer.role {
        case .in, .out, .inout: break
        case .append, .accumulate:
            throw Self.refused(
                "manifest.unsupported.role", "buffer \(buffer.name): role \(buffer.role)",
                fix: "in or out, with one place for each group")
        }
        guard buffer.element != .bool, buffer.element != .double, buffer.element != .half else {
            throw Self.refused(
                "manifest.unsupported.element", "buffer \(buffer.name) of \(buffer.element.name)",
                fix: "use integers or float")
        }
        let log2 = buffer.chunkLog2
        guard buffer.chunks == .gather ? (8...12).contains(log2) : log2 == 12 else {
            throw Self.refused(
                "manifest.chunks", "buffer \(buffer.name): chunks of 2^\(log2) bytes",
                fix: "12, or 8...12 with gather")
        }
        guard buffer.role.isWritten || buffer.axes.isEmpty else {
            throw Self.refused(
                "manifest.layout.input", "buffer \(buffer.name) is read only and has axes",
                fix: "remove the axes: all groups may read all of it")
        }
        for axis in buffer.axes {
            guard axis.source.map({ $0.axis <= 2 }) ?? true else {
                throw Self.refused(
                    "manifest.layout.source", "buffer \(buffer.name): a source axis above 2",
                    fix: "0 (x), 1 (y) or 2 (z)")
            }
        }
    }

    private static func refused(_ code: String, _ message: String, fix: String) -> KernelError {
        KernelError(code: code, message: message, fix: fix)
    }
}
