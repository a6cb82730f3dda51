import Economy
import Kernels
import Primitives

/// A kernel of sixteen groups that each write four numbers, and its order.
enum TestKernel {
    static let leaves: UInt64 = 16

    static let source = """
        kernel void fill(global uint *out, uint seed)
        {
            size_t i = get_global_id(0);
            out[i] = seed + (uint)i;
        }
        """

    static var package: KernelPackage {
        var manifest = Manifest()
        manifest.title = "fill"
        manifest.entry = "fill"
        manifest.localSize = Extent(x: 4, y: 1, z: 1)
        manifest.buffers = [
            BufferLayout(
                name: "out", role: .out, element: .uint,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(4), limit: .constant(64),
                        stride: .constant(1))
                ])
        ]
        return KernelPackage(source: Self.source, manifest: manifest)
    }

    static func launch(seed: UInt32) -> Launch {
        Launch(
            groups: Extent(x: UInt32(Self.leaves), y: 1, z: 1), scalars: [.uint(seed)],
            buffers: [Binding(.zero, elements: 64)])
    }

    static func order(_ kernel: KernelID) -> WorkOrder {
        WorkOrder(kernel: kernel, launches: [Self.launch(seed: 7)])
    }

    static func publish(fee: UInt16) -> KernelPublish {
        var publish = KernelPublish()
        publish.kernel = Self.package
        publish.vectors = [Self.vector]
        publish.fee = BasisPoints(fee).proven("a constant")
        publish.title = "fill"
        return publish
    }
}
