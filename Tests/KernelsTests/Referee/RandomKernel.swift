import Kernels
import Primitives

/// Kernels drawn from a seed: every operator and built-in over every type, divergent control,
/// helpers that return early, private arrays, reads outside their object.
///
/// Another engine can be compared with the referee by running ``source`` over ``inputs`` on a
/// device and comparing the bytes with ``Rig/runAll()``: the text is ordinary OpenCL C.
struct RandomKernel {
    static let lanes = 24
    static let groups = 3

    private var generator: Generator
    private var text = ""
    private var depth = 0
    private var loops = 0
    private var names = 0
    private var canJump = false

    static let types = [
        "int", "uint", "long", "ulong", "char", "uchar", "short", "ushort", "float",
    ]
    static let vectors = ["int4", "uint4", "float4", "char4", "long2", "ushort2"]

    init(seed: UInt64) {
        self.generator = Generator(seed: Blake2b.hash(.vector, .none, bytes([seed])))
    }

    /// The kernel and its launch; reads of `a` are `spread` elements apart.
    static func rig(seed: UInt64, spread: Int = 1) throws -> Rig {
        var random = RandomKernel(seed: seed)
        var source = random.source()
        if spread > 1 { source = source.replacing("a[", with: "a[\(spread) * ") }
        return try Rig(
            source, local: [UInt32(Self.lanes)], groups: [UInt32(Self.groups)],
            buffers: [
                .input("a", .uint, random.generator.bytes(64 * 4 * spread)),
                .output("o", .ulong, block: lanes, elements: lanes * groups - 5),
                .output("f", .float, block: lanes, elements: lanes * groups),
            ],
            scalars: [.int(Int32(truncatingIfNeeded: random.generator.u64())), .uint(7)],
            groupsPerLeaf: 2, fuel: 9)
    }

    private mutating func pick<T>(_ values: [T]) -> T {
        values[Int(self.generator.below(UInt64(values.count)))]
    }

    private mutating func source() -> String {
        self.text = """
            int helper(int a, uint b) {
                for (int i = 0; i < 6; i++) {
                    if (a > (int)b) return a - i;
                    if ((a ^ i) & 1) { a += 3; continue; }
                    if (b == 5u) break;
                    a = a * 5 + (int)b; b = b >> 1;
                }
                return a;
            }
            __kernel void k(
                __global const uint *a, __global ulong *o, __global float *f, int s, uint t) {
                int g = (int)get_global_id(0); uint group = (uint)get_group_id(0);
                int p[8]; for (int i = 0; i < 8; i++) p[i] = i * s + g;

            """
        for type in Self.types {
            self.line(
                "\(type) v_\(type) = (\(type))(a[g] * 2654435761u + \(self.generator.below(99))u);")
        }
        self.line("v_float = as_float(a[g + 1]);")
        for type in Self.vectors {
            let base = type.filter(\.isLetter)
            let width = type.hasSuffix("4") ? 4 : 2
            let parts = (0..<width).map { "(\(base))(a[g + \($0)])" }.joined(separator: ", ")
            self.line("\(type) w_\(type) = (\(type))(\(parts));")
        }
        for _ in 0..<12 { self.statement() }
        self.line("ulong sum = (ulong)p[g & 7];")
        for type in Self.types where type != "float" {
            self.line("sum = sum * 31ul + (ulong)v_\(type);")
        }
        self.line("sum = sum * 31ul + (ulong)as_uint(v_float);")
        for type in Self.vectors {
            let base = type.filter(\.isLetter)
            let part = { (name: String) in
                base == "float" ? "as_uint(w_\(type).\(name))" : "w_\(type).\(name)"
            }
            self.line(
                "sum = sum * 31ul + (ulong)\(part("x")); sum = sum * 31ul + (ulong)\(part("y"));")
        }
        self.line("o[g] = sum; f[g] = v_float;")
        return self.text + "}\n"
    }

