internal import Primitives

extension Checker {
    mutating func call(
        _ name: String, _ arguments: [Syntax], _ position: Position
    ) throws(KernelError) -> Operand {
        if let function = self.unit.functions.first(where: { $0.name == name }) {
            return try self.inline(function, arguments, position)
        }
        if name == "barrier" || name == "work_group_barrier" {
            try self.barrier(arguments, position)
            return .nothing
        }
        if name == "mem_fence" || name == "read_mem_fence" || name == "write_mem_fence" {
            return .nothing
        }
        if let operand = try self.vectorMemory(name, arguments, position) { return operand }
        if let query = try self.query(name, arguments, position) { return .value(query) }
        var values: [Expression] = []
        for argument in arguments { values.append(try self.value(argument)) }
        if let value = try self.conversion(name, values, position) { return .value(value) }
        if let value = try self.builtin(name, values, position) { return .value(value) }
        throw self.unknown(name, position)
    }

    private func unknown(_ name: String, _ position: Position) -> KernelError {
        let (code, why, fix): (String, String, String)
        if name.hasPrefix("atom") {
            (code, why, fix) = ("atomic", "atomics are", "let one lane own each cell, and merge")
        } else if name == "printf" {
            (code, why, fix) = ("printf", "printf is", "write to a buffer")
        } else if name.hasPrefix("read_image") || name.hasPrefix("write_image") {
            (code, why, fix) = ("image", "images are", "use a buffer")
        } else if name.hasPrefix("async_") || name == "wait_group_events" {
            (code, why, fix) = ("async", "async copies are", "copy in a loop over local ids")
        } else if name.hasPrefix("sub_group") || name.hasPrefix("work_group") {
            (code, why, fix) = ("subgroup", "group functions are", "use local memory and barriers")
        } else if Self.floatFunctions.contains(name) || name.hasPrefix("native_")
            || name.hasPrefix("half_")
        {
            (code, why, fix) = (
                "math", "\(name.prefix(40)) is",
                "use fabs, floor, ceil, trunc, rint, sqrt, fma, fmin, fmax, or your own polynomial"
            )
        } else {
            return self.refused(
                "kernel.function.unknown", position, "\(name.prefix(40)) is not a function here",
                fix: "define it in the source; see the list of built-in functions")
        }
        return self.refused(
            "kernel.unsupported.\(code)", position, "\(why) not accepted yet", fix: fix)
    }

    private static let floatFunctions = [
        "exp", "exp2", "exp10", "log", "log2", "log10", "sin", "cos", "tan", "pow", "powr", "pown",
        "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "cbrt", "rsqrt", "hypot", "fmod",
        "mad", "dot", "cross", "length", "normalize", "distance", "mix", "step", "smoothstep",
        "sign",
        "round", "ldexp", "frexp", "modf", "remainder", "erf", "erfc", "tgamma", "lgamma", "fract",
    ]

    // Helpers --------------------------------------------------------------------------------

    private mutating func inline(
        _ function: FunctionSyntax, _ arguments: [Syntax], _ position: Position
    ) throws(KernelError) -> Operand {
        guard !function.isKernel else {
            throw self.refused(
                "kernel.unsupported.kernel.call", position, "a kernel called as a function",
                fix: "move its body to a helper")
        }
        guard !self.calls.contains(where: { $0.name == function.name }) else {
            throw self.refused(
                "kernel.recursion", position, "\(function.name) calls itself", fix: "use a loop")
        }
        guard self.calls.count < Limits.callDepth else {
            throw self.refused(
                "kernel.limit.calls", position, "helpers call helpers too deeply",
                fix: "at most \(Limits.callDepth)")
        }
        guard arguments.count == function.parameters.count else {
            throw self.refused(
                "kernel.call.arguments", position,
                "\(function.name) takes \(function.parameters.count) arguments, found "
                    + "\(arguments.count)",
                fix: "give one for each parameter")
        }
        try self.enter(position)
        defer { self.depth -= 1 }
        var operands: [Operand] = []
        for argument in arguments { operands.append(try self.check(argument)) }
        let outerScopes = self.scopes
        let outerLoops = self.loops
        self.scopes = [self.scopes[0], []]
        self.loops = []
        for (parameter, operand) in zip(function.parameters, operands) {
            try self.bindArgument(parameter, operand, position)
        }
        var result: Int?
        if let type = function.result.value {
            try self.checkAccepted(type, function.position)
            result = try self.variable(function.name, type, position)
        }
        self.calls.append(Call(name: function.name, result: result, type: function.result.value))
        let (_, block) = try self.gathered { (checker) throws(KernelError) in
            checker.scopes.append([])
            for statement in function.body { try checker.check(statement) }
        }
        self.calls.removeLast()
        self.scopes = outerScopes
        self.loops = outerLoops
        var body = block
        while case .leave? = body.last { body.removeLast() }
        if body.contains(where: \.leavesScope) {
            self.append(.scope(body))
        } else {
            self.current += body
        }
        guard let result else { return .nothing }
        return .value(
            try self.make(self.variables[result].type, .variable(result), position))
    }

