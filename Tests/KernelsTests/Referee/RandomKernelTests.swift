import Kernels
import Testing

@Suite struct RandomKernelTests {
    /// Bytes and gas of the referee equal those of the lane-by-lane reading.
    @Test func refereeEqualsOracle() throws {
        var tooCostly = 0
        for seed in UInt64(0)..<60 {
            let rig: Rig
            do { rig = try RandomKernel.rig(seed: seed) } catch let error as KernelError {
                Issue.record("seed \(seed): \(error.rendered)")
                continue
            } catch let error as WorkError {
                #expect(error.code == "work.gas.limit", "seed \(seed): \(error.message)")
                tooCostly += 1
                continue
            }
            let oracle = Oracle(rig.kernel, rig.geometry, rig.inputs)
            var differs = false
            for leaf in 0..<rig.geometry.leafCount where !differs {
                let run = try rig.run(leaf: leaf)
                let slice = oracle.run(leaf: leaf)
                differs = run.slice != slice || run.gas != oracle.gas
                #expect(run.slice == slice, "seed \(seed), leaf \(leaf): bytes")
                #expect(run.gas == oracle.gas, "seed \(seed), leaf \(leaf): gas")
                #expect(run.gas <= rig.geometry.leafGas, "seed \(seed)")
            }
        }
        #expect(tooCostly <= 15)
    }
}
