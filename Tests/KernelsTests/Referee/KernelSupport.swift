import Kernels
import Primitives

/// A kernel, one launch of it and its inputs, run leaf by leaf.
struct Rig {
    let kernel: Kernel
    let launch: Launch
    let inputs: [[UInt8]]
    let geometry: Geometry

    /// A buffer of a rig: layout, length and data.
    struct Buffer {
        var layout: BufferLayout
        var elements: Int
        var data: [UInt8] = []

        /// Read only.
        static func input(_ name: String, _ type: ScalarType, _ data: [UInt8]) -> Buffer {
            Buffer(
                layout: BufferLayout(name: name, role: .in, element: type),
                elements: data.count / type.bytes, data: data)
        }

        /// `block` cells for each group along x.
        static func output(
            _ name: String, _ type: ScalarType, block: Int, elements: Int, role: BufferRole = .out,
            data: [UInt8] = []
        ) -> Buffer {
            let axis = LayoutAxis(
                source: AxisSource(axis: 0), block: .constant(Int64(block)),
                limit: .constant(Int64(elements)), stride: .constant(1))
            return Buffer(
                layout: BufferLayout(name: name, role: role, element: type, axes: [axis]),
                elements: elements, data: data)
        }
    }

    init(
        _ source: String, local: [UInt32], groups: [UInt32], buffers: [Buffer],
        scalars: [Scalar] = [], groupsPerLeaf: UInt32 = 1, fuel: UInt64 = 1_024
    ) throws {
        var manifest = Manifest()
        manifest.entry = "k"
        manifest.exactness = .exactFloat32
        manifest.dimensions = UInt8(local.count)
        let size = local + [1, 1]
        manifest.localSize = Extent(x: size[0], y: size[1], z: size[2])
        manifest.fuel = fuel
        manifest.groupsPerLeaf = groupsPerLeaf
        manifest.buffers = buffers.map(\.layout)
        let counts = groups + [1, 1]
        self.kernel = try Kernel(KernelPackage(source: source, manifest: manifest))
        self.launch = Launch(
            groups: Extent(x: counts[0], y: counts[1], z: counts[2]), scalars: scalars,
            buffers: buffers.map { Binding(.zero, elements: UInt64($0.elements)) })
        self.inputs = buffers.map(\.data)
        self.geometry = try self.kernel.geometry(launch: self.launch)
    }

    var order: WorkOrder { WorkOrder(kernel: self.kernel.package.id, launches: [self.launch]) }

    /// One leaf on the referee.
    func run(leaf: UInt64 = 0) throws -> LeafRun {
        var referee = Referee(self.kernel)
        return try referee.run(
            leaf: leaf, launch: 0, order: self.order, geometry: self.geometry, inputs: self.inputs)
    }

    /// All slices, one after the other.
    func runAll() throws -> [UInt8] {
        var referee = Referee(self.kernel)
        var bytes: [UInt8] = []
        for leaf in 0..<self.geometry.leafCount {
            bytes += try referee.run(
                leaf: leaf, launch: 0, order: self.order, geometry: self.geometry,
                inputs: self.inputs
            ).slice
        }
        return bytes
    }
}

/// Little-endian bytes.
func bytes<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
    values.flatMap { value in
        (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> T(8 * $0)) }
    }
}

/// The numbers that little-endian bytes stand for.
func numbers<T: FixedWidthInteger>(_ bytes: [UInt8], _ type: T.Type = T.self) -> [T] {
    let width = T.bitWidth / 8
    return (0..<bytes.count / width).map { index in
        var value: T = 0
        for byte in 0..<width {
            value |= T(truncatingIfNeeded: bytes[index * width + byte]) << T(8 * byte)
        }
        return value
    }
}

func bytes(_ values: [Float]) -> [UInt8] { bytes(values.map(\.bitPattern)) }