    private mutating func line(_ text: String) { self.text += "    " + text + "\n" }

    // MARK: statements

    private mutating func statement() {
        self.depth += 1
        defer { self.depth -= 1 }
        let kind = self.generator.below(self.depth > 3 ? 5 : 10)
        switch kind {
        case 0, 1, 2:
            let type = self.pick(Self.types)
            self.line("v_\(type) = \(self.scalar(type, 3));")
        case 3:
            let type = self.pick(Self.vectors)
            self.line("w_\(type) = \(self.vector(type, 2));")
        case 4:
            if self.canJump && self.loops > 0 {
                self.line("if (\(self.condition())) \(self.pick(["break", "continue"]));")
            } else {
                self.line("p[\(self.scalar("int", 1)) & 7] = \(self.scalar("int", 2));")
            }
        case 5, 6:
            self.line("if (\(self.condition())) {")
            self.statement()
            if self.generator.below(2) == 0 {
                self.line("} else {")
                self.statement()
            }
            self.line("}")
        case 7: self.loop()
        case 8: self.line("v_int = helper(\(self.scalar("int", 1)), \(self.scalar("uint", 1)));")
        default:
            let lane = self.pick([
                "w_int4.xw = w_int4.wy", "w_float4 = w_float4.wzyx", "w_uint4.z += t",
            ])
            self.line("\(lane);")
        }
    }

    private mutating func loop() {
        self.names += 1
        let name = "i\(self.names)"
        let limit = self.pick(["4", "(int)(group + 2u)", "(v_int & 7)", "(p[g & 7] & 3)"])
        self.loops += 1
        let outer = self.canJump
        self.canJump = true
        switch self.generator.below(3) {
        case 0:
            self.line("for (int \(name) = 0; \(name) < \(limit); \(name)++) {")
            self.statement()
            self.statement()
            self.line("}")
        case 1:
            self.line("int \(name) = 0; do { \(name)++;")
            self.statement()
            self.statement()
            self.line("} while (\(name) < \(limit));")
        default:
            self.line("int \(name) = 9; while (\(name)-- > \(limit)) {")
            self.statement()
            self.line("v_uint ^= (uint)\(name);")
            self.statement()
            self.line("}")
        }
        self.canJump = outer
        self.loops -= 1
    }

    private mutating func condition() -> String {
        let type = self.pick(Self.types)
        let compare = self.pick(["<", "<=", ">", ">=", "==", "!="])
        let first = "\(self.scalar(type, 1)) \(compare) \(self.scalar(type, 1))"
        switch self.generator.below(4) {
        case 0: return "(\(first)) && \(self.scalar("int", 1))"
        case 1: return "(\(first)) || !\(self.scalar(self.pick(Self.types), 1))"
        case 2: return "(group & 1u) == \(self.generator.below(2))u"
        default: return first
        }
    }

    // MARK: expressions

    private mutating func scalar(_ type: String, _ depth: Int) -> String {
        guard depth > 0 else { return self.leaf(type) }
        if type == "float" { return self.float(depth) }
        let (x, y) = (self.scalar(type, depth - 1), self.scalar(type, depth - 1))
        let unsigned = type.hasPrefix("u") ? type : "u" + type
        switch self.generator.below(22) {
        case 0...4: return "(\(type))(\(x) \(self.pick(["+", "-", "*", "&", "|", "^"])) \(y))"
        case 5: return "(\(type))(\(x) \(self.pick(["/", "%"])) \(y))"
        case 6: return "(\(type))(\(x) \(self.pick(["<<", ">>"])) \(y))"
        case 7: return "(\(type))\(self.pick(["-", "~", "!"]))\(x)"
        case 8: return "(\(type))(\(self.condition()))"
        case 9: return "(\(self.condition()) ? \(x) : \(y))"
        case 10:
            let from = self.pick(Self.types)
            return "(\(type))(\(self.scalar(from, depth - 1)))"
        case 11:
            let from = self.pick(Self.types)
            let mode =
                from == "float"
                ? self.pick(["", "_sat", "_sat_rte", "_sat_rtp", "_sat_rtn"]) : "_sat"
            return "convert_\(type)\(mode)(\(self.scalar(from, depth - 1)))"
        case 12: return "\(self.pick(["min", "max"]))(\(x), \(y))"
        case 13: return "clamp(\(x), \(y), \(self.scalar(type, depth - 1)))"
        case 14: return "(\(type))abs(\(x))"
        case 15: return "(\(type))abs_diff(\(x), \(y))"
        case 16: return "mul_hi(\(x), \(y))"
        case 17: return "\(self.pick(["popcount", "clz"]))(\(x))"
        case 18: return "rotate(\(x), \(y))"
        case 19: return "\(self.pick(["add_sat", "sub_sat", "hadd", "rhadd"]))(\(x), \(y))"
        case 20: return "as_\(type)(\(self.leaf(unsigned)))"
        default: return "select(\(x), \(y), \(self.scalar(unsigned, depth - 1)))"
        }
    }

