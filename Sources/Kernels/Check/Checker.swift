internal import Primitives

/// Turns syntax into a ``Tree``: names and types resolved, conversions explicit, helpers inlined,
/// effects lifted out of expressions.
///
/// - Bounds: ``Limits``; recursion is at most ``depthMax`` levels of statements, calls and
///   expressions.
struct Checker {
    /// Levels of statements, calls and expressions together.
    static let depthMax = 320

    let unit: UnitSyntax
    let manifest: Manifest
    var variables: [Variable] = []
    var buffers: [BufferObject] = []
    var scalars: [ScalarParameter] = []
    var locals: [ArrayObject] = []
    var privates: [ArrayObject] = []
    var constants: [ConstantTable] = []
    /// Innermost last.
    var scopes: [[(name: String, symbol: Symbol)]] = [[]]
    /// The statements being made.
    var current: Block = []
    var calls: [Call] = []
    /// What `break` and `continue` mean here.
    var loops: [LoopKind] = []
    var depth = 0
    var nodeCount = 0
    /// Statements, calls and expressions looked at.
    var visits = 0
    var usesFloat = false
    var barriers: [Position] = []
    var stores: [Position] = []
    var temporaries = 0

    struct Call {
        let name: String
        let result: Int?
        let type: ValueType?
    }

    enum LoopKind { case loop, choice }

    // Errors ---------------------------------------------------------------------------------

    func refused(
        _ code: String, _ position: Position, _ message: String, fix: String
    ) -> KernelError {
        KernelError(
            code: code, line: position.line, column: position.column, message: message, fix: fix)
    }

    mutating func enter(_ position: Position) throws(KernelError) {
        self.depth += 1
        // Work counts even where it makes no node.
        self.visits += 1
        guard self.visits <= 4 * Limits.treeNodes else {
            throw self.refused(
                "kernel.limit.tree", position, "the kernel is too large once helpers are inlined",
                fix: "call fewer helpers, use loops")
        }
        guard self.depth <= Self.depthMax else {
            throw self.refused(
                "kernel.limit.nesting", position, "calls and blocks nested too deeply",
                fix: "call fewer helpers inside helpers")
        }
    }

    // Names ----------------------------------------------------------------------------------

    func lookup(_ name: String) -> Symbol? {
        for scope in self.scopes.reversed() {
            if let found = scope.last(where: { $0.name == name }) { return found.symbol }
        }
        return nil
    }

    mutating func bind(_ name: String, _ symbol: Symbol, _ position: Position) throws(KernelError) {
        let innermost = self.scopes.count - 1
        guard !self.scopes[innermost].contains(where: { $0.name == name }) else {
            throw self.refused(
                "kernel.name.twice", position, "\(name) is declared twice in one block",
                fix: "use another name")
        }
        self.scopes[innermost].append((name, symbol))
    }

    mutating func variable(
        _ name: String, _ type: ValueType, _ position: Position
    ) throws(KernelError) -> Int {
        guard self.variables.count < Limits.variables else {
            throw self.refused(
                "kernel.limit.variables", position, "more than \(Limits.variables) variables",
                fix: "inline fewer helpers, use arrays")
        }
        if type.base.isFloat { self.usesFloat = true }
        self.variables.append(Variable(name: name, type: type))
        return self.variables.count - 1
    }

    // Nodes ----------------------------------------------------------------------------------

    /// A node with its depth and cost.
    mutating func make(
        _ type: ValueType, _ node: Expression.Node, _ position: Position
    ) throws(KernelError) -> Expression {
        if type.base.isFloat { self.usesFloat = true }
        self.nodeCount += 1
        let expression = Expression(type, node)
        guard self.nodeCount <= Limits.treeNodes, expression.depth <= Limits.expressionDepth else {
            throw self.refused(
                "kernel.limit.tree", position,
                "the checked kernel is over \(Limits.treeNodes) nodes or an expression over "
                    + "\(Limits.expressionDepth) levels",
                fix: "call fewer helpers, use loops and variables")
        }
        return expression
    }

    mutating func append(_ statement: Statement) {
        self.nodeCount += 1
        self.current.append(statement)
    }

