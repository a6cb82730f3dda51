import Kernels
import Testing

/// One row for each reason to refuse a kernel: what is written, and the code.
@Suite struct RefusalTests {
    private static let bodies: [(String, String)] = [
        ("goto end; end: out[i] = 1;", "kernel.unsupported.goto"),
        ("asm(\"nop\"); out[i] = 1;", "kernel.unsupported.asm"),
        ("printf(\"x\"); out[i] = 1;", "kernel.unsupported.string"),
        ("printf(n); out[i] = 1;", "kernel.unsupported.printf"),
        ("atomic_add(out, 1); out[i] = 1;", "kernel.unsupported.pointer.value"),
        ("atomic_add(i, 1); out[i] = 1;", "kernel.unsupported.atomic"),
        ("struct s { int a; } v; out[i] = 1;", "kernel.unsupported.struct"),
        ("volatile int v = 1; out[i] = v;", "kernel.unsupported.volatile"),
        ("double d = 1; out[i] = d;", "kernel.unsupported.double"),
        ("out[i] = 1.5 * n;", "kernel.unsupported.double"),
        ("out[i] = exp(1.0f);", "kernel.unsupported.math"),
        ("out[i] = read_imagei(n, n);", "kernel.unsupported.image"),
        ("out[i] = sub_group_reduce_add(n);", "kernel.unsupported.subgroup"),
        ("image2d_t t; out[i] = 1;", "kernel.unsupported.type"),
        ("out[i] = sizeof(n);", "kernel.unsupported.sizeof"),
        ("int a[2]; int *p = i > 3 ? a : out; out[i] = 1;", "kernel.unsupported.pointer.value"),
        ("int *p = (int *)5; out[i] = 1;", "kernel.unsupported.pointer.integer"),
        ("int *p; out[i] = 1;", "kernel.unsupported.pointer.declaration"),
        ("int **p = 0; out[i] = 1;", "kernel.unsupported.pointer.pointer"),
        ("uchar *p = (uchar *)in; out[i] = *p;", "kernel.unsupported.pointer.cast"),
        (
            "int a[2]; int b[2]; int *p = a; p = b; out[i] = *p;",
            "kernel.unsupported.pointer.object"
        ),
        ("int a[2]; int *p = a; out[i] = *p++;", "kernel.unsupported.pointer.operation"),
        ("out[i] = in < out;", "kernel.unsupported.pointer.operation"),
        (
            "switch (n) { case 1: while (i) { switch (n) { case 2: continue; } } } out[i] = 1;",
            "kernel.unsupported.continue"
        ),
        ("int4 v = 1; v.xx = (int2)(1); out[i] = v.x;", "kernel.assign.target"),
        ("int4 v = 1; out[i] = v.q;", "kernel.unsupported.member"),
        ("int4 v = 1; float4 f = 1.0f; out[i] = (v + f).x;", "kernel.type.mismatch"),
        ("int4 v = (int4)(1, 2, 3); out[i] = v.x;", "kernel.type.components"),
        ("if ((int4)(1)) out[i] = 1;", "kernel.type.condition"),
        ("out[i] = 1.0f % 2;", "kernel.type.integer"),
        ("out[i] = in[1.5f];", "kernel.type.index"),
        ("out[i] = *n;", "kernel.type.pointer"),
        ("in[i] = 1; out[i] = 1;", "kernel.assign.input"),
        ("const int a[2] = {1, 2}; a[0] = 3; out[i] = 1;", "kernel.assign.constant"),
        ("(i + 1) = 3; out[i] = 1;", "kernel.assign.target"),
        ("out[i] = nothing;", "kernel.name.unknown"),
        ("out[i] = nothing(1);", "kernel.function.unknown"),
        ("int x; int x; out[i] = 1;", "kernel.name.twice"),
        ("out[i] = 0x;", "kernel.syntax.number"),
        ("out[i] = 1", "kernel.syntax"),
        ("out[i] = ;", "kernel.syntax"),
        ("break; out[i] = 1;", "kernel.syntax"),
        ("int a[n]; out[i] = a[0];", "kernel.array.extent"),
        ("int a[2] = {1, 2, 3}; out[i] = a[0];", "kernel.array.initialiser"),
        ("int a[20000]; out[i] = a[0];", "kernel.limit.private"),
        ("__local int t[9000]; out[i] = t[0];", "kernel.limit.local"),
        ("if (i < n) { barrier(CLK_LOCAL_MEM_FENCE); } out[i] = 1;", "kernel.barrier.divergent"),
        (
            "if (i >= n) return; barrier(CLK_LOCAL_MEM_FENCE); out[i] = 1;",
            "kernel.barrier.divergent"
        ),
        ("for (int j = 0; j < i; j++) barrier(1); out[i] = 1;", "kernel.barrier.divergent"),
        ("for (;;) { if (in[i]) break; barrier(1); } out[i] = 1;", "kernel.barrier.divergent"),
        ("barrier(n); out[i] = 1;", "kernel.barrier.flags"),
        ("out[i] = get_global_id(n);", "kernel.query.axis"),
        ("while (n) { __local int t[4]; out[i] = t[0]; }", "kernel.local.declaration"),
        ("switch (n) { case 1: case 2: default: default: } out[i] = 1;", "kernel.syntax"),
        ("switch (n) { case i: break; } out[i] = 1;", "kernel.switch.label"),
        ("return 1; out[i] = 1;", "kernel.return.value"),
        ("out[i] = select(1, 2);", "kernel.call.arguments"),
        ("out[i] = as_short(n);", "kernel.type.mismatch"),
        ("out[i] = \u{00e9};", "kernel.syntax.character"),
        ("out[i] = 1; /* never", "kernel.syntax.comment"),
        ("out[i] = 'a;", "kernel.syntax.quote"),
    ]

