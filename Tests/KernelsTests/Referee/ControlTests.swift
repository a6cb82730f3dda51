import Kernels
import Testing

@Suite struct ControlTests {
    /// Runs `body`, which sets `r` from the lane number `i`, on 40 lanes in two groups.
    private func results(_ body: String, helper: String = "", fuel: UInt64 = 1_024) throws
        -> [Int32]
    {
        let rig = try Rig(
            """
            \(helper)
            __kernel void k(__global int *o) {
                int i = (int)get_global_id(0);
                int r = 0;
                \(body)
                o[i] = r;
            }
            """,
            local: [20], groups: [2], buffers: [.output("o", .int, block: 20, elements: 40)],
            fuel: fuel)
        return numbers(try rig.runAll())
    }

    private func expect(
        _ body: String, helper: String = "", _ expected: (Int32) -> Int32
    ) throws {
        let found = try self.results(body, helper: helper)
        #expect(found == (0..<40).map(expected), "\(body)")
    }

    @Test func nestedBranches() throws {
        try self.expect("if (i & 1) { if (i & 2) r = 1; else r = 2; } else if (i > 9) { r = 3; }") {
            $0 & 1 != 0 ? ($0 & 2 != 0 ? 1 : 2) : ($0 > 9 ? 3 : 0)
        }
    }

    @Test func tripCountsDifferByLane() throws {
        try self.expect("for (int j = 0; j < (i & 15); j++) r += j * i;") { i in
            (0..<(i & 15)).reduce(0) { $0 + $1 * i }
        }
        try self.expect("int j = i & 7; do { r += 10; j--; } while (j > 0);") {
            max($0 & 7, 1) * 10
        }
        try self.expect("for (int j = 0; j < 4; j++) for (int l = j; l < (i & 3); l++) r += 1 + l;")
        { i in
            var r: Int32 = 0
            for j in Int32(0)..<4 { for l in j..<max(j, i & 3) { r += 1 + l } }
            return r
        }
    }

    @Test func breakAndContinueMaskLanes() throws {
        try self.expect(
            """
            for (int j = 0; j < 10; j++) {
                if (j == (i & 7)) continue;
                r += 1;
                if (r > i) break;
                r += 100;
            }
            """
        ) { i in
            var r: Int32 = 0
            for j in Int32(0)..<10 {
                if j == i & 7 { continue }
                r += 1
                if r > i { break }
                r += 100
            }
            return r
        }
        // A uniform loop whose lanes continue apart, with a variable that outlives the round.
        try self.expect(
            """
            int last = 0;
            for (int j = 0; j < 5; j++) { int t = j * i; if (t & 1) continue; last = t; r += last; }
            """
        ) { i in
            var r: Int32 = 0
            for j in Int32(0)..<5 where (j * i) & 1 == 0 { r += j * i }
            return r
        }
    }

    /// A uniform value set after some lanes continued must not reach them in the next round.
    @Test func uniformValuesStayWithTheirLanes() throws {
        try self.expect(
            """
            int seen = -1;
            for (int j = 0; j < 4; j++) {
                if (((i >> j) & 1) != 0) continue;
                r = r * 10 + seen;
                seen = j;
            }
            r = r * 10 + seen;
            """
        ) { i in
            var (r, seen): (Int32, Int32) = (0, -1)
            for j in Int32(0)..<4 where (i >> j) & 1 == 0 {
                r = r * 10 + seen
                seen = j
            }
            return r * 10 + seen
        }
    }

    @Test func helpersReturnEarly() throws {
        let helper = """
            int h(int a, int n) {
                if (a < 3) return -1;
                for (int j = 0; j < n; j++) {
                    if (j * j > a) return j;
                    if (a == 7) break;
                }
                return a == 7 ? 70 : 99;
            }
            """
        func h(_ a: Int32, _ n: Int32) -> Int32 {
            if a < 3 { return -1 }
            for j in 0..<n {
                if j * j > a { return j }
                if a == 7 { break }
            }
            return a == 7 ? 70 : 99
        }
        try self.expect("r = h(i, 5) * 1000 + h(40 - i, 9);", helper: helper) {
            h($0, 5) * 1000 + h(40 - $0, 9)
        }
        try self.expect(
            "for (int j = 0; j < 3; j++) { r += h(i + j, i & 3); if (r > 150) break; }",
            helper: helper
        ) { i in
            var r: Int32 = 0
            for j in Int32(0)..<3 {
                r += h(i + j, i & 3)
                if r > 150 { break }
            }
            return r
        }
    }

    @Test func returnMasksTheLane() throws {
        let rig = try Rig(
            """
            __kernel void k(__global int *o) {
                int i = (int)get_global_id(0);
                if (i % 3 == 0) return;
                for (int j = 0; j < 8; j++) { if (j == i) return; o[i] = j + 1; }
                o[i] = 77;
            }
            """,
            local: [16], groups: [1], buffers: [.output("o", .int, block: 16, elements: 16)])
        let found: [Int32] = numbers(try rig.run().slice)
        #expect(found == (0..<16).map { $0 % 3 == 0 ? 0 : ($0 < 8 ? $0 : 77) })
    }

    @Test func fuelCutsLoops() throws {
        let found = try self.results("while (r >= 0 && i >= 0) r++;", fuel: 25)
        #expect(found == Array(repeating: 25, count: 40))
    }

    @Test func shortCircuitValuesAreTotal() throws {
        try self.expect("r = (i != 0 && 100 / i > 9) ? 1 : (i == 0 || 7 % i == 1) ? 2 : 3;") { i in
            i != 0 && 100 / i > 9 ? 1 : (i == 0 || 7 % i == 1 ? 2 : 3)
        }
    }
}
