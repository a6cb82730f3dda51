import Economy
import Kernels
import Primitives

/// The kernel that everybody in the world orders, and the referee that stands in for devices.
///
/// Groups that each add a seed to four numbers of an input; every group is a leaf.
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

        /// A blob may still come; a kernel that failed once always does.
        var isFinal: Bool { self.code == "work.failed" }
    }

    /// What it computes.
    enum Text: String {
        case add
        /// Looks for a number that nobody's input leads to.
        case search
        /// The same, with a digest of what it looked at in the upper bits.
        case searchWithDigest

        init(_ cheat: Cheat?) {
            switch cheat {
            case .guesser(.bare)?: self = .search
            case .guesser(.digest)?: self = .searchWithDigest
            default: self = .add
            }
        }

        var source: String {
            switch self {
            case .add: Self.kernel("out[i] = in[i] + seed;")
            case .search: Self.kernel("\(Self.loop) out[i] = found;")
            case .searchWithDigest: Self.kernel("\(Self.loop) out[i] = (h << 8) + found;")
            }
        }

        private static let loop = """
            uint h = in[i] + seed;
                uint found = 0u;
                for (uint k = 0u; k < 16u; ++k) {
                    h = h * 1664525u + 1013904223u;
                    found += (h == 0u && in[i] > 4000000000u) ? 1u : 0u;
                }
            """

        private static func kernel(_ body: String) -> String {
            """
            kernel void work(global const uint *in, global uint *out, uint seed)
            {
                size_t i = get_global_id(0);
                \(body)
            }
            """
        }
    }

    /// Leaves of an order.
    let leaves: UInt64
    let package: KernelPackage
    let publish: KernelPublish
    let pricePerGigaGas: Amount
    private let kernel: Kernel

    init(leaves: UInt64, _ text: Text) {
        self.leaves = leaves
        self.package = Self.makePackage(leaves, text)
        do throws(KernelError) {
            self.kernel = try Kernel(self.package)
        } catch {
            preconditionFailure("the world's kernel compiles: \(error)")
        }
        var vector = TestVector(
            groups: Extent(x: 2, y: 1, z: 1), scalars: [.uint(5)],
            buffers: [
                VectorBuffer(
                    elements: 4 * leaves, data: Self.input(1, elements: 4 * leaves)),
                VectorBuffer(elements: 4 * leaves),
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
                    kernel: self.package.id,
                    launches: [
                        Self.launch(leaves, seed: 1, input: .zero, elements: 4 * leaves)
                    ]))
            self.pricePerGigaGas =
                Amount(1_000_000_000).mulDiv(1_000_000_000, UInt128(one.totalGas), .down)
                ?? .zero
        } catch {
            preconditionFailure("the world's kernel runs: \(error)")
        }
        publish.kernel = self.package
        publish.vectors = [vector]
        publish.fee = BasisPoints(300).proven("a constant")
        publish.title = text.rawValue
        self.publish = publish
    }

    private static func makePackage(_ leaves: UInt64, _ text: Text) -> KernelPackage {
        var manifest = Manifest()
        manifest.title = text.rawValue
        manifest.entry = "work"
        manifest.localSize = Extent(x: 4, y: 1, z: 1)
        manifest.buffers = [
            BufferLayout(name: "in", role: .in, element: .uint),
            BufferLayout(
                name: "out", role: .out, element: .uint,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(4),
                        limit: .constant(Int64(clamping: 4 * leaves)), stride: .constant(1))
                ]),
        ]
        return KernelPackage(source: text.source, manifest: manifest)
    }

    /// The input of a number: the kernel reads its first four elements for every leaf.
    static func input(_ number: UInt64, elements: UInt64) -> [UInt8] {
        (0..<elements).flatMap { index in
            [UInt8(truncatingIfNeeded: index + number), UInt8(truncatingIfNeeded: number), 0, 0]
        }
    }

    private static func launch(
        _ leaves: UInt64, seed: UInt32, input: BlobID, elements: UInt64
    ) -> Launch {
        Launch(
            groups: Extent(x: UInt32(clamping: leaves), y: 1, z: 1), scalars: [.uint(seed)],
            buffers: [
                Binding(.blob(input), elements: elements),
                Binding(.zero, elements: 4 * leaves),
            ])
    }

    /// A job over an input.
    func order(seed: UInt32, input: BlobID, elements: UInt64) -> WorkOrder {
        let launch = Self.launch(self.leaves, seed: seed, input: input, elements: elements)
        return WorkOrder(kernel: self.package.id, launches: [launch])
    }

    /// What one leaf reads, and what it makes of it.
    func witness(
        _ package: KernelPackage, _ order: WorkOrder, leaf: UInt64, _ blob: (BlobID) -> [UInt8]?
    ) -> Result<(run: LeafRun, witness: LeafWitness), Missing> {
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
            return .success(
                try referee.witness(
                    leaf: leaf, launch: 0, order: order, geometry: geometry, inputs: inputs))
        } catch {
            return .failure(Missing(code: "work.failed", text: "\(error)"))
        }
    }

    /// Where a leaf's slice lies in the output; nil if there is no such leaf.
    func range(
        ofLeaf leaf: UInt64, _ package: KernelPackage, _ order: WorkOrder
    ) -> Range<Int>? {
        do {
            let kernel = package == self.package ? self.kernel : try Kernel(package)
            let geometry = try kernel.geometry(order)
            guard leaf < geometry.leafCount else { return nil }
            let start = (0..<leaf).reduce(UInt64(0)) { $0 + geometry.sliceBytes(leaf: $1) }
            let end = start + geometry.sliceBytes(leaf: leaf)
            return Int(clamping: start)..<Int(clamping: end)
        } catch {
            return nil
        }
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