    @Test func bodies() {
        for (text, code) in Self.bodies {
            #expect(Front.code(Front.body(text)) == code, "\(text)")
        }
    }

    private static let files: [(String, String)] = [
        (
            "int f(int x) { return f(x); } __kernel void k(__global int *o) { "
                + "o[get_global_id(0)] = f(1); }",
            "kernel.recursion"
        ),
        (
            "int g(int); int f(int x) { return g(x); } int g(int x) { return f(x); }"
                + "__kernel void k(__global int *o) { o[get_global_id(0)] = f(1); }",
            "kernel.recursion"
        ),
        (
            "int f(int x) { return x; } __kernel void k(__global int *o) { o[get_global_id(0)] = "
                + "f(); }",
            "kernel.call.arguments"
        ),
        (
            "int f() { return; } __kernel void k(__global int *o) { o[get_global_id(0)] = f(); }",
            "kernel.return.value"
        ),
        (
            "void f() { } __kernel void k(__global int *o) { o[get_global_id(0)] = f(); }",
            "kernel.type.void"
        ),
        (
            "int x; __kernel void k(__global int *o) { o[0] = x; }",
            "kernel.unsupported.file.variable"
        ),
        ("union u { int x; }; __kernel void k(__global int *o) { }", "kernel.unsupported.union"),
        ("extern int f(); __kernel void k(__global int *o) { }", "kernel.unsupported.extern"),
        (
            "__kernel void k(__global int *o, __global void *p) { }",
            "kernel.unsupported.void.pointer"
        ),
        (
            "__kernel void k(__global uchar3 *o) { o[get_global_id(0)] = 1; }",
            "kernel.unsupported.element"
        ),
        (
            "__kernel void k(__global int *o, int4 v) { o[get_global_id(0)] = v.x; }",
            "kernel.unsupported.scalar"
        ),
        ("__kernel void k(int *o) { }", "kernel.pointer.space"),
        ("__kernel int k(__global int *o) { return 1; }", "kernel.entry.result"),
        (
            "__kernel void k(__global int *o, __local int *t) { o[get_global_id(0)] = t[0]; }",
            "manifest.infer.local"
        ),
        ("void k(__global int *o) { }", "manifest.infer.entry"),
        ("__kernel void k(__global const int *o) { }", "manifest.output"),
        (
            "__kernel void k(__global int *o, __global const int *p) { o[p[get_global_id(0)]] = "
                + "1; }",
            "manifest.infer.layout"
        ),
        (
            "__attribute__((packed)) __kernel void k(__global int *o) { }",
            "kernel.unsupported.attribute"
        ),
        ("typedef int *p; __kernel void k(__global int *o) { }", "kernel.unsupported.typedef"),
        (
            "#include \"/etc/passwd\"\n__kernel void k(__global int *o) { }",
            "kernel.include.refused"
        ),
        ("#include </etc/passwd>\n__kernel void k(__global int *o) { }", "kernel.include.refused"),
        ("#line 3\n__kernel void k(__global int *o) { }", "kernel.preprocessor.directive"),
        ("#error no\n__kernel void k(__global int *o) { }", "kernel.preprocessor.error"),
        ("#if 1\n__kernel void k(__global int *o) { }", "kernel.preprocessor.conditional"),
        ("#endif\n", "kernel.preprocessor.conditional"),
        ("#if 1 / 0\n#endif\n", "kernel.preprocessor.condition"),
        ("#define F(x) #x\nint a = F(1);", "kernel.preprocessor.stringify"),
        ("#define F(x) x ## +\nint a = F(1);", "kernel.preprocessor.paste"),
        ("#define F(x) x\nint a = F(1, 2);", "kernel.preprocessor.arguments"),
        ("#define F(x\nint a;", "kernel.preprocessor.syntax"),
        (
            "__kernel void k(__global int *o) { o[get_global_id(0)] = __LINE__; }",
            "kernel.macro.reserved"
        ),
        (
            "#define J(a, b) a ## b\n__kernel void k(__global int *o) { "
                + "J(__as, m__)(\"syscall\"); }",
            "kernel.unsupported.asm"
        ),
    ]