    /// Runs `body` with its statements gathered apart.
    mutating func gathered<T>(
        _ body: (inout Checker) throws(KernelError) -> T
    ) throws(KernelError) -> (T, Block) {
        let outer = self.current
        self.current = []
        let value = try body(&self)
        let inner = self.current
        self.current = outer
        return (value, inner)
    }

    /// The value in a variable, so that it can be used twice.
    mutating func spilled(
        _ value: Expression, _ position: Position
    ) throws(KernelError) -> Expression {
        switch value.node {
        case .constant, .scalar: return value
        default:
            self.temporaries += 1
            let variable = try self.variable("t\(self.temporaries)", value.type, position)
            self.append(.assign(variable: variable, value))
            return try self.make(value.type, .variable(variable), position)
        }
    }

    func long(_ value: Int) -> Expression {
        Expression(.long, .constant(UInt64(bitPattern: Int64(value))))
    }

    // The kernel -----------------------------------------------------------------------------

    /// The unchecked tree of the manifest's entry.
    static func tree(
        _ unit: UnitSyntax, manifest: Manifest
    ) throws(KernelError) -> (Tree, barriers: [Position], stores: [Position]) {
        var checker = Checker(unit: unit, manifest: manifest)
        let kernels = unit.functions.filter { $0.isKernel && $0.name == manifest.entry }
        guard kernels.count == 1, let entry = kernels.first else {
            throw KernelError(
                code: "kernel.entry.missing",
                message: "the source has \(kernels.count) kernels named \(manifest.entry)",
                fix: "set entry to the name of a __kernel function")
        }
        try checker.tables()
        try checker.parameters(entry)
        checker.scopes.append([])
        for statement in entry.body { try checker.check(statement) }
        while case .leave? = checker.current.last { checker.current.removeLast() }
        let tree = Tree(
            localSize: manifest.localSize.array, buffers: checker.buffers, scalars: checker.scalars,
            locals: checker.locals, privates: checker.privates, constants: checker.constants,
            variables: checker.variables, body: checker.current, usesFloat: checker.usesFloat,
            nodeCount: checker.nodeCount)
        try checker.checkMemory(entry.position)
        return (tree, checker.barriers, checker.stores)
    }

    private init(unit: UnitSyntax, manifest: Manifest) {
        self.unit = unit
        self.manifest = manifest
    }

    private func checkMemory(_ position: Position) throws(KernelError) {
        let local = self.locals.reduce(0) { $0 + $1.bytes }
        guard local <= Limits.localBytes else {
            throw self.refused(
                "kernel.limit.local", position, "\(local) bytes of local memory",
                fix: "at most \(Limits.localBytes): use a smaller tile")
        }
        let privately =
            self.privates.reduce(0) { $0 + $1.bytes }
            + self.variables.reduce(0) { $0 + $1.type.width * $1.type.base.bytes }
        guard privately <= Limits.privateBytes else {
            throw self.refused(
                "kernel.limit.private", position, "\(privately) bytes of private memory",
                fix: "at most \(Limits.privateBytes): use smaller arrays")
        }
        let table = self.constants.reduce(0) { $0 + $1.values.count }
        guard table <= Limits.constantElements else {
            throw self.refused(
                "kernel.limit.constant", position, "\(table) elements of constant tables",
                fix: "at most \(Limits.constantElements): pass a buffer")
        }
    }

    private mutating func parameters(_ entry: FunctionSyntax) throws(KernelError) {
        guard entry.result.value == nil else {
            throw self.refused(
                "kernel.entry.result", entry.position, "a kernel returns void",
                fix: "write through a buffer")
        }
        if let size = entry.requiredSize, size != self.manifest.localSize.array {
            throw self.refused(
                "manifest.local.size", entry.position,
                "reqd_work_group_size is \(size), the manifest says "
                    + "\(self.manifest.localSize.array)",
                fix: "make them equal")
        }
        for parameter in entry.parameters {
            guard let type = parameter.type.value else { continue }
            try self.checkAccepted(type, parameter.position)
            if !parameter.type.isPointer {
                try self.scalarParameter(parameter, type)
            } else if parameter.type.space == .local {
                try self.localParameter(parameter, type)
            } else {
                try self.bufferParameter(parameter, type)
            }
        }
        let names = self.manifest.localArguments.map(\.name)
        guard self.buffers.map(\.name) == self.manifest.buffers.map(\.name),
            self.locals.map(\.name) == names
        else {
            throw self.refused(
                "manifest.parameters", entry.position,
                "the manifest's buffers or local arguments are not the kernel's pointer parameters",
                fix: "list buffers \(self.buffers.map(\.name)) in this order")
        }
    }

