extension Manifest {
    /// A manifest for a bare `.cl` file: local size, roles and layouts follow from the text where
    /// its indexes are linear (1-D), or row by row (2-D, with interleaved channels), or one block
    /// per group.
    ///
    /// - Parameters:
    ///   - source: the author's file, before expansion.
    ///   - entry: the kernel; nil where the file has one.
    ///   - localSize: nil takes `reqd_work_group_size`, else 64, or 16 × 16 where axis 1 is used.
    /// - Throws: ``KernelError`` of the text, or `manifest.infer.*`, whose fix says which field to
    ///   write.
    package static func infer(
        source: String, entry: String? = nil, definitions: [Definition] = [],
        localSize: Extent? = nil, localArguments: [LocalArgument] = []
    ) throws(KernelError) -> Manifest {
        let text = try KernelPackage.expand(source: source, definitions: definitions)
        let bytes = Array(text.utf8)
        do throws(KernelError) {
            let unit = try Parser.parse(bytes)
            let kernels = unit.functions.filter { $0.isKernel && ($0.name == entry ?? $0.name) }
            guard kernels.count == 1, let kernel = kernels.first else {
                throw KernelError(
                    code: "manifest.infer.entry",
                    message: "\(kernels.count) kernels in the file", fix: "name one with entry")
            }
            var manifest = Manifest()
            manifest.title = kernel.name
            manifest.entry = kernel.name
            manifest.definitions = definitions
            manifest.localArguments = localArguments
            manifest.localSize = localSize ?? Self.localSize(of: kernel, text: text)
            let size = manifest.localSize.array
            manifest.dimensions = size[2] > 1 ? 3 : size[1] > 1 ? 2 : 1
            try manifest.inferBuffers(kernel, unit)
            return manifest
        } catch { throw error.with(excerptOf: bytes) }
    }

    private static func localSize(of kernel: FunctionSyntax, text: String) -> Extent {
        if let size = kernel.requiredSize { return Extent(x: size[0], y: size[1], z: size[2]) }
        let wide = ["global", "local", "group"].contains { name in
            let call = Array("get_\(name)_id(1)".utf8)
            let flat = text.utf8.filter { $0 != 32 }
            return flat.indices.contains { flat[$0...].starts(with: call) }
        }
        return wide ? Extent(x: 16, y: 16, z: 1) : Extent(x: 64, y: 1, z: 1)
    }

    private mutating func inferBuffers(
        _ kernel: FunctionSyntax, _ unit: UnitSyntax
    ) throws(KernelError) {
        for parameter in kernel.parameters where parameter.type.isPointer {
            guard parameter.type.space != .local, let type = parameter.type.value else { continue }
            let isInput = parameter.type.isConst || parameter.type.space == .constant
            self.buffers.append(
                BufferLayout(name: parameter.name, role: isInput ? .in : .out, element: type.base))
        }
        for parameter in kernel.parameters
        where parameter.type.space == .local
            && !self.localArguments.contains(where: { $0.name == parameter.name })
        {
            throw KernelError(
                code: "manifest.infer.local", line: parameter.position.line,
                column: parameter.position.column,
                message: "how many elements \(parameter.name) has is not in the text",
                fix: "write local_arguments = [{ name = \"\(parameter.name)\", count = … }]")
        }
        let (tree, barriers, stores) = try Checker.tree(unit, manifest: self)
        let (marked, varying) = try Uniformity.marked(tree, barriers: barriers)
        var walker = Verifier(
            tree: marked, manifest: self, isVarying: varying, mode: .rewrite, stores: stores)
        _ = try walker.walk(marked.body)
        self.exactness = tree.usesFloat ? .exactFloat32 : .exactInt
        for number in self.buffers.indices {
            let indexes = walker.indexes.filter { $0.buffer == number }.map(\.polynomial)
            guard !indexes.isEmpty else {
                self.buffers[number].role = .in
                continue
            }
            self.buffers[number].axes = try self.axes(
                of: self.buffers[number].name, indexes, walker)
        }
    }

    private func axes(
        of name: String, _ indexes: [Polynomial], _ walker: Verifier
    ) throws(KernelError) -> [LayoutAxis] {
        let inference = Inference(
            local: self.localSize.array, table: walker.evaluator.table, tree: walker.tree,
            guards: walker.guards)
        let found = indexes.map { inference.axes($0) }
        guard let first = found.first, let axes = first, found.allSatisfy({ $0 == axes }) else {
            throw KernelError(
                code: "manifest.infer.layout",
                message: "which cells of \(name) a group owns does not follow from its indexes",
                fix: "write axes for the buffer \(name): source, block, limit, stride")
        }
        return axes
    }
}

/// Finds the box that an index walks through.
private struct Inference {
    let local: [UInt32]
    let table: AtomTable
    let tree: Tree
    let guards: [(polynomial: Polynomial, limit: ScalarExpression)]

    /// A group axis that an index moves along.
    private struct Motion {
        let axis: Int
        let block: Int64
        let stride: Polynomial.Term
        let isLane: Bool
    }

