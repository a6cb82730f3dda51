/// Writes a tree as OpenCL C 1.2: deterministic, readable, and made of nothing but the tree.
///
/// Names are numbered (`v3`, `b0`, `s1`, `a2`), so no text of the author reaches a compiler. Where
/// C leaves something undefined the text says what the tree means: signed arithmetic goes through
/// unsigned types, divisions through functions that define zero and overflow, reads outside an
/// object give 0, stores outside are skipped, floats convert saturating, NaNs are stored as one
/// pattern, and local memory is zeroed before the first statement. Loops without a proved bound
/// count fuel.
///
/// - Source: ``KernelABI`` for the arguments.
struct Emitter {
    let tree: Tree
    let manifest: Manifest
    var lines: [String] = []
    var indent = 1
    /// Helper functions in order of first use: name and text.
    var helpers: [(name: String, text: String)] = []
    var loopCount = 0
    var scopeCount = 0
    /// Innermost last: the flag of the scope, and how many loops are open inside it.
    var scopes: [(flag: String, loops: Int)] = []

    static func text(of tree: Tree, manifest: Manifest) -> String {
        var emitter = Emitter(tree: tree, manifest: manifest)
        emitter.kernelBody()
        var text = "#pragma OPENCL FP_CONTRACT OFF\n\n"
        for (number, table) in tree.constants.enumerated() {
            let values = table.values.map { Self.literal($0, table.element) }.joined(
                separator: ", ")
            text += "__constant \(Self.name(table.element)) c\(number)[\(table.values.count)] = "
            text += "{\(values)};\n"
        }
        for helper in emitter.helpers { text += helper.text + "\n" }
        text += emitter.signature() + "\n{\n"
        return text + emitter.lines.joined(separator: "\n") + "\n}\n"
    }

    private init(tree: Tree, manifest: Manifest) {
        self.tree = tree
        self.manifest = manifest
    }

    // Text -----------------------------------------------------------------------------------

    mutating func line(_ text: String) {
        self.lines.append(String(repeating: "    ", count: min(self.indent, 20)) + text)
    }

    mutating func indented(_ body: (inout Emitter) -> Void) {
        self.indent += 1
        body(&self)
        self.indent -= 1
    }

    /// The name of a helper function, whose text is made when it is first used.
    mutating func helper(_ name: String, _ text: () -> String) -> String {
        if !self.helpers.contains(where: { $0.name == name }) {
            self.helpers.append((name, text()))
        }
        return name
    }

    /// Types as C knows them: a bool is a uchar of 0 or 1.
    static func name(_ base: ScalarType) -> String { base == .bool ? "uchar" : base.name }

    static func name(_ type: ValueType) -> String {
        type.width == 1 ? Self.name(type.base) : "\(Self.name(type.base))\(type.width)"
    }

    static func literal(_ bits: UInt64, _ type: ScalarType) -> String {
        switch type {
        case .bool, .uchar, .ushort: return "(\(Self.name(type)))\(bits)"
        case .char, .short: return "(\(Self.name(type)))(\(Folding.extended(bits, type)))"
        case .int:
            let value = Folding.extended(bits, type)
            if value == Int64(Int32.min) { return "(-2147483647 - 1)" }
            return value < 0 ? "(\(value))" : "\(value)"
        case .uint: return "\(bits)u"
        case .long:
            let value = Int64(bitPattern: bits)
            if value == .min { return "(-9223372036854775807L - 1L)" }
            return value < 0 ? "(\(value)L)" : "\(value)L"
        case .ulong: return "\(bits)UL"
        case .float: return "as_float(0x\(String(bits, radix: 16))u)"
        case .double, .half: return "0"
        }
    }

    // Kernel ---------------------------------------------------------------------------------

    private func signature() -> String {
        var parameters: [String] = []
        for (number, buffer) in self.tree.buffers.enumerated() {
            let const = buffer.role.isWritten ? "" : "const "
            let type = Self.name(buffer.element)
            parameters.append("__global \(const)\(type) *restrict b\(number), ulong n\(number)")
        }
        for (number, scalar) in self.tree.scalars.enumerated() {
            parameters.append("\(Self.name(scalar.type)) s\(number)")
        }
        parameters.append("uint base0, uint base1, uint base2")
        parameters.append("uint groups0, uint groups1, uint groups2")
        let size = self.tree.localSize.map { "\($0)" }.joined(separator: ", ")
        return "__kernel __attribute__((reqd_work_group_size(\(size))))\nvoid "
            + "\(KernelABI.entry)(\n    " + parameters.joined(separator: ",\n    ") + ")"
    }

