package import Primitives

/// What is fixed about a kernel beside its text; hashed with it into the kernel's id.
///
/// Everything a later release accepts has its field already: roles, chunk kinds, segments and
/// sub-group widths that are not accepted yet are refused by ``Kernel/init(_:)`` with a coded
/// error.
///
/// - Bounds: see ``Limits``.
/// - Source: protocol/kernel-language.md, "Manifest".
package struct Manifest: Record {
    /// Version of this format: 1.
    package var version: UInt8 = 1
    /// What the author calls it, for people.
    package var title = ""
    /// Name of the kernel function.
    package var entry = ""
    /// The definitions the published text was expanded with; a record, they are not applied again.
    package var definitions: [Definition] = []
    package var exactness = ExactnessClass.exactInt
    /// What `get_work_dim` gives: 1, 2 or 3. Axes above it have local size 1.
    package var dimensions: UInt8 = 1
    /// Lanes of a group.
    package var localSize = Extent(x: 1, y: 1, z: 1)
    /// Sizes of the `__local` pointer parameters, in order.
    package var localArguments: [LocalArgument] = []
    /// Lanes of a sub-group; 0 where none is used (the only value accepted).
    package var subgroupWidth: UInt16 = 0
    /// Iterations after which a loop without a proved bound is cut.
    package var fuel: UInt64 = 1_024
    /// Consecutive groups that make one leaf.
    package var groupsPerLeaf: UInt32 = 1
    /// Parts a group's work is cut in; 1 is the only value accepted.
    package var segments: UInt32 = 1
    /// The pointer parameters to global and constant memory, in order.
    package var buffers: [BufferLayout] = []

    package init() {}

    package static var blank: Manifest { Manifest() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("version", &self.version)
        try visitor.text("title", &self.title, max: Limits.titleBytes)
        try visitor.text("entry", &self.entry, max: Limits.identifierBytes)
        try visitor.list("definitions", &self.definitions, max: Limits.definitions)
        try visitor.field("exactness", &self.exactness)
        try visitor.field("dimensions", &self.dimensions)
        try visitor.field("localSize", &self.localSize)
        try visitor.list("localArguments", &self.localArguments, max: Limits.localArguments)
        try visitor.field("subgroupWidth", &self.subgroupWidth)
        try visitor.field("fuel", &self.fuel)
        try visitor.field("groupsPerLeaf", &self.groupsPerLeaf)
        try visitor.field("segments", &self.segments)
        try visitor.list("buffers", &self.buffers, max: Limits.buffers)
    }
}

/// One `-D name=value` of publication.
package struct Definition: Record {
    package var name = ""
    package var value = ""

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    package static var blank: Definition { Definition(name: "", value: "") }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("name", &self.name, max: Limits.identifierBytes)
        try visitor.text("value", &self.value, max: Limits.definitionBytes)
    }
}

/// Three counts, along x, y and z.
package struct Extent: Record {
    package var x: UInt32
    package var y: UInt32
    package var z: UInt32

    package init(x: UInt32, y: UInt32, z: UInt32) {
        self.x = x
        self.y = y
        self.z = z
    }

    package static var blank: Extent { Extent(x: 1, y: 1, z: 1) }

    /// Along x, y, z.
    package var array: [UInt32] { [self.x, self.y, self.z] }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("x", &self.x)
        try visitor.field("y", &self.y)
        try visitor.field("z", &self.z)
    }
}

