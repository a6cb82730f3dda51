// Written buffers: a group has only its own cells, dense; everything else is the launch's input, or
// zero.

extension Frame {
    /// Position of an index among the group's cells; nil where the group does not own it.
    @inline(__always) func position(
        _ x: UInt64, _ view: MemoryView, _ axes: UnsafePointer<MemoryAxis>
    ) -> UInt32? {
        let offset = x &- view.origin
        guard x >= view.origin, offset < 1 << 31, view.cellCount > 0 else { return nil }
        var rest = offset
        var position: UInt32 = 0
        // The second half of the axes is in address order.
        let ordered = axes + (view.axes + view.axisCount)
        for number in 0..<view.axisCount {
            let axis = ordered[number]
            if axis.isPoint { continue }
            let coordinate = axis.quotient(rest)
            let inside = coordinate &- axis.lower
            guard inside < axis.extent else { return nil }
            rest = rest &- coordinate &* axis.stride
            position = position &+ UInt32(truncatingIfNeeded: inside) &* axis.dense
        }
        return rest == 0 ? position : nil
    }

    @inline(__always) private func uniformIndex(_ i: Instruction) -> UInt64 {
        switch i.index {
        case .wide: self.pointer(i.a, UInt64.self)[0]
        case .signed: UInt64(bitPattern: Int64(self.pointer(i.a, Int32.self)[0]))
        case .unsigned: UInt64(self.pointer(i.a, UInt32.self)[0])
        }
    }

    /// The index of lane k, widened.
    @inline(__always) func laneIndex(_ i: Instruction, _ k: Int) -> UInt64 {
        switch i.index {
        case .wide: self.pointer(i.a, UInt64.self)[k]
        case .signed: UInt64(bitPattern: Int64(self.pointer(i.a, Int32.self)[k]))
        case .unsigned: UInt64(self.pointer(i.a, UInt32.self)[k])
        }
    }

    @inline(never) func locate(
        _ i: Instruction, _ view: MemoryView, _ axes: UnsafePointer<MemoryAxis>
    ) {
        let d = self.pointer(i.d, UInt32.self)
        let owned = self.pointer(i.b, UInt32.self)
        let mask = self.pointer(i.c, UInt32.self)
        if i.form == .uniformRow {
            let position = self.position(self.uniformIndex(i), view, axes)
            for k in 0..<self.count {
                d[k] = position ?? 0
                owned[k] = position == nil ? 0 : mask[k]
            }
            return
        }
        for k in 0..<self.count {
            let position = self.position(self.laneIndex(i, k), view, axes)
            d[k] = position ?? 0
            owned[k] = position == nil ? 0 : mask[k]
        }
    }

    /// Adds one proved coordinate to the positions.
    @inline(never) func addCell(
        _ i: Instruction, _ view: MemoryView, _ axis: MemoryAxis, isFirst: Bool
    ) {
        let d = self.pointer(i.d, UInt32.self)
        let owned = self.pointer(i.b, UInt32.self)
        let mask = self.pointer(i.c, UInt32.self)
        let extent = view.cellCount > 0 ? axis.extent : 0
        let (lower, dense) = (axis.lower, axis.dense)
        let isUniform = i.form == .uniformRow
        let shared = isUniform ? self.uniformIndex(i) &- lower : 0
        for k in 0..<self.count {
            let inside = isUniform ? shared : self.laneIndex(i, k) &- lower
            let part = UInt32(truncatingIfNeeded: inside) &* dense
            d[k] = isFirst ? part : d[k] &+ part
            owned[k] = inside < extent ? mask[k] : 0
        }
    }

    @inline(__always) private func storeOwned<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ convert: (R) -> E
    ) {
        guard let cells = view.cells?.assumingMemoryBound(to: E.self) else { return }
        let position = self.pointer(i.a, UInt32.self)
        let b = self.pointer(i.b, R.self)
        let mask = self.pointer(i.c, UInt32.self)
        let count = view.cellCount
        for k in 0..<self.lanes where mask[k] != 0 && UInt64(position[k]) < count {
            cells[Int(position[k])] = convert(b[k])
        }
    }

    @inline(never) func storeOwned(_ i: Instruction, _ view: MemoryView) {
        switch i.element {
        case .char, .uchar, .bool:
            self.storeOwned(i, view) { (r: UInt32) in UInt8(truncatingIfNeeded: r) }
        case .short, .ushort, .half:
            self.storeOwned(i, view) { (r: UInt32) in UInt16(truncatingIfNeeded: r) }
        case .int, .uint: self.storeOwned(i, view) { (r: UInt32) in r }
        case .float: self.storeOwned(i, view) { (r: UInt32) in FloatArithmetic.canonical(r) }
        case .long, .ulong, .double: self.storeOwned(i, view) { (r: UInt64) in r }
        }
    }

    @inline(__always) private func loadOwned<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ axes: UnsafePointer<MemoryAxis>,
        _ convert: (E) -> R
    ) {
        let d = self.pointer(i.d, R.self)
        let base = view.base?.assumingMemoryBound(to: E.self)
        let cells = view.cells?.assumingMemoryBound(to: E.self)
        // A uniform index in front of a row cannot be: then the result is uniform, too.
        for k in 0..<(i.form == .uniform ? 1 : self.count) {
            let x = self.laneIndex(i, k)
            if let cells, let position = self.position(x, view, axes),
                UInt64(position) < view.cellCount
            {
                d[k] = convert(cells[Int(position)])
            } else if let base, x < view.count {
                d[k] = convert(base[Int(truncatingIfNeeded: x)])
            } else {
                d[k] = 0
            }
        }
    }

    @inline(never) func loadOwned(
        _ i: Instruction, _ view: MemoryView, _ axes: UnsafePointer<MemoryAxis>
    ) {
        if let chunks = view.chunks { return self.loadOwnedChunked(i, view, axes, chunks) }
        switch i.element {
        case .char: self.loadOwned(i, view, axes) { (e: Int8) in Int32(e) }
        case .uchar, .bool: self.loadOwned(i, view, axes) { (e: UInt8) in UInt32(e) }
        case .short: self.loadOwned(i, view, axes) { (e: Int16) in Int32(e) }
        case .ushort, .half: self.loadOwned(i, view, axes) { (e: UInt16) in UInt32(e) }
        case .int, .uint, .float: self.loadOwned(i, view, axes) { (e: UInt32) in e }
        case .long, .ulong, .double: self.loadOwned(i, view, axes) { (e: UInt64) in e }
        }
    }
}
