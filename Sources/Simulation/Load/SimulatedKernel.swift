import Economy
import Kernels
import Primitives

/// The kernel that everybody in the world orders, and the referee that stands in for devices.
///
/// Sixteen groups that each add a seed to four numbers of an input.
final class SimulatedKernel {
    /// A leaf's bytes.
    struct Slice {
        let leaf: UInt64
        let bytes: [UInt8]
    }

    /// Why a run did not happen.
    struct Missing: Error {
        let code: String
        let text: String
    }

    static let leaves: UInt64 = 16
    static let elements: UInt64 = 64

    static let source = """
        kernel void add(global const uint *in, global uint *out, uint seed)
        {
            size_t i = get_global_id(0);
            out[i] = in[i] + seed;
        }
        """

    let package: KernelPackage
    let publish: KernelPublish
    let pricePerGigaGas: Amount
    private let kernel: Kernel

    init() {
        self.package = Self.makePackage()
        do throws(KernelError) {
            self.kernel = try Kernel(self.package)
        } catch {
            preconditionFailure("the world's kernel compiles: \(error)")
        }
        var vector = TestVector(
            groups: Extent(x: 2, y: 1, z: 1), scalars: [.uint(5)],
            buffers: [
                VectorBuffer(elements: Self.elements, data: Self.input(1)),
                VectorBuffer(elements: Self.elements),
            ])
        var publish = KernelPublish()
        do {
            let geometry = try self.kernel.geometry(launch: vector.launch)
            var referee = Referee(self.kernel)
            let order = WorkOrder(kernel: self.package.id, launches: [vector.launch])
            var roots: [Digest] = []
            for leaf in 0..<geometry.leafCount {
                let run = try referee.run(
                    leaf: leaf, launch: 0, order: order, geometry: geometry,
                    inputs: vector.inputs)
                roots.append(Leaf.sliceRoot(run.slice))
            }
            vector.outputRoot = Leaf.outputRoot(roots)
            let one = try self.kernel.geometry(
                WorkOrder(
                    kernel: self.package.id, launches: [Self.launch(seed: 1, input: .zero)]))
            self.pricePerGigaGas =
                Amount(1_000_000_000).mulDiv(1_000_000_000, UInt128(one.totalGas), .down)
                ?? .zero
        } catch {
            preconditionFailure("the world's kernel runs: \(error)")
        }
        publish.kernel = self.package
        publish.vectors = [vector]
        publish.fee = BasisPoints(300).proven("a constant")
        publish.title = "add"
        self.publish = publish
    }

    private static func makePackage() -> KernelPackage {
        var manifest = Manifest()
        manifest.title = "add"
        manifest.entry = "add"
        manifest.localSize = Extent(x: 4, y: 1, z: 1)
        manifest.buffers = [
            BufferLayout(name: "in", role: .in, element: .uint),
            BufferLayout(
                name: "out", role: .out, element: .uint,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(4), limit: .constant(64),
                        stride: .constant(1))
                ]),
        ]
        return KernelPackage(source: Self.source, manifest: manifest)
    }

    /// The input of a number: the kernel reads its first 64 elements.
    static func input(_ number: UInt64, elements: UInt64 = SimulatedKernel.elements) -> [UInt8] {
        (0..<elements).flatMap { index in
            [UInt8(truncatingIfNeeded: index + number), UInt8(truncatingIfNeeded: number), 0, 0]
        }
    }

    private static func launch(
        seed: UInt32, input: BlobID, elements: UInt64 = SimulatedKernel.elements
    ) -> Launch {
        Launch(
            groups: Extent(x: UInt32(Self.leaves), y: 1, z: 1), scalars: [.uint(seed)],
            buffers: [
                Binding(.blob(input), elements: elements),
                Binding(.zero, elements: Self.elements),
            ])
    }

    /// A job over an input.
    func order(seed: UInt32, input: BlobID, elements: UInt64) -> WorkOrder {
        let launch = Self.launch(seed: seed, input: input, elements: elements)
        return WorkOrder(kernel: self.package.id, launches: [launch])
    }

    /// Runs leaves of an order (nil: all) with the blobs that are at hand.
    func run(
        _ package: KernelPackage, _ order: WorkOrder, leaves: [UInt64]?,
        _ blob: (BlobID) -> [UInt8]?
    ) -> Result<[Slice], Missing> {
        do {
            let kernel = package == self.package ? self.kernel : try Kernel(package)
            let geometry = try kernel.geometry(order)
            var inputs = [[UInt8]](repeating: [], count: geometry.launch.buffers.count)
            for input in geometry.inputs {
                guard let bytes = blob(input.blob) else {
                    return .failure(
                        Missing(code: "blob.missing", text: "\(input.blob.short) is not here"))
                }
                inputs[input.buffer] = bytes
            }
            var referee = Referee(kernel)
            var slices: [Slice] = []
            for leaf in leaves ?? Array(0..<geometry.leafCount) {
                let run = try referee.run(
                    leaf: leaf, launch: 0, order: order, geometry: geometry, inputs: inputs)
                slices.append(Slice(leaf: leaf, bytes: run.slice))
            }
            return .success(slices)
        } catch {
            return .failure(Missing(code: "work.failed", text: "\(error)"))
        }
    }
}
