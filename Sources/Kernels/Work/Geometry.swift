package import Primitives

/// What a launch comes to: its leaves, what each may write, what it costs, what it reads.
///
/// Made by ``Kernel/geometry(_:)``; holding one is the proof that the order fits the kernel, that
/// no two groups own one cell and that all sizes are within ``Limits``.
///
/// Group number n of a launch of X × Y × Z groups is (z × Y + y) × X + x. Leaf i is the groups
/// i × groupsPerLeaf ..< min((i + 1) × groupsPerLeaf, X × Y × Z). The slice of a leaf is, for each
/// written buffer in order, for each of its groups in order, the owned cells by ascending
/// address; the output is the slices in leaf order ("slice-major").
package struct Geometry: Hashable, Sendable {
    /// A blob that a buffer starts as.
    package struct Input: Hashable, Sendable {
        package let buffer: Int
        package let blob: BlobID
        package let bytes: UInt64
    }

    /// A piece of one buffer inside a slice.
    package struct Run: Hashable, Sendable {
        package let buffer: Int
        package let byteOffset: UInt64
        package let byteCount: UInt64
    }

    /// The only launch.
    package let launch: Launch
    package let leafCount: UInt64
    package let groupCount: UInt64
    package let groupsPerLeaf: UInt64
    /// Upper bound of the gas of one leaf and of all.
    package let leafGas: UInt64
    package let totalGas: UInt64
    /// Bytes of all slices.
    package let outputBytes: UInt64
    /// Blobs that the launch reads.
    package let inputs: [Input]
    /// One per buffer; nil for `in` buffers.
    package let boxes: [Box?]
    /// Bytes of one scalar of each buffer.
    package let elementBytes: [Int]

    /// Group numbers of a leaf; empty beyond the last.
    package func groups(ofLeaf leaf: UInt64) -> Range<UInt64> {
        guard leaf < self.leafCount else { return self.groupCount..<self.groupCount }
        let start = leaf * self.groupsPerLeaf
        return start..<min(start + self.groupsPerLeaf, self.groupCount)
    }

    /// Coordinates x, y, z of a group.
    package func coordinates(ofGroup number: UInt64) -> [UInt32] {
        let (x, y) = (UInt64(self.launch.groups.x), UInt64(self.launch.groups.y))
        return [
            UInt32(truncatingIfNeeded: number % x), UInt32(truncatingIfNeeded: number / x % y),
            UInt32(truncatingIfNeeded: number / x / y),
        ]
    }

    /// Pieces of the buffers that make the leaf's slice, in slice order; neighbours are joined.
    package func slice(leaf: UInt64) -> [Run] {
        var runs: [Run] = []
        for (buffer, box) in self.boxes.enumerated() {
            guard let box else { continue }
            let width = UInt64(self.elementBytes[buffer])
            for group in self.groups(ofLeaf: leaf) {
                let ranges = box.ranges(ofGroup: self.coordinates(ofGroup: group))
                box.forEachRun(in: ranges) { first, count in
                    let offset = UInt64(first) * width
                    let bytes = UInt64(count) * width
                    if let last = runs.last, last.buffer == buffer,
                        last.byteOffset + last.byteCount == offset
                    {
                        runs[runs.count - 1] = Run(
                            buffer: buffer, byteOffset: last.byteOffset,
                            byteCount: last.byteCount + bytes)
                    } else {
                        runs.append(Run(buffer: buffer, byteOffset: offset, byteCount: bytes))
                    }
                }
            }
        }
        return runs
    }

    /// Bytes of the leaf's slice.
    package func sliceBytes(leaf: UInt64) -> UInt64 {
        var bytes: UInt64 = 0
        for (buffer, box) in self.boxes.enumerated() {
            guard let box else { continue }
            for group in self.groups(ofLeaf: leaf) {
                let ranges = box.ranges(ofGroup: self.coordinates(ofGroup: group))
                bytes += box.count(in: ranges) * UInt64(self.elementBytes[buffer])
            }
        }
        return bytes
    }
}