    private mutating func bindArgument(
        _ parameter: ParameterSyntax, _ operand: Operand, _ position: Position
    ) throws(KernelError) {
        guard let type = parameter.type.value else { return }
        try self.checkAccepted(type, parameter.position)
        switch (operand, parameter.type.isPointer) {
        case (.value(let value), false):
            let converted = try self.converted(value, to: type, position)
            if self.unit.assigned[parameter.name] == nil {
                switch converted.node {
                case .constant, .scalar:
                    try self.bind(parameter.name, .value(converted), parameter.position)
                    return
                default: break
                }
            }
            let variable = try self.variable(parameter.name, type, position)
            self.append(.assign(variable: variable, converted))
            try self.bind(parameter.name, .variable(variable), parameter.position)
        case (.pointer(let pointer), true):
            guard pointer.element == type, pointer.extents.isEmpty else {
                throw self.refused(
                    "kernel.unsupported.pointer.cast", position,
                    "a pointer to \(pointer.element.name) for a parameter of \(type.name) *",
                    fix: "use the element type of the array")
            }
            if case .variable = pointer.target {
                try self.bind(parameter.name, .pointer(pointer), parameter.position)
            } else {
                try self.bindPointer(parameter.name, pointer, parameter.position)
            }
        default:
            throw self.refused(
                "kernel.type.mismatch", position,
                "the argument for \(parameter.name) is not of its type",
                fix: "pass a \(type.name)\(parameter.type.isPointer ? " *" : "")")
        }
    }

    // Work items -----------------------------------------------------------------------------

    private mutating func barrier(
        _ arguments: [Syntax], _ position: Position
    ) throws(KernelError) {
        guard let first = arguments.first, arguments.count == 1,
            case .constant(let flags) = try self.value(first).node, flags >= 1, flags <= 3
        else {
            throw self.refused(
                "kernel.barrier.flags", position, "a barrier takes constant flags",
                fix: "barrier(CLK_LOCAL_MEM_FENCE)")
        }
        self.barriers.append(position)
        self.append(.barrier(global: flags & 2 != 0))
    }

    private mutating func query(
        _ name: String, _ arguments: [Syntax], _ position: Position
    ) throws(KernelError) -> Expression? {
        let names = [
            "get_global_id", "get_local_id", "get_group_id", "get_global_size", "get_local_size",
            "get_num_groups", "get_global_offset", "get_enqueued_local_size",
        ]
        if name == "get_work_dim" && arguments.isEmpty {
            return try self.make(.uint, .constant(UInt64(self.manifest.dimensions)), position)
        }
        guard names.contains(name) else { return nil }
        guard arguments.count == 1,
            case .constant(let axis) = try self.converted(
                try self.value(arguments[0]), to: .ulong, position
            ).node
        else {
            throw self.refused(
                "kernel.query.axis", position, "\(name) takes one constant", fix: "\(name)(0)")
        }
        let isSize = [
            "get_global_size", "get_local_size", "get_num_groups", "get_enqueued_local_size",
        ]
        .contains(name)
        guard axis < 3, name != "get_global_offset" else {
            return try self.make(.ulong, .constant(isSize ? 1 : 0), position)
        }
        let number = Int(axis)
        let local = UInt64(self.manifest.localSize.array[number])
        let size = try self.make(.ulong, .constant(local), position)
        switch name {
        case "get_local_size", "get_enqueued_local_size": return size
        case "get_local_id":
            if local == 1 { return try self.make(.ulong, .constant(0), position) }
            return try self.make(.ulong, .query(.localID, axis: number), position)
        case "get_group_id": return try self.make(.ulong, .query(.groupID, axis: number), position)
        case "get_global_id":
            let query: Query = local == 1 ? .groupID : .globalID
            return try self.make(.ulong, .query(query, axis: number), position)
        case "get_num_groups":
            return try self.make(.ulong, .query(.numGroups, axis: number), position)
        default:
            let groups = try self.make(.ulong, .query(.numGroups, axis: number), position)
            if local == 1 { return groups }
            return try self.make(.ulong, .binary(.multiply, groups, size), position)
        }
    }

    /// `vloadN(i, p)` and `vstoreN(v, i, p)` of scalars.
    private mutating func vectorMemory(
        _ name: String, _ arguments: [Syntax], _ position: Position
    ) throws(KernelError) -> Operand? {
        let isLoad = name.hasPrefix("vload")
        guard isLoad || name.hasPrefix("vstore"),
            let width = Int(name.dropFirst(isLoad ? 5 : 6)), [2, 3, 4, 8, 16].contains(width)
        else { return nil }
        guard arguments.count == (isLoad ? 2 : 3) else {
            throw self.refused(
                "kernel.call.arguments", position, "\(name) takes \(isLoad ? 2 : 3) arguments",
                fix: isLoad ? "\(name)(i, p)" : "\(name)(v, i, p)")
        }
        let value = isLoad ? nil : try self.value(arguments[0])
        let offset = try self.index(arguments[isLoad ? 0 : 1])
        guard case .pointer(let pointer) = try self.check(arguments[isLoad ? 1 : 2]),
            pointer.element.isScalar, pointer.extents.isEmpty,
            case .object(let object) = pointer.target
        else {
            throw self.refused(
                "kernel.type.pointer", position, "\(name) takes a pointer to scalars",
                fix: "use p[i] for pointers to vectors")
        }
        let type = ValueType(pointer.element.base, width: width)
        let scaled = try self.longOperation(.multiply, offset, self.long(width), position)
        let start = try self.longOperation(.add, pointer.index, scaled, position)
        if let value {
            guard value.type == type else {
                throw self.refused(
                    "kernel.type.mismatch", position, "\(name) of a \(value.type.name)",
                    fix: "convert it to \(type.name)")
            }
            try self.store(object, type, start, value, position, stride: 1)
            return .nothing
        }
        return .value(try self.load(object, type, start, position, stride: 1))
    }
}