    @Test func files() {
        for (text, code) in Self.files { #expect(Front.code(text) == code, "\(text)") }
    }

    @Test func errorsPointAtThePlace() {
        let error = #expect(throws: KernelError.self) {
            try Front.kernel("__kernel void k(__global int *o) {\n\to[0] = 1.5;\n}")
        }
        #expect(error?.line == 2 && error?.column == 9)
        #expect(error?.underlined == " o[0] = 1.5;\n        ^")
        #expect(error?.rendered.contains("fix: write 1.5f") == true)
    }

    @Test func manifestsAreChecked() throws {
        let source = Front.body("out[i] = in[i];")
        let good = try Manifest.infer(source: source)
        let text = try KernelPackage.expand(source: source, definitions: [])
        let rows: [(String, (inout Manifest) -> Void)] = [
            ("manifest.version", { $0.version = 2 }),
            ("manifest.entry", { $0.entry = "a b" }),
            ("kernel.entry.missing", { $0.entry = "other" }),
            ("manifest.text", { $0.title = "a\nb" }),
            ("manifest.unsupported.exactness", { $0.exactness = .certificate }),
            ("manifest.local.size", { $0.localSize.x = 2_000 }),
            ("manifest.local.size", { $0.localSize.y = 0 }),
            ("manifest.dimensions", { $0.dimensions = 4 }),
            ("manifest.dimensions", { $0.localSize.y = 2 }),
            ("manifest.unsupported.subgroups", { $0.subgroupWidth = 32 }),
            ("manifest.unsupported.segments", { $0.segments = 2 }),
            ("manifest.fuel", { $0.fuel = 0 }),
            ("manifest.groups.per.leaf", { $0.groupsPerLeaf = 0 }),
            ("manifest.unsupported.role", { $0.buffers[1].role = .append }),
            ("manifest.unsupported.role", { $0.buffers[1].role = .accumulate }),
            ("manifest.unsupported.element", { $0.buffers[0].element = .double }),
            ("manifest.chunks", { $0.buffers[0].chunkLog2 = 9 }),
            ("manifest.layout.input", { $0.buffers[0].axes = $0.buffers[1].axes }),
            ("manifest.layout.source", { $0.buffers[1].axes[0].source?.axis = 3 }),
            (
                "manifest.layout.scalar",
                { $0.buffers[1].axes[0].limit = ScalarExpression(text: "m").unsafelyUnwrapped }
            ),
            ("manifest.output", { $0.buffers.removeLast() }),
            ("manifest.buffer.missing", { $0.buffers.removeFirst() }),
            ("manifest.buffer.element", { $0.buffers[0].element = .uint }),
            ("manifest.parameters", { $0.buffers.swapAt(0, 1) }),
        ]
        for (code, change) in rows {
            var manifest = good
            change(&manifest)
            let error = #expect(throws: KernelError.self, "\(code)") {
                try Kernel(KernelPackage(source: text, manifest: manifest))
            }
            #expect(error?.code == code)
        }
        var float = try Manifest.infer(source: Front.body("out[i] = in[i] * 1.5f;"))
        #expect(float.exactness == .exactFloat32)
        float.exactness = .exactInt
        let error = #expect(throws: KernelError.self) {
            try Kernel(
                KernelPackage(source: Front.body("out[i] = in[i] * 1.5f;"), manifest: float))
        }
        #expect(error?.code == "manifest.exactness")
    }
}
