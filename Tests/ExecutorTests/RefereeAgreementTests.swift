import Foundation
import Kernels
import Primitives
import Testing

@testable import Executor

/// The device and the referee give the same bytes, leaf by leaf, however a launch is cut.
@Suite(.serialized) struct RefereeAgreementTests {
    @Test func overThreeAxesWithLocalMemory() async throws {
        let source = """
            __kernel void turn(__global const uint *seeds, __global uint *cells,
                               uint w, uint h, uint d) {
                __local uint tile[8];
                uint x = get_global_id(0);
                uint y = get_global_id(1);
                uint z = get_global_id(2);
                uint lane = get_local_id(1) * 4u + get_local_id(0);
                tile[lane] = seeds[z * 7u + lane] ^ (x * 2654435761u + y * 40503u);
                barrier(CLK_LOCAL_MEM_FENCE);
                uint other = tile[7u - lane];
                if (x < w && y < h && z < d)
                    cells[(z * h + y) * w + x] = other + z;
            }
            """
        func name(_ text: String) throws -> ScalarExpression {
            try #require(ScalarExpression(.scalar(text)))
        }
        func axis(
            _ number: UInt8, _ block: Int64, _ limit: String, _ stride: ScalarExpression
        ) throws -> LayoutAxis {
            LayoutAxis(
                source: AxisSource(axis: number), block: .constant(block), limit: try name(limit),
                stride: stride)
        }
        var manifest = Manifest()
        manifest.entry = "turn"
        manifest.dimensions = 3
        manifest.localSize = Extent(x: 4, y: 2, z: 1)
        manifest.groupsPerLeaf = 3
        let plane = try #require(
            ScalarExpression(.binary(.multiply, .scalar("w"), .scalar("h"))))
        manifest.buffers = [
            BufferLayout(name: "seeds", role: .in, element: .uint),
            BufferLayout(
                name: "cells", role: .out, element: .uint,
                axes: [
                    try axis(2, 1, "d", plane), try axis(1, 2, "h", try name("w")),
                    try axis(0, 4, "w", .constant(1)),
                ]),
        ]
        // Sizes that cut groups at the far ends, and enough groups for rows, planes and parts.
        let (w, h, d): (UInt32, UInt32, UInt32) = (27, 9, 6)
        let seeds = (0..<200).flatMap { (index: UInt8) -> [UInt8] in [index, 255 - index, 3, 7] }
        try await self.compare(
            KernelPackage(source: source, manifest: manifest),
            groups: Extent(x: (w + 3) / 4, y: (h + 1) / 2, z: d),
            scalars: [.uint(w), .uint(h), .uint(d)], input: seeds,
            elements: [200, UInt64(w * h * d)])
    }

    @Test func overFloats() async throws {
        let source = """
            __kernel void wave(__global const float *input, __global float *output, uint n) {
                uint i = get_global_id(0);
                float x = input[i];
                float y = x * 1.0000001f + 3.0f / (x + 0.5f);
                y = fma(y, x, sqrt(fabs(y)));
                if (i < n) output[i] = y - x / 7.0f;
            }
            """
        var manifest = Manifest()
        manifest.entry = "wave"
        manifest.exactness = .exactFloat32
        manifest.localSize = Extent(x: 32, y: 1, z: 1)
        manifest.buffers = [
            BufferLayout(name: "input", role: .in, element: .float),
            BufferLayout(
                name: "output", role: .out, element: .float,
                axes: [
                    LayoutAxis(
                        source: AxisSource(axis: 0), block: .constant(32),
                        limit: try #require(ScalarExpression(.scalar("n"))), stride: .constant(1))
                ]),
        ]
        // All kinds of numbers: small, huge, denormal, infinite, NaN.
        var input: [UInt8] = []
        for index in 0..<UInt32(1_000) {
            let bits = index &* 4_294_967 ^ (index % 7 == 0 ? 0x7f80_0000 : 0)
            input += (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        }
        try await self.compare(
            KernelPackage(source: source, manifest: manifest), groups: Extent(x: 32, y: 1, z: 1),
            scalars: [.uint(1_000)], input: input, elements: [1_000, 1_000])
    }

    private func compare(
        _ package: KernelPackage, groups: Extent, scalars: [Scalar], input: [UInt8],
        elements: [UInt64]
    ) async throws {
        let shop = try Workshop()
        let launch = Launch(
            groups: groups, scalars: scalars,
            buffers: [
                Binding(.blob(.zero), elements: elements[0]), Binding(.zero, elements: elements[1]),
            ])
        let order = WorkOrder(kernel: package.id, launches: [launch])
        let request = ExecutionRequest(
            job: .zero, package: package, order: order,
            inputs: [ExecutionInput(buffer: 0, .bytes(input))], device: try await shop.device(),
            outputPath: shop.directory + "/output",
            limits: ExecutionLimits(
                compileMs: 60_000, wallMs: 60_000, memoryBytes: 1 << 20, outputBytes: 1 << 20))
        let executor = shop.executor
        let result = try await executor.execute(request)
        let kernel = try Kernel(package)
        let geometry = try kernel.geometry(order)
        var referee = Referee(kernel)
        var roots: [Digest] = []
        for leaf in 0..<geometry.leafCount {
            let run = try referee.run(
                leaf: leaf, launch: 0, order: order, geometry: geometry, inputs: [input, []])
            roots.append(Leaf.sliceRoot(run.slice))
        }
        #expect(result.sliceRoots == roots)
    }
}
