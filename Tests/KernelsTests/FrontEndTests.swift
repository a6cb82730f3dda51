import Kernels
import Primitives
import Testing

@Suite struct FrontEndTests {
    @Test func expansion() throws {
        let rows: [(String, String)] = [
            ("#define N 4\nint a[N];", "int a[4];"),
            (
                "#define MAX(a, b) ((a) > (b) ? (a) : (b))\nMAX(1, MAX(2, 3))",
                "((1) > (((2) > (3) ? (2) : (3))) ? (1) : (((2) > (3) ? (2) : (3))))"
            ),
            ("#if defined(A) && A > 2\nyes\n#elif 1\nno\n#else\nnever\n#endif", "yes"),
            ("#ifndef A\n1\n#else\n2\n#endif\n#undef A\nA", "2\nA"),
            ("#define CAT(a, b) a ## b\nCAT(x, 1) CAT(, y)", "x1 y"),
            ("#define F(x) x\nF F (1)", "F 1"),
            ("#define E\nx E y", "x y"),
            ("#pragma unroll\nx", "x"),
            ("#define M - 1\n1 -M", "1 -- 1"),
            ("a + + b - -c", "a + + b - -c"),
            ("#if 0\n#include <x>\n#if 1\n#endif\n#endif\nz", "z"),
            ("B", "7 + 1"),
        ]
        for (source, expected) in rows {
            let text = try KernelPackage.expand(
                source: source,
                definitions: [
                    Definition(name: "A", value: "3"), Definition(name: "B", value: "7 + 1"),
                ])
            let tokens = text.split { $0 == " " || $0 == "\n" }.joined()
            #expect(tokens == expected.split { $0 == " " || $0 == "\n" }.joined(), "\(source)")
            let again = try KernelPackage.expand(source: text, definitions: [])
            #expect(again == text, "an expansion expands to itself: \(source)")
        }
        let minus = try KernelPackage.expand(source: "#define M -1\n1 -M", definitions: [])
        #expect(!minus.contains("--"), "tokens never run together")
    }

    @Test func expansionKeepsPlaces() throws {
        let source = "/* one\n two */\n\n#define N 12345\n\tint  a[N]; // three\n  int b;"
        let text = try KernelPackage.expand(source: source, definitions: [])
        #expect(text == "\n\n\n\n int  a[12345];\n  int b;\n")
    }

    @Test func emissionIsDeterministicAndOurs() throws {
        for source in Samples.sources {
            let first = try Front.kernel(source)
            let second = try Front.kernel(source)
            #expect(first.openCL() == second.openCL())
        }
        // Names and text of the author are gone.
        let kernel = try Front.kernel(
            Front.body("int evil_name = in[i]; /* evil_comment */ out[i] = evil_name;"))
        #expect(!kernel.openCL().contains("evil"))
        #expect(kernel.openCL().contains("FP_CONTRACT OFF"))
    }

    @Test func storesKnowTheirCells() throws {
        let kernel = try Front.kernel(Samples.picture)
        #expect(
            kernel.package.manifest.buffers[1].axes.map(\.stride.text) == ["width * 3", "3", "1"])
        #expect(
            kernel.package.manifest.buffers[1].axes.map(\.limit.text) == ["height", "width", "3"])
        var stores: [Store] = []
        func walk(_ block: Block) {
            for statement in block {
                switch statement {
                case .store(let store): stores.append(store)
                case .branch(let branch): walk(branch.then + branch.otherwise)
                default: break
                }
            }
        }
        walk(kernel.tree.body)
        #expect(stores.count == 3 && stores.allSatisfy { $0.cells.count == 3 })
    }

    @Test func inference() throws {
        let rows: [(String, [String])] = [
            ("out[i] = 1;", ["0 16 groups.x * 16 1"]),
            ("if (i < n) out[i] = 1;", ["0 16 n 1"]),
            ("if (i >= n) return; out[i] = 1;", ["0 16 n 1"]),
            ("out[2 * i] = 1; out[2 * i + 1] = 2;", ["0 16 groups.x * 16 2", "- 1 2 1"]),
            ("if (get_local_id(0) == 0) out[get_group_id(0)] = 1;", ["0 1 groups.x 1"]),
            (
                "for (int j = 0; j < 4; j++) out[i * 4 + j] = 1;",
                ["0 16 groups.x * 16 4", "- 1 4 1"]
            ),
        ]
        for (body, expected) in rows {
            let manifest = try Manifest.infer(
                source: Front.body(body), localSize: Extent(x: 16, y: 1, z: 1))
            let axes = manifest.buffers[1].axes.map { axis in
                "\(axis.source.map { "\($0.axis)" } ?? "-") \(axis.block.text) \(axis.limit.text) "
                    + axis.stride.text
            }
            #expect(axes == expected, "\(body)")
            #expect(manifest.buffers[0].role == .in)
        }
        let tiles = try Manifest.infer(source: Samples.tiles)
        #expect(tiles.localSize == Extent(x: 4, y: 4, z: 1) && tiles.dimensions == 2)
        #expect(tiles.buffers[2].axes.map(\.limit.text) == ["m", "n"])
    }

    /// The tiled product against one written here.
    @Test func matrixProduct() throws {
        let kernel = try Front.kernel(Samples.tiles)
        let (m, n, k) = (6, 9, 11)
        var random = Generator(seed: Blake2b.hash(.generator, .none, Array("matmul".utf8)))
        let a = (0..<m * k).map { _ in Int32(truncatingIfNeeded: random.u64()) }
        let b = (0..<k * n).map { _ in Int32(truncatingIfNeeded: random.u64()) }
        let launch = Launch(
            groups: Extent(x: 3, y: 2, z: 1),
            scalars: [.uint(UInt32(m)), .uint(UInt32(n)), .uint(UInt32(k))],
            buffers: [
                Binding(.zero, elements: UInt64(m * k)), Binding(.zero, elements: UInt64(k * n)),
                Binding(.zero, elements: UInt64(m * n)),
            ])
        let geometry = try kernel.geometry(launch: launch)
        let order = WorkOrder(kernel: kernel.package.id, launches: [launch])
        var referee = Referee(kernel)
        var c = [UInt8](repeating: 0, count: m * n * 4)
        for leaf in 0..<geometry.leafCount {
            let run = try referee.run(
                leaf: leaf, launch: 0, order: order, geometry: geometry,
                inputs: [bytes(a), bytes(b), []])
            #expect(run.gas <= geometry.leafGas)
            var offset = 0
            for piece in geometry.slice(leaf: leaf) {
                let (start, count) = (Int(piece.byteOffset), Int(piece.byteCount))
                c.replaceSubrange(start..<start + count, with: run.slice[offset..<offset + count])
                offset += count
            }
        }
        var expected: [Int32] = []
        for row in 0..<m {
            for column in 0..<n {
                expected.append(
                    (0..<k).reduce(Int32(0)) { $0 &+ a[row * k + $1] &* b[$1 * n + column] })
            }
        }
        #expect(c == bytes(expected))
    }
}