    private mutating func leaf(_ type: String) -> String {
        if type == "float" {
            return self.pick([
                "v_float", "1.5f", "as_float(a[g & 3])", "(-0.0f)", "(float)s", "w_float4.y",
            ])
        }
        switch self.generator.below(6) {
        case 0: return "(\(type))\(self.generator.u64() >> self.generator.below(64))ul"
        case 1: return "(\(type))a[\(self.pick(["g", "g + 60", "v_int", "s", "(int)group"]))]"
        case 2: return "(\(type))p[v_int & 7]"
        case 3: return "(\(type))\(self.pick(["s", "t", "g", "group", "w_int4.z", "w_char4.x"]))"
        default: return "v_\(type)"
        }
    }

    private mutating func float(_ depth: Int) -> String {
        let (x, y) = (self.scalar("float", depth - 1), self.scalar("float", depth - 1))
        switch self.generator.below(9) {
        case 0, 1, 2: return "(\(x) \(self.pick(["+", "-", "*", "/"])) \(y))"
        case 3: return "\(self.pick(["fabs", "floor", "ceil", "trunc", "rint", "sqrt"]))(\(x))"
        case 4: return "\(self.pick(["fmin", "fmax", "min", "max"]))(\(x), \(y))"
        case 5: return "fma(\(x), \(y), \(self.scalar("float", depth - 1)))"
        case 6: return "(float)(\(self.scalar(self.pick(Self.types), depth - 1)))"
        case 7: return "(\(self.condition()) ? \(x) : -(\(y)))"
        default: return "as_float(\(self.scalar("uint", depth - 1)))"
        }
    }

    private mutating func vector(_ type: String, _ depth: Int) -> String {
        let base = type.filter(\.isLetter)
        let width = type.hasSuffix("4") ? 4 : 2
        guard depth > 0 else { return "w_\(type)" }
        let (x, y) = (self.vector(type, depth - 1), self.vector(type, depth - 1))
        switch self.generator.below(6) {
        case 0:
            let parts = (0..<width).map { _ in self.scalar(base, 1) }.joined(separator: ", ")
            return "(\(type))(\(parts))"
        case 1: return "\(x).\(width == 4 ? self.pick(["wzyx", "xxyy", "zwzw"]) : "yx")"
        case 2 where base != "float":
            return "(\(x) \(self.pick(["&", "|", "^", "/", "%", "<<", ">>"])) \(y))"
        case 3 where type == "int4": return "(w_float4 < (float4)(\(self.scalar("float", 1))))"
        case 4 where type == "int4" || type == "char4":
            return "select(\(x), \(y), (\(y) \(self.pick(["<", "==", ">="])) \(x)))"
        case 5: return "\(self.pick(["min", "max"]))(\(x), \(y))"
        default: return "(\(x) \(self.pick(["+", "-", "*"])) \(y))"
        }
    }
}
