import Kernels
import Primitives

extension TestKernel {
    /// Two groups of the test kernel: numbers 5...12.
    static var vector: TestVector {
        let slices = (0..<2).map { group in
            Leaf.sliceRoot((0..<4).flatMap { [UInt8(5 + 4 * group + $0), 0, 0, 0] })
        }
        return TestVector(
            groups: Extent(x: 2, y: 1, z: 1), scalars: [.uint(5)],
            buffers: [VectorBuffer(elements: 64)], outputRoot: Leaf.outputRoot(slices))
    }

    /// Gas of the test order; the tests say which kernel does not compile.
    static var gas: UInt64 {
        do {
            return try Kernel(Self.package).geometry(Self.order(Self.package.id)).totalGas
        } catch {
            return 1
        }
    }

    /// The price per giga-gas at which the test order costs `price`.
    static func pricePerGigaGas(_ price: UInt64) -> Amount {
        Amount(price).mulDiv(1_000_000_000, UInt128(Self.gas), .down).proven("small")
    }
}
