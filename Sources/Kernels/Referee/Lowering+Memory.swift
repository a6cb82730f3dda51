extension Lowering {
    /// Number of an object in ``Program/objects``: buffers, locals, privates, constants.
    private func number(_ object: ObjectID) -> Int64 {
        let locals = self.tree.buffers.count
        let privates = locals + self.tree.locals.count
        let constants = privates + self.tree.privates.count
        return switch object {
        case .buffer(let n): Int64(n)
        case .local(let n): Int64(locals + n)
        case .privately(let n): Int64(privates + n)
        case .constant(let n): Int64(constants + n)
        }
    }

    private func element(_ object: ObjectID) -> ScalarType {
        switch object {
        case .buffer(let n): self.tree.buffers[n].element
        case .local(let n): self.tree.locals[n].element
        case .privately(let n): self.tree.privates[n].element
        case .constant(let n): self.tree.constants[n].element
        }
    }

    private func isWritten(_ object: ObjectID) -> Bool {
        if case .buffer(let n) = object { return self.tree.buffers[n].role.isWritten }
        return false
    }

    /// An index; one that was extended from 32 bits or fewer is left at 32.
    private mutating func lowerIndex(_ expression: Expression) -> (Operand, Instruction.Index) {
        if case .cast(.value, let inner) = expression.node, inner.type.isScalar,
            inner.type.base.isInteger, inner.type.base.bits <= 32
        {
            return (self.lowerOne(inner), inner.type.base.isSigned ? .signed : .unsigned)
        }
        return (self.lowerOne(expression), .wide)
    }

    mutating func lowerLoad(_ place: Place, into target: Operand?) -> Operand {
        let (index, kind) = self.lowerIndex(place.index)
        let element = self.element(place.object)
        var isPrivate = false
        if case .privately = place.object { isPrivate = true }
        let isUniform = index.isUniform && !isPrivate
        let isOwned = self.isWritten(place.object)
        let wide = element.bits == 64
        let result: Operand
        if let target, target.isUniform == isUniform, target.isWide == wide {
            result = target
        } else {
            result = self.register(uniform: isUniform, wide: wide)
        }
        self.emit(
            Instruction(
                operation: .memory(isPrivate ? .loadPrivate : isOwned ? .loadOwned : .load),
                form: isUniform ? .uniform : (index.isUniform ? .rowUniform : .rows),
                element: element, index: kind, d: result.offset, a: index.offset,
                c: self.activeMask.offset, immediate: self.number(place.object)))
        self.release(index)
        return result
    }

    mutating func lowerStore(_ store: Store) {
        self.charge(
            store.cells.reduce(1 + store.value.cost + store.place.index.cost) {
                $0.saturatingSum($1.cost)
            })
        guard !self.isWritten(store.place.object) else { return self.lowerOwnedStore(store) }
        var operation = MemoryOperation.store
        if case .privately = store.place.object { operation = .storePrivate }
        if case .buffer = store.place.object { return }  // An `in` buffer: no group owns a cell.
        if case .constant = store.place.object { return }
        let (index, kind) = self.lowerIndex(store.place.index)
        let given = self.lowerOne(store.value)
        let shared = operation == .store && index.isUniform && given.isUniform
        let value = shared ? given : self.rowOf(given)
        self.emit(
            Instruction(
                operation: .memory(operation),
                form: shared ? .uniform : (index.isUniform ? .uniformRow : .rows),
                element: self.element(store.place.object), index: kind, a: index.offset,
                b: value.offset, c: self.activeMask.offset,
                immediate: self.number(store.place.object)))
        if value != given { self.release(value) }
        self.release([index, given])
    }

    private mutating func lowerOwnedStore(_ store: Store) {
        let object = self.number(store.place.object)
        let element = self.element(store.place.object)
        let position = self.row(wide: false)
        let owned = self.row(wide: false)
        if store.cells.isEmpty {
            let (index, kind) = self.lowerIndex(store.place.index)
            self.emit(
                Instruction(
                    operation: .memory(.locate), form: index.isUniform ? .uniformRow : .rows,
                    index: kind, d: position.offset, a: index.offset, b: owned.offset,
                    c: self.activeMask.offset, immediate: object))
            self.release(index)
        }
        for (axis, cell) in store.cells.enumerated() {
            let (index, kind) = self.lowerIndex(cell)
            let isFirst = axis == 0
            self.emit(
                Instruction(
                    operation: .memory(isFirst ? .firstCell : .nextCell),
                    form: index.isUniform ? .uniformRow : .rows, index: kind, d: position.offset,
                    a: index.offset, b: owned.offset,
                    c: isFirst ? self.activeMask.offset : owned.offset,
                    immediate: object + Int64(axis) << 16))
            self.release(index)
        }
        let given = self.lowerOne(store.value)
        let value = self.rowOf(given)
        self.emit(
            Instruction(
                operation: .memory(.storeOwned), form: .rows, element: element, a: position.offset,
                b: value.offset, c: owned.offset, immediate: object))
        if value != given { self.release(value) }
        self.release([given, position, owned])
    }

    mutating func lowerClear(_ array: Int) {
        let unmasked = self.facts.isUnmasked[self.set] || self.mask == nil
        self.set += 1
        let object = self.tree.privates[array]
        self.charge(1 + UInt64(object.count) / 8)
        self.emit(
            Instruction(
                operation: .memory(.clear), form: unmasked ? .uniform : .rows,
                element: object.element, c: self.activeMask.offset,
                immediate: self.number(.privately(array))))
    }
}
