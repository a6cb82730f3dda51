import Kernels
import Testing

@Suite struct RaceTests {
    private func code(_ body: String) -> String { Front.code(Front.body(body)) }

    @Test func localMemory() {
        let start = "__local int t[64]; int l = get_local_id(0);"
        let barrier = "barrier(CLK_LOCAL_MEM_FENCE);"
        let rows: [(String, String)] = [
            ("t[l] = i; \(barrier) out[i] = t[15 - l];", "accepted"),
            ("t[l] = i; out[i] = t[15 - l];", "kernel.local.race.unproved"),
            ("t[l] = i; out[i] = t[l];", "accepted"),
            ("t[0] = i; out[i] = 1;", "kernel.local.race.unproved"),
            ("if (l == 0) t[0] = i; \(barrier) out[i] = t[0];", "accepted"),
            ("if (l == 0) t[0] = i; out[i] = t[0];", "kernel.local.race.unproved"),
            ("t[l / 2] = i; \(barrier) out[i] = t[l];", "kernel.local.race.unproved"),
            ("t[(l * 5) & 15] = i; \(barrier) out[i] = t[l];", "accepted"),
            ("t[(l * 4) & 15] = i; \(barrier) out[i] = t[l];", "kernel.local.race.unproved"),
            ("t[in[i]] = i; \(barrier) out[i] = t[l];", "kernel.local.race.unproved"),
            // The end of one round runs into the start of the next.
            (
                "for (int j = 0; j < n; j++) { t[l] = j; \(barrier) out[i] = t[15 - l]; }",
                "kernel.local.race.unproved"
            ),
            (
                "for (int j = 0; j < n; j++) { t[l] = j; \(barrier) out[i] = t[15 - l]; "
                    + "\(barrier) }",
                "accepted"
            ),
            // A tree: half as many lanes each round.
            (
                "t[l] = i; \(barrier) for (int w = 8; w > 0; w >>= 1) { if (l < w) t[l] += t[l + "
                    + "w]; "
                    + "\(barrier) } out[i] = t[0];", "accepted"
            ),
            (
                "t[l] = i; \(barrier) for (int w = 8; w > 0; w >>= 1) { if (l < 2 * w) t[l] += "
                    + "t[l + w]; "
                    + "\(barrier) } out[i] = t[0];", "kernel.local.race.unproved"
            ),
            // Doubling steps of a scan need two buffers.
            (
                "t[l] = i; \(barrier) for (int w = 1; w < 16; w *= 2) { if (l >= w) t[l] += t[l "
                    + "- w]; "
                    + "\(barrier) } out[i] = t[l];", "kernel.local.race.unproved"
            ),
            ("if (l >= 4) { } else { t[l * 4] = 1; } \(barrier) out[i] = t[l];", "accepted"),
        ]
        for (body, code) in rows { #expect(self.code(start + body) == code, "\(body)") }
    }

    @Test func globalMemory() {
        let rows: [(String, String)] = [
            ("out[i] = 1; out[i] = 2;", "accepted"),
            ("out[i] = 1; out[i] += 2;", "accepted"),
            ("for (int j = 0; j < 4; j++) out[i] += j;", "accepted"),
            ("out[get_group_id(0)] = i;", "kernel.global.race.unproved"),
            (
                "out[i] = n; barrier(CLK_GLOBAL_MEM_FENCE); int v = out[i - 1]; "
                    + "barrier(CLK_GLOBAL_MEM_FENCE); out[i] = v;", "accepted"
            ),
            (
                "out[i] = n; barrier(CLK_LOCAL_MEM_FENCE); int v = out[i - 1]; "
                    + "barrier(CLK_LOCAL_MEM_FENCE); out[i] = v;", "kernel.global.race.unproved"
            ),
            ("if (get_local_id(0) == 0) out[get_group_id(0)] = i;", "accepted"),
            ("if (get_local_id(0) != 3) return; out[get_group_id(0)] = i;", "accepted"),
        ]
        for (body, code) in rows { #expect(self.code(body) == code, "\(body)") }
    }

    /// A read is not held to the coordinates of its index: it may reach into another row.
    @Test func readsOfTilesAreNotTrusted() {
        func code(_ body: String) -> String {
            Front.code(
                """
                __kernel void k(__global int *o, int w, int h) {
                    int x = get_global_id(0), y = get_global_id(1);
                    if (x < w && y < h) { \(body) }
                }
                """, local: Extent(x: 4, y: 4, z: 1))
        }
        #expect(code("o[y * w + x] = 1;") == "accepted")
        #expect(code("o[y * w + x] = x; o[y * w + x] = y;") == "accepted")
        #expect(code("o[y * w + x] = o[y * w + x - 1];") == "kernel.global.race.unproved")
    }
}