    private mutating func scalarParameter(
        _ parameter: ParameterSyntax, _ type: ValueType
    ) throws(KernelError) {
        guard type.isScalar, type.base != .bool else {
            throw self.refused(
                "kernel.unsupported.scalar", parameter.position,
                "a \(type.name) parameter of the kernel", fix: "use scalars other than bool")
        }
        guard self.scalars.count < Limits.scalars else {
            throw self.refused(
                "kernel.limit.scalars", parameter.position, "more than \(Limits.scalars) scalars",
                fix: "put them in a buffer")
        }
        self.scalars.append(ScalarParameter(name: parameter.name, type: type.base))
        let value = try self.make(type, .scalar(self.scalars.count - 1), parameter.position)
        guard self.unit.assigned[parameter.name] != nil else {
            try self.bind(parameter.name, .value(value), parameter.position)
            return
        }
        let copy = try self.variable(parameter.name, type, parameter.position)
        self.append(.assign(variable: copy, value))
        try self.bind(parameter.name, .variable(copy), parameter.position)
    }

    private mutating func localParameter(
        _ parameter: ParameterSyntax, _ type: ValueType
    ) throws(KernelError) {
        guard
            let argument = self.manifest.localArguments.first(where: { $0.name == parameter.name }),
            argument.count >= 1, argument.count <= Limits.localBytes
        else {
            throw self.refused(
                "manifest.local.argument", parameter.position,
                "the manifest does not say how long \(parameter.name) is",
                fix: "add it to local_arguments with its count")
        }
        let count = Int(argument.count) * type.width
        self.locals.append(ArrayObject(name: parameter.name, element: type.base, count: count))
        let object = ObjectID.local(self.locals.count - 1)
        try self.bindPointer(parameter, object, type)
    }

    private mutating func bufferParameter(
        _ parameter: ParameterSyntax, _ type: ValueType
    ) throws(KernelError) {
        guard parameter.type.space == .global || parameter.type.space == .constant else {
            throw self.refused(
                "kernel.pointer.space", parameter.position,
                "\(parameter.name) has no address space",
                fix: "write __global, __local or __constant")
        }
        guard type.width != 3, type.base != .bool else {
            throw self.refused(
                "kernel.unsupported.element", parameter.position,
                "buffers of \(type.name) would have padding or no defined layout",
                fix: "use the scalar type and vload3 / vstore3, or uchar")
        }
        guard self.buffers.count < Limits.buffers else {
            throw self.refused(
                "kernel.limit.buffers", parameter.position, "more than \(Limits.buffers) buffers",
                fix: "join buffers")
        }
        guard let layout = self.manifest.buffers.first(where: { $0.name == parameter.name }) else {
            throw self.refused(
                "manifest.buffer.missing", parameter.position,
                "the manifest does not mention \(parameter.name)", fix: "add it to buffers")
        }
        guard layout.element == type.base else {
            throw self.refused(
                "manifest.buffer.element", parameter.position,
                "\(parameter.name) is of \(type.base.name), the manifest says "
                    + "\(layout.element.name)",
                fix: "set element to \(type.base.name)")
        }
        self.buffers.append(
            BufferObject(name: parameter.name, element: type.base, role: layout.role))
        try self.bindPointer(parameter, .buffer(self.buffers.count - 1), type)
    }

    private mutating func bindPointer(
        _ parameter: ParameterSyntax, _ object: ObjectID, _ type: ValueType
    ) throws(KernelError) {
        var readOnly = parameter.type.isConst || parameter.type.space == .constant
        if case .buffer(let number) = object, !self.buffers[number].role.isWritten {
            readOnly = true
        }
        let pointer = Pointer(
            target: .object(object), element: type, index: self.long(0), isConst: readOnly)
        try self.bindPointer(parameter.name, pointer, parameter.position)
    }

