extension ValueType {
    /// `int`, `uchar4`, `size_t`, …; nil for other names. Types that are refused later have values
    /// too.
    init?(name: String) {
        switch name {
        case "size_t": self.init(.ulong)
        case "ptrdiff_t": self.init(.long)
        default:
            var text = Substring(name)
            var width = 1
            for digits in [("16", 16), ("2", 2), ("3", 3), ("4", 4), ("8", 8)]
            where text.hasSuffix(digits.0) {
                text = text.dropLast(digits.0.count)
                width = digits.1
                break
            }
            guard let base = ScalarType.allCases.first(where: { $0.name == text }),
                base != .bool || width == 1
            else { return nil }
            self.init(base, width: width)
        }
    }
}

extension Parser {
    /// Whether a type begins here.
    var startsType: Bool {
        guard self.token.kind == .identifier else { return false }
        let text = self.token.text
        let words = [
            "const", "unsigned", "signed", "void", "__private", "private", "__local", "local",
            "__global", "global", "__constant", "constant", "volatile", "static", "register",
            "struct",
            "union", "enum", "extern", "inline", "__kernel", "kernel",
        ]
        return words.contains(text) || ValueType(name: text) != nil || self.aliases[text] != nil
            || Self.refusedTypes.contains(text)
    }

    static let refusedTypes = [
        "image1d_t", "image2d_t", "image3d_t", "image2d_array_t", "image1d_array_t",
        "image1d_buffer_t", "sampler_t", "event_t", "intptr_t", "uintptr_t", "queue_t", "pipe",
    ]

    /// Qualifiers and a type name, in any order.
    mutating func specifiers() throws(KernelError) -> (
        type: TypeSyntax, isKernel: Bool, required: [UInt32]?
    ) {
        var type = TypeSyntax()
        var isKernel = false
        var required: [UInt32]?
        var words: [String] = []
        var found = false
        let start = self.token
        scan: while true {
            switch self.token.text {
            case "const": type.isConst = true
            case "restrict", "__restrict", "inline", "__inline", "register", "static": break
            case "__kernel", "kernel": isKernel = true
            case "__global", "global": type.space = .global
            case "__local", "local": type.space = .local
            case "__constant", "constant": type.space = .constant
            case "__private", "private": type.space = .privately
            case "__attribute__":
                required = try self.attributes() ?? required
                continue scan
            case "unsigned", "signed": words.append(self.token.text)
            case "void": found = true
            default:
                guard !found, try self.typeName(&type, &words) else { break scan }
                found = type.value != nil
            }
            self.advance()
        }
        if !words.isEmpty {
            let unsigned = words.contains("unsigned")
            let base =
                words.contains("char")
                ? ScalarType.char
                : words.contains("short") ? .short : words.contains("long") ? .long : .int
            type.value = ValueType(unsigned ? Self.unsigned(base) : base)
            found = true
        }
        guard found else {
            let names = "bool, char, uchar, short, ushort, int, uint, long, ulong, float"
            throw start.refused(
                "kernel.syntax.type", "expected a type, found \"\(start.text.prefix(40))\"",
                fix: "use \(names), or vectors of them")
        }
        return (type, isKernel, required)
    }

    /// Takes a type's name into `type`, or into `words` after `unsigned`; false for other tokens.
    private mutating func typeName(
        _ type: inout TypeSyntax, _ words: inout [String]
    ) throws(KernelError) -> Bool {
        let token = self.token
        let refused = [
            "volatile", "extern", "struct", "union", "enum", "_Atomic", "__read_only",
            "__write_only", "read_only", "write_only",
        ]
        if refused.contains(token.text) {
            throw token.refused(
                "kernel.unsupported.\(token.text.drop { $0 == "_" })",
                "\(token.text) is not part of the language",
                fix: token.text == "struct" || token.text == "union"
                    ? "use separate variables and buffers" : "remove it")
        }
        if Self.refusedTypes.contains(token.text) {
            throw token.refused(
                "kernel.unsupported.type", "the type \(token.text)",
                fix: "use a buffer: __global const uchar *")
        }
        guard let value = ValueType(name: token.text) ?? self.aliases[token.text],
            words.isEmpty || value.isScalar
        else { return false }
        if !words.isEmpty && ["char", "short", "int", "long"].contains(token.text) {
            words.append(token.text)
            return true
        }
        type.value = value
        // short int, long int
        if ["long", "short"].contains(token.text), self.ahead(1).text == "int" { self.advance() }
        return true
    }

    static func unsigned(_ base: ScalarType) -> ScalarType {
        switch base {
        case .char: .uchar
        case .short: .ushort
        case .int: .uint
        case .long: .ulong
        default: base
        }
    }

    /// The rest of a declarator after its name: extents and initialiser.
    mutating func declarator(
        name: String, position: Position, isPointer: Bool
    ) throws(KernelError) -> DeclaratorSyntax {
        var extents: [Syntax?] = []
        while self.take("[") {
            if self.take("]") {
                extents.append(nil)
                continue
            }
            extents.append(try self.ternary())
            try self.expect("]", "after the extent")
            guard extents.count <= 4 else {
                throw self.token.refused(
                    "kernel.limit.extents", "an array of more than 4 extents", fix: "flatten it")
            }
        }
        var initialiser: Syntax?
        if self.take("=") { initialiser = try self.initialiser() }
        return DeclaratorSyntax(
            name: name, isPointer: isPointer, extents: extents, initialiser: initialiser,
            position: position)
    }

    private mutating func initialiser() throws(KernelError) -> Syntax {
        let position = self.token.position
        guard self.take("{") else { return try self.assignment() }
        try self.enter()
        defer { self.leave() }
        var items: [Syntax] = []
        var height = 0
        while !self.take("}") {
            if !items.isEmpty {
                try self.expect(",", "between the values")
                if self.take("}") { break }
            }
            let item = try self.initialiser()
            height = max(height, item.height)
            items.append(item)
        }
        return Syntax(node: .list(items), position: position, height: height + 1)
    }
}
