import Foundation
import Kernels
import Primitives
import Testing

@testable import Executor

/// Kernels that nobody wrote give the same bytes on the device and on the referee.
///
/// The referee itself is compared with a lane-by-lane reading of the tree in
/// `KernelsTests/Referee`, over the same kernels.
@Suite(.serialized) struct RandomKernelDeviceTests {
    /// `STARLING_RANDOM_KERNELS=120` runs more of them, `STARLING_SEED=7` one alone.
    private static var seeds: Range<UInt64> {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["STARLING_SEED"].flatMap({ UInt64($0) }) {
            return seed..<seed + 1
        }
        return 0..<(environment["STARLING_RANDOM_KERNELS"].flatMap { UInt64($0) } ?? 16)
    }

    @Test func deviceEqualsReferee() async throws {
        let shop = try Workshop()
        let executor = shop.executor
        guard let device = try await executor.probe().devices.first?.description.key else {
            print("RandomKernelDeviceTests: no OpenCL device here, nothing is run")
            return
        }
        var ran = 0
        for seed in Self.seeds {
            let rig: Rig
            do { rig = try RandomKernel.rig(seed: seed) } catch let error as WorkError {
                #expect(error.code == "work.gas.limit", "seed \(seed): \(error.message)")
                continue
            }
            // The rig's buffers begin as zeros; here the first one comes from a file.
            var launch = rig.launch
            launch.buffers[0] = Binding(.blob(.zero), elements: launch.buffers[0].elements)
            let seedBytes = (0..<8).map { UInt8(truncatingIfNeeded: seed >> (8 * $0)) }
            let request = ExecutionRequest(
                job: JobID(Blake2b.hash(.job, .none, seedBytes)), package: rig.kernel.package,
                order: WorkOrder(kernel: rig.kernel.package.id, launches: [launch]),
                inputs: [ExecutionInput(buffer: 0, .bytes(rig.inputs[0]))],
                device: device, outputPath: shop.directory + "/output-\(seed)",
                limits: ExecutionLimits(
                    compileMs: 120_000, wallMs: 120_000, memoryBytes: 1 << 26,
                    outputBytes: 1 << 20))
            let result = try await executor.execute(request)
            var roots: [Digest] = []
            for leaf in 0..<rig.geometry.leafCount {
                roots.append(Leaf.sliceRoot(try rig.run(leaf: leaf).slice))
            }
            #expect(result.sliceRoots == roots, "seed \(seed)")
            ran += 1
        }
        // Most random kernels are within the gas that one leaf may cost.
        #expect(ran * 2 >= Self.seeds.count)
    }
}