    /// Binds a name to a pointer; its offset lives in a variable when the name is assigned
    /// somewhere.
    mutating func bindPointer(
        _ name: String, _ pointer: Pointer, _ position: Position
    ) throws(KernelError) {
        let moves = self.unit.assigned[name] != nil
        if !moves, case .constant = pointer.index.node {
            try self.bind(name, .pointer(pointer), position)
            return
        }
        let offset = try self.variable(name, .long, position)
        self.append(.assign(variable: offset, pointer.index))
        try self.bind(name, .movingPointer(pointer, offset: offset), position)
    }

    /// Types that have a code but no semantics yet.
    func checkAccepted(_ type: ValueType, _ position: Position) throws(KernelError) {
        guard type.base != .double && type.base != .half else {
            throw self.refused(
                "kernel.unsupported.\(type.base.name)", position,
                "\(type.base.name) is not accepted yet", fix: "use float or integers")
        }
    }

    private mutating func tables() throws(KernelError) {
        for table in self.unit.tables {
            let item = table.declarator
            guard let type = table.type.value, type.isScalar, type.base != .bool, !item.isPointer
            else {
                throw self.refused(
                    "kernel.unsupported.table", item.position, "a table of this type",
                    fix: "use a table of scalars")
            }
            try self.checkAccepted(type, item.position)
            var values: [UInt64] = []
            if let initialiser = item.initialiser {
                try self.flatten(initialiser, type, into: &values)
            }
            var extents: [Int] = []
            for (number, extent) in item.extents.enumerated() {
                if let extent {
                    extents.append(try self.extent(extent))
                } else if number == 0 && item.extents.count == 1 {
                    extents.append(max(values.count, 1))
                } else {
                    throw self.refused(
                        "kernel.array.extent", item.position, "an extent is missing",
                        fix: "write all extents but the first")
                }
            }
            let count = extents.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
            guard count >= values.count, count <= Limits.constantElements else {
                throw self.refused(
                    "kernel.array.extent", item.position, "\(values.count) values do not fit",
                    fix: "give as many values as the table has, at most \(Limits.constantElements)")
            }
            values += [UInt64](repeating: 0, count: count - values.count)
            let before = self.constants.reduce(0) { $0 + $1.values.count }
            guard before + count <= Limits.constantElements else {
                throw self.refused(
                    "kernel.limit.constant", item.position, "too many constant elements",
                    fix: "at most \(Limits.constantElements): pass a buffer")
            }
            if extents.isEmpty {
                let value = try self.make(type, .constant(values[0]), item.position)
                try self.bind(item.name, .value(value), item.position)
                continue
            }
            self.constants.append(
                ConstantTable(name: item.name, element: type.base, values: values))
            try self.bind(
                item.name,
                .array(
                    .constant(self.constants.count - 1), element: type, extents: extents,
                    isConst: true), item.position)
        }
    }

    private mutating func flatten(
        _ syntax: Syntax, _ type: ValueType, into values: inout [UInt64]
    ) throws(KernelError) {
        if case .list(let items) = syntax.node {
            for item in items { try self.flatten(item, type, into: &values) }
            return
        }
        let value = try self.converted(try self.value(syntax), to: type, syntax.position)
        guard case .constant(let bits) = value.node, self.current.isEmpty else {
            throw self.refused(
                "kernel.table.constant", syntax.position, "the value of a table is not a constant",
                fix: "use literals and constant expressions")
        }
        guard values.count < Limits.constantElements else {
            throw self.refused(
                "kernel.limit.constant", syntax.position, "too many constant elements",
                fix: "at most \(Limits.constantElements): pass a buffer")
        }
        values.append(bits)
    }

    /// A constant array extent.
    mutating func extent(_ syntax: Syntax) throws(KernelError) -> Int {
        let value = try self.converted(try self.value(syntax), to: .long, syntax.position)
        guard case .constant(let bits) = value.node, bits >= 1, bits <= UInt64(Limits.localBytes)
        else {
            throw self.refused(
                "kernel.array.extent", syntax.position,
                "an extent is not a constant in 1...\(Limits.localBytes)",
                fix: "use a literal or a definition")
        }
        return Int(truncatingIfNeeded: bits)
    }
}