extension Geometry {
    /// Checks a launch against a kernel.
    ///
    /// - Throws: ``WorkError``, in this order: counts, types, sizes, layouts, slices, gas.
    init(_ launch: Launch, tree: Tree, manifest: Manifest) throws(WorkError) {
        try Self.checkBindings(launch, tree: tree)
        let groups = launch.groups.array
        guard groups.allSatisfy({ $0 >= 1 && $0 <= Limits.groupsPerAxis }) else {
            throw WorkError("work.groups", "groups along an axis: 1...\(Limits.groupsPerAxis)")
        }
        let (plane, overflow) = (UInt64(groups[0]) * UInt64(groups[1]))
            .multipliedReportingOverflow(by: UInt64(groups[2]))
        let perLeaf = UInt64(manifest.groupsPerLeaf)
        guard !overflow, (plane - 1) / perLeaf < Limits.leaves else {
            throw WorkError("work.leaves", "more than \(Limits.leaves) leaves")
        }
        let environment = ScalarExpression.Environment(
            names: tree.scalars.map(\.name), values: launch.scalars.map(\.integer),
            groups: groups, local: tree.localSize)
        var boxes: [Box?] = []
        for (number, layout) in manifest.buffers.enumerated() {
            boxes.append(
                layout.role.isWritten
                    ? try Box(
                        layout, elements: launch.buffers[number].elements, environment: environment)
                    : nil)
        }
        let gas = try GasBound(tree: tree, manifest: manifest, environment: environment)
        self.launch = launch
        self.groupCount = plane
        self.groupsPerLeaf = perLeaf
        self.leafCount = (plane - 1) / perLeaf + 1
        self.leafGas = try gas.ofGroups(min(perLeaf, plane), limit: Limits.leafGas)
        self.totalGas = try gas.ofGroups(plane, limit: Limits.jobGas)
        self.boxes = boxes
        self.elementBytes = tree.buffers.map(\.element.bytes)
        self.inputs = launch.buffers.enumerated().compactMap { number, binding in
            guard case .blob(let blob) = binding.source else { return nil }
            let bytes = binding.elements * UInt64(tree.buffers[number].element.bytes)
            return Input(buffer: number, blob: blob, bytes: bytes)
        }
        self.outputBytes = Self.ownedBytes(boxes, groups: groups, widths: self.elementBytes)
        try self.checkSlices()
    }

    private static func checkBindings(_ launch: Launch, tree: Tree) throws(WorkError) {
        guard launch.scalars.count == tree.scalars.count else {
            throw WorkError(
                "work.scalars.count", "\(tree.scalars.count) scalars, found \(launch.scalars.count)"
            )
        }
        for (scalar, parameter) in zip(launch.scalars, tree.scalars)
        where scalar.type != parameter.type {
            throw WorkError(
                "work.scalar.type",
                "scalar \(parameter.name) is \(parameter.type.name), found \(scalar.type.name)")
        }
        guard launch.buffers.count == tree.buffers.count else {
            throw WorkError(
                "work.buffers.count", "\(tree.buffers.count) buffers, found \(launch.buffers.count)"
            )
        }
        for (binding, buffer) in zip(launch.buffers, tree.buffers) {
            let limit = Limits.bufferBytes / UInt64(buffer.element.bytes)
            guard binding.elements >= 1, binding.elements <= limit else {
                throw WorkError(
                    "work.buffer.size", "buffer \(buffer.name): 1...\(limit) elements")
            }
            switch binding.source {
            case .output:
                throw WorkError(
                    "work.unsupported.chain", "buffer \(buffer.name): outputs of earlier launches")
            case .blob where !buffer.role.isRead:
                throw WorkError(
                    "work.buffer.source", "buffer \(buffer.name) is written only: bind zero")
            case .blob, .zero: break
            }
        }
    }

    /// Bytes that all groups own: per buffer, cells are disjoint, so the product over axes of the
    /// cells that some group reaches.
    private static func ownedBytes(_ boxes: [Box?], groups: [UInt32], widths: [Int]) -> UInt64 {
        var bytes: UInt64 = 0
        for (buffer, box) in boxes.enumerated() {
            guard let box, box.axes.allSatisfy({ $0.limit > 0 }) else { continue }
            var cells: UInt64 = 1
            for axis in box.axes {
                guard let source = axis.source else {
                    cells *= UInt64(axis.limit)
                    continue
                }
                var numbers = (Int64(groups[source]) - 1) / axis.divisor + 1
                if axis.modulus > 0 { numbers = min(numbers, axis.modulus) }
                cells *= UInt64(min(numbers * axis.block, axis.limit))
            }
            // At most 2^31 cells of 8 bytes in each of 16 buffers.
            bytes += cells * UInt64(widths[buffer])
        }
        return bytes
    }

    /// The first leaf has the largest slice: blocks only get cut at the far end of an axis.
    private func checkSlices() throws(WorkError) {
        var cells: UInt64 = 0
        var runs: UInt64 = 0
        for (buffer, box) in self.boxes.enumerated() {
            guard let box else { continue }
            let ranges = box.ranges(ofGroup: [0, 0, 0])
            let owned = box.count(in: ranges)
            let rowLength = box.order.last.map { box.axes[$0].stride == 1 ? ranges[$0].count : 1 }
            cells += owned * UInt64(self.elementBytes[buffer])
            runs += owned / UInt64(max(rowLength ?? 1, 1))
        }
        let groups = min(self.groupsPerLeaf, self.groupCount)
        guard cells <= Limits.sliceBytes / groups, runs <= Limits.sliceRuns / groups else {
            throw WorkError(
                "work.slice.size",
                "a leaf owns \(cells) bytes in \(runs) runs for each of \(groups) groups; at most "
                    + "\(Limits.sliceBytes) bytes in \(Limits.sliceRuns) runs")
        }
    }
}