/// The size of a `__local` pointer parameter, in elements of its type.
package struct LocalArgument: Record {
    package var name = ""
    package var count: UInt32 = 0

    package init(name: String, count: UInt32) {
        self.name = name
        self.count = count
    }

    package static var blank: LocalArgument { LocalArgument(name: "", count: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("name", &self.name, max: Limits.identifierBytes)
        try visitor.field("count", &self.count)
    }
}

/// What makes two honest runs agree bit for bit.
package enum ExactnessClass: UInt8, CodeEnum {
    /// Integers only: every device agrees.
    case exactInt = 1
    /// binary32 with denormals and correctly rounded division and square root.
    case exactFloat32 = 2
    /// Also binary64, where the device has it. Not accepted yet.
    case exactFloat64 = 3
    /// Checked by a certificate kernel instead. Not accepted yet.
    case certificate = 4
}

/// What a kernel does with a buffer.
package enum BufferRole: UInt8, CodeEnum {
    /// Read only.
    case `in` = 1
    /// Written: starts as zeros.
    case out = 2
    /// Starts as the input, and is written.
    case `inout` = 3
    /// A bounded list per leaf. Not accepted yet.
    case append = 4
    /// Partial sums per leaf, merged by generated launches. Not accepted yet.
    case accumulate = 5

    /// Whether leaves have a slice of it.
    package var isWritten: Bool { self != .in }
    /// Whether the launch binds data to it.
    package var isRead: Bool { self == .in || self == .inout }
}

/// How a buffer is cut into the chunks that witnesses carry.
package enum ChunkKind: UInt8, CodeEnum {
    /// Runs of 4 KiB.
    case linear = 1
    /// Tiles of 32 × 32 elements.
    case tile32 = 2
    /// Runs of 2^chunkLog2 bytes, 8...12, for scattered reads.
    case gather = 3
}

/// A buffer parameter: role, element type, chunks, and who owns which cell.
///
/// The cells that a group owns are an n-D strided box: address = origin + Σ coordinate × stride,
/// counted in scalars of the element type, one coordinate per axis (see ``LayoutAxis``). Cells in
/// no box belong to nobody and keep their content (zero, or the input of an `inout`). An `in`
/// buffer has no axes.
package struct BufferLayout: Record {
    package var name = ""
    package var role = BufferRole.in
    package var element = ScalarType.uchar
    package var chunks = ChunkKind.linear
    /// log2 of a chunk's bytes: 12 for linear and tile32.
    package var chunkLog2: UInt8 = 12
    package var origin = ScalarExpression.constant(0)
    package var axes: [LayoutAxis] = []

    package init(
        name: String, role: BufferRole, element: ScalarType,
        origin: ScalarExpression = .constant(0), axes: [LayoutAxis] = []
    ) {
        self.name = name
        self.role = role
        self.element = element
        self.origin = origin
        self.axes = axes
    }

    package static var blank: BufferLayout {
        BufferLayout(name: "", role: .in, element: .bool)
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.text("name", &self.name, max: Limits.identifierBytes)
        try visitor.field("role", &self.role)
        try visitor.field("element", &self.element)
        try visitor.field("chunks", &self.chunks)
        try visitor.field("chunkLog2", &self.chunkLog2)
        try visitor.field("origin", &self.origin)
        try visitor.list("axes", &self.axes, max: Limits.axes)
    }
}

/// One axis of a box.
///
/// With a source, g = (group id / divisor) % modulus and the group's coordinates are
/// g × block ..< min((g + 1) × block, limit); without one, 0 ..< limit.
package struct LayoutAxis: Record {
    package var source: AxisSource?
    /// Coordinates of one group; at least 1; unused without a source.
    package var block: ScalarExpression
    /// Coordinates of all groups: the extent.
    package var limit: ScalarExpression
    /// Distance of neighbours, in scalars; at least 1.
    package var stride: ScalarExpression

    package init(
        source: AxisSource?, block: ScalarExpression, limit: ScalarExpression,
        stride: ScalarExpression
    ) {
        self.source = source
        self.block = block
        self.limit = limit
        self.stride = stride
    }

    package static var blank: LayoutAxis {
        LayoutAxis(source: nil, block: .constant(1), limit: .constant(0), stride: .constant(1))
    }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("source", &self.source)
        try visitor.field("block", &self.block)
        try visitor.field("limit", &self.limit)
        try visitor.field("stride", &self.stride)
    }
}

/// Where an axis takes its block number from.
package struct AxisSource: Record {
    /// Group axis 0, 1 or 2.
    package var axis: UInt8
    /// At least 1.
    package var divisor: ScalarExpression
    /// 0: no modulus.
    package var modulus: ScalarExpression

    package init(
        axis: UInt8, divisor: ScalarExpression = .constant(1),
        modulus: ScalarExpression = .constant(0)
    ) {
        self.axis = axis
        self.divisor = divisor
        self.modulus = modulus
    }

    package static var blank: AxisSource { AxisSource(axis: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("axis", &self.axis)
        try visitor.field("divisor", &self.divisor)
        try visitor.field("modulus", &self.modulus)
    }
}