    func axes(_ index: Polynomial) -> [LayoutAxis]? {
        var rest = index.terms
        var motions: [Motion] = []
        for axis in (0..<3).reversed() {
            let lane = self.take(.lane(axis), from: &rest)
            let group = self.take(.group(axis), from: &rest)
            switch (lane, group) {
            case (nil, nil): continue
            case (let lane?, let group):
                let size = Int64(self.local[axis])
                let expected = Polynomial.Term(
                    atoms: lane.atoms, coefficient: lane.coefficient * size)
                guard let group, group == expected else { return nil }
                motions.append(Motion(axis: axis, block: size, stride: lane, isLane: true))
            case (nil, let group?):
                guard group.atoms.isEmpty || self.local[axis] == 1 else { return nil }
                if self.local[axis] == 1 {
                    motions.append(Motion(axis: axis, block: 1, stride: group, isLane: true))
                } else {
                    let one = Polynomial.Term(atoms: [], coefficient: 1)
                    motions.append(
                        Motion(axis: axis, block: group.coefficient, stride: one, isLane: false))
                }
            }
        }
        guard let last = motions.last else { return nil }
        // What is left counts channels inside the innermost stride.
        let mentionsIds = rest.contains { term in
            term.atoms.contains { number in
                switch self.table[number] {
                case .lane, .group: true
                default: false
                }
            }
        }
        guard !mentionsIds || !last.isLane else { return nil }
        var axes = motions.enumerated().compactMap {
            self.axis($1, inside: motions.prefix($0).last)
        }
        guard axes.count == motions.count else { return nil }
        if last.isLane && last.stride != Polynomial.Term(atoms: [], coefficient: 1) {
            guard last.stride.atoms.isEmpty, last.stride.coefficient > 0 else { return nil }
            axes.append(
                LayoutAxis(
                    source: nil, block: .constant(1), limit: .constant(last.stride.coefficient),
                    stride: .constant(1)))
        }
        return axes
    }

    private func axis(_ motion: Motion, inside outer: Motion?) -> LayoutAxis? {
        guard let stride = self.formula(motion.stride), motion.stride.coefficient > 0 else {
            return nil
        }
        let groups = ScalarExpression(
            .binary(.multiply, .groups(motion.axis), .constant(motion.block)))
        var limit = motion.block == 1 ? ScalarExpression(.groups(motion.axis)) : groups
        if motion.isLane {
            if let guarded = self.guarded(motion.axis) {
                limit = guarded
            } else if let outer {
                // A row is as long as the distance of two rows.
                let row = Polynomial(terms: [outer.stride])
                let (quotient, rest) = row.divided(by: motion.stride)
                guard rest == Polynomial(), quotient.terms.count == 1, quotient.constant == 0,
                    let length = self.formula(quotient.terms[0])
                else { return nil }
                limit = length
            }
        }
        guard let limit else { return nil }
        return LayoutAxis(
            source: AxisSource(axis: UInt8(motion.axis)), block: .constant(motion.block),
            limit: limit, stride: stride)
    }

    /// The scalar that the global id of an axis is compared with.
    private func guarded(_ axis: Int) -> ScalarExpression? {
        let size = Int64(self.local[axis])
        for (polynomial, limit) in self.guards where polynomial.constant == 0 {
            var terms = polynomial.terms
            let lane = self.take(.lane(axis), from: &terms)
            let group = self.take(.group(axis), from: &terms)
            guard terms.isEmpty, let group, group.atoms.isEmpty, group.coefficient == size else {
                continue
            }
            if size == 1 || lane == Polynomial.Term(atoms: [], coefficient: 1) { return limit }
        }
        return nil
    }

    /// Takes out the only term with an atom; its cofactor.
    private func take(_ atom: Atom, from terms: inout [Polynomial.Term]) -> Polynomial.Term? {
        let found = terms.indices.filter { index in
            terms[index].atoms.contains { self.table[$0] == atom }
        }
        guard found.count == 1, let index = found.first else { return nil }
        var atoms = terms[index].atoms
        guard let position = atoms.firstIndex(where: { self.table[$0] == atom }) else { return nil }
        atoms.remove(at: position)
        let cofactor = Polynomial.Term(atoms: atoms, coefficient: terms[index].coefficient)
        terms.remove(at: index)
        return cofactor
    }

    /// A term of scalars and group counts.
    private func formula(_ term: Polynomial.Term) -> ScalarExpression? {
        var product: ScalarExpression.Node?
        for number in term.atoms {
            let factor: ScalarExpression.Node
            switch self.table[number] {
            case .scalar(let index): factor = .scalar(self.tree.scalars[index].name)
            case .groups(let axis): factor = .groups(axis)
            case .lane, .group, .variable, .expression: return nil
            }
            product = product.map { .binary(.multiply, $0, factor) } ?? factor
        }
        guard let product else { return .constant(term.coefficient) }
        return ScalarExpression(
            term.coefficient == 1
                ? product : .binary(.multiply, product, .constant(term.coefficient)))
    }
}
