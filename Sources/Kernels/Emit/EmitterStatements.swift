extension Emitter {
    mutating func block(_ block: Block) {
        for statement in block { self.statement(statement) }
    }

    private mutating func statement(_ statement: Statement) {
        switch statement {
        case .assign(let variable, let value):
            if case .insert(let whole, let positions, let part) = value.node,
                case .variable(variable) = whole.node
            {
                self.line("v\(variable).\(Self.swizzle(positions)) = \(self.expression(part));")
            } else {
                self.line("v\(variable) = \(self.expression(value));")
            }
        case .store(let store): self.store(store)
        case .clear(let array): self.clear(array)
        case .branch(let branch): self.branch(branch)
        case .loop(let loop): self.loop(loop)
        case .scope(let body): self.scope(body)
        case .leave:
            guard let scope = self.scopes.last else {
                self.line("return;")
                return
            }
            if scope.loops > 0 { self.line("\(scope.flag) = 1;") }
            self.line("break;")
        case .breakLoop: self.line("break;")
        case .continueLoop: self.line("continue;")
        case .barrier:
            self.line("barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);")
        }
    }

    /// A test for `if`: comparisons as they are, everything else against zero.
    mutating func test(_ condition: Expression) -> String {
        switch condition.node {
        case .compare, .not, .and, .or: self.expression(condition)
        default: "(\(self.expression(condition)) != 0)"
        }
    }

    private mutating func branch(_ branch: Branch) {
        self.line("if \(self.test(branch.condition)) {")
        self.indented { $0.block(branch.then) }
        if !branch.otherwise.isEmpty {
            self.line("} else {")
            self.indented { $0.block(branch.otherwise) }
        }
        self.line("}")
    }

    private mutating func scope(_ body: Block) {
        self.scopeCount += 1
        let flag = "left\(self.scopeCount)"
        self.line("int \(flag) = 0;")
        self.line("do {")
        self.scopes.append((flag, 0))
        self.indented { $0.block(body) }
        self.scopes.removeLast()
        self.line("} while (0);")
    }

    private mutating func loop(_ loop: Loop) {
        self.loopCount += 1
        let counter = "i\(self.loopCount)"
        let counts = loop.bound == .fuel
        let continues = loop.body.contains { $0.continuesLoop }
        // The step can be in the head when it is a list of assignments; at the end of the body when
        // nothing jumps there; else it opens the next round.
        let plain = loop.step.allSatisfy { if case .assign = $0 { true } else { false } }
        let opens = continues && !plain
        let needsCounter = counts || !loop.testsFirst || opens
        let direct = loop.testsFirst && loop.header.isEmpty && loop.condition != nil && !opens
        var steps: [String] = []
        if plain && continues {
            for case .assign(let variable, let value) in loop.step {
                steps.append("v\(variable) = \(self.expression(value))")
            }
        }
        if needsCounter { steps.append("\(counter)++") }
        let start = needsCounter ? "ulong \(counter) = 0UL" : ""
        let head = direct ? loop.condition.map { self.test($0) } ?? "" : ""
        self.line("for (\(start); \(head); \(steps.joined(separator: ", "))) {")
        if !self.scopes.isEmpty { self.scopes[self.scopes.count - 1].loops += 1 }
        self.indented { emitter in
            if opens {
                emitter.line("if (\(counter) != 0UL) {")
                emitter.indented { $0.block(loop.step) }
                emitter.line("}")
            }
            if !direct { emitter.exit(loop, counter) }
            if counts { emitter.line("if (\(counter) == \(emitter.manifest.fuel)UL) break;") }
            emitter.block(loop.body)
            if !opens && !(plain && continues) { emitter.block(loop.step) }
        }
        self.line("}")
        guard let scope = self.scopes.last else { return }
        self.scopes[self.scopes.count - 1].loops -= 1
        if loop.body.contains(where: \.leavesScope) || loop.header.contains(where: \.leavesScope) {
            self.line("if (\(scope.flag)) break;")
        }
    }

    /// Header and condition at the top of a round.
    private mutating func exit(_ loop: Loop, _ counter: String) {
        guard let condition = loop.condition else {
            self.block(loop.header)
            return
        }
        if loop.testsFirst {
            self.block(loop.header)
            self.line("if (!\(self.test(condition))) break;")
            return
        }
        self.line("if (\(counter) != 0UL) {")
        self.indented { emitter in
            emitter.block(loop.header)
            emitter.line("if (!\(emitter.test(condition))) break;")
        }
        self.line("}")
    }

    // Stores ---------------------------------------------------------------------------------

    private mutating func store(_ store: Store) {
        let element: ScalarType
        let target: String
        let count: String
        var owned: [String] = []
        switch store.place.object {
        case .buffer(let buffer):
            element = self.tree.buffers[buffer].element
            (target, count) = ("b\(buffer)", "n\(buffer)")
            owned = self.ownership(buffer, store)
        case .local(let array):
            element = self.tree.locals[array].element
            (target, count) = ("m\(array)", "\(self.tree.locals[array].count)UL")
        case .privately(let array):
            element = self.tree.privates[array].element
            (target, count) = ("a\(array)", "\(self.tree.privates[array].count)UL")
        case .constant: return
        }
        var value = self.expression(store.value)
        if element == .float { value = "\(self.canonical())(\(value))" }
        let index = self.expression(store.place.index)
        if let fixed = self.fixedIndex(store.place) {
            if owned.isEmpty {
                self.line("\(target)[\(fixed)] = \(value);")
                return
            }
        }
        self.line("{")
        self.indented { emitter in
            emitter.line("const long x = \(index);")
            for (number, cell) in owned.enumerated() where cell.hasPrefix("=") {
                emitter.line("const long y\(number) = \(cell.dropFirst());")
            }
            var tests = ["(ulong)x < \(count)"]
            if case .buffer(let buffer) = store.place.object {
                tests += owned.enumerated().map { number, cell in
                    cell.hasPrefix("=")
                        ? "y\(number) >= low\(buffer)_\(number) && y\(number) < "
                            + "high\(buffer)_\(number)"
                        : cell
                }
            }
            emitter.line("if (\(tests.joined(separator: " && "))) \(target)[x] = \(value);")
        }
        self.line("}")
    }

    /// Tests that the group owns the cell: "=EXPRESSION" for the coordinate on each axis, or one
    /// call.
    private mutating func ownership(_ buffer: Int, _ store: Store) -> [String] {
        if !store.cells.isEmpty { return store.cells.map { "=" + self.expression($0) } }
        return [self.owns(buffer, "x")]
    }

    /// A call that says whether the group owns the scalar at an index.
    mutating func owns(_ buffer: Int, _ index: String) -> String {
        let axes = self.manifest.buffers[buffer].axes.indices
        let name = self.helper("sl_owns\(axes.count)") {
            var parameters = ["long x", "long o"]
            var body = "    if (x < o) return 0;\n    ulong r = (ulong)(x - o), y;\n"
            for axis in axes {
                parameters.append(
                    "long limit\(axis), long stride\(axis), long low\(axis), long high\(axis)")
                body +=
                    "    y = limit\(axis) == 1L || stride\(axis) < 1L ? 0UL : r / "
                    + "(ulong)stride\(axis);\n"
                body += "    if ((long)y < low\(axis) || (long)y >= high\(axis)) return 0;\n"
                body += "    r -= y * (ulong)stride\(axis);\n"
            }
            return "int sl_owns\(axes.count)(\(parameters.joined(separator: ", ")))\n{\n\(body)"
                + "    return r == 0UL;\n}"
        }
        let arguments = axes.map { axis in
            let suffix = "\(buffer)_\(axis)"
            return "limit\(suffix), stride\(suffix), low\(suffix), high\(suffix)"
        }
        return "\(name)(\(([index, "o\(buffer)"] + arguments).joined(separator: ", ")))"
    }

    /// A constant index that is inside an array of known size.
    func fixedIndex(_ place: Place) -> UInt64? {
        guard case .constant(let index) = place.index.node else { return nil }
        let count: Int
        switch place.object {
        case .buffer: return nil
        case .local(let array): count = self.tree.locals[array].count
        case .privately(let array): count = self.tree.privates[array].count
        case .constant(let table): count = self.tree.constants[table].values.count
        }
        return index < UInt64(count) ? index : nil
    }
}

extension Statement {
    /// Whether it continues the loop that it stands in.
    var continuesLoop: Bool {
        switch self {
        case .continueLoop: true
        case .branch(let branch):
            branch.then.contains(where: \.continuesLoop)
                || branch.otherwise.contains(where: \.continuesLoop)
        case .assign, .store, .clear, .loop, .scope, .leave, .breakLoop, .barrier: false
        }
    }
}