    private mutating func kernelBody() {
        for axis in 0..<3 {
            self.line("const ulong g\(axis) = (ulong)base\(axis) + (ulong)get_group_id(\(axis));")
            self.line(
                self.tree.localSize[axis] == 1
                    ? "const ulong l\(axis) = 0UL;"
                    : "const ulong l\(axis) = (ulong)get_local_id(\(axis));")
        }
        for (number, buffer) in self.tree.buffers.enumerated() where buffer.role.isWritten {
            self.ranges(number)
        }
        for (number, array) in self.tree.locals.enumerated() {
            self.line("__local \(Self.name(array.element)) m\(number)[\(array.count)];")
        }
        for (number, array) in self.tree.privates.enumerated() {
            self.line("\(Self.name(array.element)) a\(number)[\(array.count)];")
            self.clear(number)
        }
        for (number, variable) in self.tree.variables.enumerated() {
            let zero =
                variable.type.isScalar
                ? Self.literal(0, variable.type.base)
                : "(\(Self.name(variable.type)))(\(Self.literal(0, variable.type.base)))"
            self.line("\(Self.name(variable.type)) v\(number) = \(zero);")
        }
        self.clearLocals()
        self.block(self.tree.body)
    }

    private mutating func clearLocals() {
        guard !self.tree.locals.isEmpty else { return }
        let size = self.tree.localSize
        self.line("const uint lane = ((uint)l2 * \(size[1])u + (uint)l1) * \(size[0])u + (uint)l0;")
        for (number, array) in self.tree.locals.enumerated() {
            self.line(
                "for (uint i = lane; i < \(array.count)u; i += \(self.tree.lanes)u) "
                    + "m\(number)[i] = \(Self.literal(0, array.element));")
        }
        self.line("barrier(CLK_LOCAL_MEM_FENCE);")
    }

    mutating func clear(_ array: Int) {
        let object = self.tree.privates[array]
        self.line(
            "for (int i = 0; i < \(object.count); i++) a\(array)[i] = "
                + "\(Self.literal(0, object.element));")
    }

    /// Variables for the group's range on each axis of a written buffer, as ``Geometry/Box``
    /// computes them.
    private mutating func ranges(_ buffer: Int) {
        let layout = self.manifest.buffers[buffer]
        self.line("const long o\(buffer) = \(self.formula(layout.origin.node));")
        for (axis, item) in layout.axes.enumerated() {
            let name = "\(buffer)_\(axis)"
            self.line("const long limit\(name) = \(self.formula(item.limit.node));")
            self.line("const long stride\(name) = \(self.formula(item.stride.node));")
            guard let source = item.source else {
                self.line("const long low\(name) = 0L;")
                self.line("const long high\(name) = limit\(name);")
                continue
            }
            var digit = "(long)g\(source.axis)"
            if source.divisor != .constant(1) {
                let divide = self.divide(.long, remainder: false)
                digit = "\(divide)(\(digit), \(self.formula(source.divisor.node)))"
            }
            if source.modulus != .constant(0) {
                let modulo = self.helper("sl_digit") {
                    "long sl_digit(long g, long m) { return m > 0L ? g % m : g; }"
                }
                digit = "\(modulo)(\(digit), \(self.formula(source.modulus.node)))"
            }
            let block = self.formula(item.block.node)
            self.line("const long low\(name) = min(\(digit) * \(block), limit\(name));")
            self.line("const long high\(name) = min(low\(name) + \(block), limit\(name));")
        }
    }

    /// A manifest expression; a launch whose expressions are undefined was refused before.
    private mutating func formula(_ node: ScalarExpression.Node) -> String {
        switch node {
        case .constant(let value): return Self.literal(UInt64(bitPattern: value), .long)
        case .scalar(let name):
            guard let index = self.tree.scalars.firstIndex(where: { $0.name == name }) else {
                return "0L"
            }
            return "(long)s\(index)"
        case .groups(let axis): return "(long)groups\(axis)"
        case .local(let axis): return "\(self.tree.localSize[axis])L"
        case .binary(let operation, let left, let right):
            let (a, b) = (self.formula(left), self.formula(right))
            switch operation {
            case .add: return "(\(a) + \(b))"
            case .subtract: return "(\(a) - \(b))"
            case .multiply: return "(\(a) * \(b))"
            case .divide: return "\(self.divide(.long, remainder: false))(\(a), \(b))"
            case .remainder: return "\(self.divide(.long, remainder: true))(\(a), \(b))"
            case .min: return "min(\(a), \(b))"
            case .max: return "max(\(a), \(b))"
            }
        }
    }
}
