import Foundation
import Primitives
import Testing

/// A kernel over one input and one output with `body` for its work.
func kernelSource(_ body: String, before: String = "") -> String {
    """
    \(before)__kernel void k(__global const uint *a, __global uint *o, uint n) {
        uint i = get_global_id(0);
        \(body)
    }

    """
}

extension EndToEndTests {
    /// `starling kernel check` on kernels from people who mean ill.
    @Suite struct KernelCheckTests {
        private let directory: String
        private static let store = "if (i < n) o[i] = 1u;"

        init() throws { self.directory = try Scratch.make() }

        private func check(
            _ bytes: [UInt8], _ arguments: [String] = [], limit: Int = 20
        ) async throws -> Program {
            let file = self.directory + "/k.cl"
            try Data(bytes).write(to: URL(fileURLWithPath: file))
            let run = try await Program.run(
                "starling", ["kernel", "check", file] + arguments, limit: limit)
            #expect(!run.wasKilled, "\(run.err)")
            return run
        }

        /// Refused with a code at a place, the line underlined, and what to write instead.
        private func expectRefused(
            _ source: String, _ code: String, _ line: Int, _ column: Int, shown: String? = nil
        ) async throws {
            let run = try await self.check(Array(source.utf8))
            #expect(run.status == 1, "\(code): \(run.all)")
            #expect(
                run.err.hasPrefix("error [\(code)]: \(self.directory)/k.cl:\(line):\(column): "),
                "\(code): \(run.err)")
            let lines = run.err.split(separator: "\n").map(String.init)
            let text =
                shown
                ?? source.split(separator: "\n", omittingEmptySubsequences: false)[line - 1]
                .description
            let mark = try #require(lines.firstIndex { $0.hasPrefix("    ") && $0.contains("^") })
            #expect(lines[mark - 1] == "    " + text.prefix(200), "\(code): \(run.err)")
            if column < 200 {
                #expect(
                    lines[mark].firstIndex(of: "^")?.utf16Offset(in: lines[mark]) == column + 3)
            }
            #expect(run.err.contains("\n  fix: "), "\(code): \(run.err)")
            #expect(run.out.isEmpty)
        }

        /// Refused as a whole: there is no place to point at.
        private func expectRefused(_ bytes: [UInt8], _ code: String) async throws {
            let run = try await self.check(bytes)
            #expect(run.status == 1, "\(code): \(run.all)")
            #expect(run.err.hasPrefix("error [\(code)]: "), "\(code): \(run.err)")
            #expect(run.err.contains("\n  fix: ") && run.err.utf8.count < 2_000)
        }

        @Test func forbidden() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            let include = kernelSource(Self.store, before: "#include \"/etc/passwd\"\n")
            try await self.expectRefused(include, "kernel.include.refused", 1, 2)
            let system = kernelSource(Self.store, before: "#include <stdio.h>\n")
            try await self.expectRefused(system, "kernel.include.refused", 1, 2)
            let paste = "#define P(a, b) a##b\n"
            try await self.expectRefused(
                kernelSource("P(as,m)(\"int3\"); " + Self.store, before: paste),
                "kernel.unsupported.asm", 4, 5, shown: "    asm    (\"int3\"); " + Self.store)
            try await self.expectRefused(
                kernelSource("P(__as,m__) volatile (\"ud2\"); " + Self.store, before: paste),
                "kernel.unsupported.asm", 4, 5,
                shown: "    __asm__     volatile (\"ud2\"); " + Self.store)
            try await self.expectRefused(
                kernelSource("asm(\"int3\"); " + Self.store), "kernel.unsupported.asm", 3, 5)
            try await self.expectRefused(
                kernelSource("goto end; end: " + Self.store), "kernel.unsupported.goto", 3, 5)
            try await self.expectRefused(
                kernelSource("printf(\"%d\", 1); " + Self.store), "kernel.unsupported.string", 3,
                12)
            let recursion = "uint f(uint x) { return x == 0u ? 0u : f(x - 1u); }\n"
            try await self.expectRefused(
                kernelSource("if (i < n) o[i] = f(i);", before: recursion), "kernel.recursion", 1,
                40)
            try await self.expectRefused(
                kernelSource("uint *p = (uint*)0; *p = 1u; " + Self.store),
                "kernel.unsupported.pointer.integer", 3, 15)
            try await self.expectRefused(
                kernelSource(
                    "if (get_local_id(0) < 3u) { barrier(CLK_LOCAL_MEM_FENCE); } " + Self.store),
                "kernel.barrier.divergent", 3, 33)
            try await self.expectRefused(
                kernelSource(
                    "__local uint t[64]; t[0] = i; barrier(CLK_LOCAL_MEM_FENCE); "
                        + "if (i < n) o[i] = t[0];"), "kernel.local.race.unproved", 3, 30)
        }

        @Test func oversized() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            try await self.expectRefused(
                Array((kernelSource(Self.store) + String(repeating: "/", count: 1 << 20)).utf8),
                "kernel.limit.source")
            for (body, column) in [
                ("uint q[1000000000]; " + Self.store, 12),
                ("__local uint q[1 << 28]; " + Self.store, 22), ("uint q[-1]; " + Self.store, 12),
            ] {
                try await self.expectRefused(kernelSource(body), "kernel.array.extent", 3, column)
            }
            let bomb = (0..<12).map { level in
                let ten = Array(repeating: "m\(level)", count: 10).joined(separator: " ")
                return "#define m\(level + 1) \(ten)\n"
            }.joined()
            try await self.expectRefused(
                kernelSource("m12;", before: bomb), "kernel.limit.macro.steps", 15, 5)
            func deep(_ count: Int, _ open: String, _ middle: String, _ close: String) -> String {
                kernelSource(
                    String(repeating: open, count: count) + middle
                        + String(repeating: close, count: count))
            }
            // Nesting of each kind ends at its bound, far from the bottom of the stack.
            for source in [
                deep(10_000, "{", "", "}"), deep(10_000, "if (i < n) ", "o[i] = 1u;", ""),
                deep(5_000, "for (int j = 0; j < 2; j++) ", "o[i] = 1u;", ""),
                kernelSource(
                    "o[i] = " + String(repeating: "(", count: 10_000) + "1u"
                        + String(repeating: ")", count: 10_000) + ";"),
                kernelSource("o[i] = " + String(repeating: "~", count: 30_000) + "1u;"),
                kernelSource("o[i] = " + String(repeating: "(uint)", count: 9_000) + "1u;"),
                kernelSource("o[i] = 1u" + String(repeating: " + 1u", count: 15_000) + ";"),
                kernelSource(
                    "o[i] = " + String(repeating: "i ? ", count: 7_000) + "1u"
                        + String(repeating: " : 1u", count: 7_000) + ";"),
                kernelSource("o" + String(repeating: "[o", count: 9_000) + ";"),
            ] {
                let run = try await self.check(Array(source.utf8))
                #expect(run.status == 1, "\(run.all)")
                #expect(run.err.hasPrefix("error [kernel."), "\(run.err.prefix(300))")
                #expect(run.err.contains("\n  fix: ") && run.err.utf8.count < 2_000)
            }
        }

        @Test func garbage() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            try await self.expectRefused([], "manifest.infer.entry")
            try await self.expectRefused([0xff, 0xfe, 0, 1], "kernel.notUTF8")
            try await self.expectRefused("\u{0}\u{1}", "kernel.syntax.character", 1, 1, shown: "??")
            try await self.expectRefused("/* \n", "kernel.syntax.comment", 1, 1)
            try await self.expectRefused("__kernel void k( \"\n", "kernel.syntax.quote", 1, 18)
            var random = Generator(seed: Blake2b.hash(.vector, .none, Array("garbage".utf8)))
            let good = Array(
                kernelSource(
                    "__local uint t[64]; t[get_local_id(0)] = a[i] * 3u; "
                        + "barrier(CLK_LOCAL_MEM_FENCE); "
                        + "for (uint j = 0; j < 4u; j++) { if (i < n) o[i] = t[j] + j; }",
                    before: "#define M(x) ((x) * 2)\n"
                ).utf8)
            for round in 0..<48 {
                var bytes = round < 8 ? random.bytes(2_000).map { $0 % 128 } : good
                for _ in 0..<(round < 8 ? 0 : 1 + random.below(4)) {
                    let index = Int(random.below(UInt64(bytes.count)))
                    switch random.below(3) {
                    case 0: bytes[index] = UInt8(random.below(128))
                    case 1: bytes.remove(at: index)
                    default: bytes.insert(contentsOf: good.suffix(40), at: index)
                    }
                }
                let run = try await self.check(bytes)
                #expect([0, 1].contains(run.status), "round \(round): \(run.all)")
                if run.status == 1 {
                    #expect(run.err.hasPrefix("error ["), "round \(round): \(run.err)")
                    #expect(run.err.contains("\n  fix: "), "round \(round): \(run.err)")
                }
            }
        }

        @Test func notAFile() async throws {
            defer { try? FileManager.default.removeItem(atPath: self.directory) }
            for path in [self.directory + "/none.cl", self.directory, "/dev/zero", "/dev/null"] {
                let run = try await Program.run("starling", ["kernel", "check", path], limit: 20)
                #expect(!run.wasKilled && run.status == 1, "\(path): \(run.status) \(run.all)")
                #expect(run.err.hasPrefix("error"), "\(run.err)")
            }
        }
    }
}
