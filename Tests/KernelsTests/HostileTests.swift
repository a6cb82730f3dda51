import Kernels
import Primitives
import Testing

/// Sources written to break the reader: each gives an error, none a trap, none runs for long.
@Suite struct HostileTests {
    @Test func nesting() {
        for depth in [100, 1_000, 20_000] {
            for (open, close) in [
                ("(", ")"), ("{", "}"), ("-", ""), ("!", ""), ("~", ""), ("(int)", ""), ("a[", "]"),
                ("if (n) ", ";"), ("for (;;) ", ";"), ("do ", " while (1);"), ("n ? 1 : ", ""),
                ("n = ", ""), ("f(", ")"), ("1 + ", ""), ("1, ", ""),
                ("switch (n) { case 1: ", "}"),
                ("(int4)(", ")"), ("*", ""), ("&", ""), ("n && ", ""),
            ] {
                let text =
                    String(repeating: open, count: depth) + "1"
                    + String(repeating: close, count: depth)
                let code = Front.code(Front.body("out[i] = 1; \(text);"))
                // A hundred levels of some are still accepted.
                #expect(code.hasPrefix("kernel.") || depth == 100, "\(depth) \(open): \(code)")
            }
        }
    }

    @Test func size() {
        let megabyte = String(repeating: "x", count: 1 << 20)
        #expect(Front.code(megabyte) == "kernel.limit.source")
        #expect(Front.code(String(repeating: "+ ", count: 100_000)) == "kernel.limit.tokens")
        #expect(Front.code(String(repeating: "a", count: 1_000)) == "kernel.limit.identifier")
        let published = KernelPackage(source: megabyte, manifest: Manifest())
        #expect(throws: KernelError.self) { try Kernel(published) }
        var manifest = Manifest()
        manifest.entry = "k"
        let directive = KernelPackage(source: "#define A 1\n", manifest: manifest)
        #expect(throws: KernelError.self) { try Kernel(directive) }
    }

    @Test func macroBombs() {
        var doubling = "#define M0 1 + 1\n"
        for number in 1...40 { doubling += "#define M\(number) M\(number - 1) + M\(number - 1)\n" }
        #expect(Front.code(doubling + "int x = M40;").hasPrefix("kernel.limit"))
        var nothing = "#define E0\n"
        for number in 1...40 { nothing += "#define E\(number) E\(number - 1) E\(number - 1)\n" }
        #expect(Front.code(nothing + "E40").hasPrefix("kernel.limit"))
        let arguments = "#define F(x) F2(x x)\n#define F2(x) F3(x x)\n#define F3(x) x x x x\n"
        let nested = String(repeating: "F(", count: 40) + "1" + String(repeating: ")", count: 40)
        #expect(Front.code(arguments + nested).hasPrefix("kernel."))
        #expect(
            Front.code("#define X X\n#define A B\n#define B A\nX A B").hasPrefix("kernel.syntax"))
    }

    @Test func inliningBomb() {
        var text = "int f0(int x) { return x + 1; }\n"
        for number in 1...14 {
            let inner = "f\(number - 1)"
            text += "int f\(number)(int x) { return \(inner)(x) + \(inner)(x) + \(inner)(x); }\n"
        }
        #expect(Front.code(Front.body("out[i] = f14(i);", before: text)).hasPrefix("kernel.limit"))
    }

    @Test func infiniteLoopsAreCut() throws {
        let rows = [
            "while (1) out[i] += 1;", "for (;;) { out[i] += 1; }",
            "for (uint j = 0; j >= 0; j++) out[i] += 1;", "do { out[i] += 1; } while (n != n - 1);",
            "for (int j = 0; j < n; j += n) out[i] += 1;",
            "for (uint j = 0; j != 7; j += 2) out[i] += 1;",
            "for (int j = 0; j < 10; j++) { j = 0; out[i] += 1; }",
            "for (uchar j = 0; j < 256; j++) out[i] += 1;",
        ]
        for row in rows {
            let kernel = try Front.kernel(Front.body(row), local: Extent(x: 16, y: 1, z: 1))
            let bounds = kernel.tree.body.loopBounds
            #expect(bounds == [.fuel], "\(row)")
            #expect(kernel.openCL().contains("== 1024UL) break;"), "\(row)")
        }
    }

    /// Any damage to a valid source is accepted or refused, and nothing else happens.
    @Test func mutatedSources() throws {
        let pieces = [
            "(", ")", "{", "}", "[", "]", ";", "->", "##", "#", "\n#if ", "\n#define A ", "int4 ",
            "__local ", "0x7fffffffffffffff", "-2147483648", "/ 0", "barrier(1);", "return;",
            "break;",
            "for(;;)", ".xyzw", "convert_uchar4_sat(", "get_local_id(0)", "*", "&", "\"", "'", "/*",
            "1e999f", "0.0f", "9999999999999999999999", "\\\n", "[4294967295]", "<<= 99",
        ].map { Array($0.utf8) }
        for (number, seed) in Samples.sources.enumerated() {
            let original = Array(seed.utf8)
            var random = Generator(seed: Blake2b.hash(.generator, .none, [UInt8(number)]))
            for round in 0..<400 {
                var bytes = original
                for _ in 0...random.below(4) {
                    let at = Int(random.below(UInt64(bytes.count)))
                    switch random.below(5) {
                    case 0: bytes[at] = UInt8(truncatingIfNeeded: random.u64())
                    case 1: bytes.remove(at: at)
                    case 2:
                        bytes.insert(
                            contentsOf: pieces[Int(random.below(UInt64(pieces.count)))], at: at)
                    case 3:
                        let other = Int(random.below(UInt64(bytes.count)))
                        bytes.swapAt(at, other)
                    default:
                        let end = min(at + Int(random.below(40)), bytes.count)
                        let from = Int(random.below(UInt64(original.count)))
                        let part = original[from..<min(from + 30, original.count)]
                        bytes.replaceSubrange(at..<end, with: part)
                    }
                    if bytes.isEmpty { bytes = [32] }
                }
                let text = String(decoding: bytes, as: UTF8.self)
                let code = Front.code(text, local: nil)
                #expect(!code.isEmpty, "source \(number), round \(round)")
            }
        }
    }
}

extension Block {
    /// Bounds of all loops, outermost first.
    var loopBounds: [LoopBound] {
        self.flatMap { statement -> [LoopBound] in
            switch statement {
            case .loop(let loop):
                [loop.bound] + (loop.header + loop.body + loop.step).loopBounds
            case .branch(let branch): (branch.then + branch.otherwise).loopBounds
            case .scope(let body): body.loopBounds
            default: []
            }
        }
    }
}
