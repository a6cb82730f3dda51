/// Where one object lies during the run of one group.
struct MemoryView {
    /// The first byte; nil where every read gives zero.
    var base: UnsafeMutableRawPointer?
    /// Elements that may be touched at `base`.
    var count: UInt64 = 0
    /// Buffers that are read chunk by chunk have this instead of `base`.
    var chunks: UnsafeMutablePointer<ChunkTable>?
    /// Written buffers: the group's own cells, dense, by ascending address.
    var cells: UnsafeMutableRawPointer?
    var cellCount: UInt64 = 0
    /// Written buffers: index of the first cell of the box.
    var origin: UInt64 = 0
    /// Written buffers: first of the axes in ``Frame/axes``, in the manifest's order and in address
    /// order.
    var axes = 0
    var axisCount = 0
}

/// One axis of a group's box, prepared for finding a cell.
struct MemoryAxis {
    /// The group's first coordinate and how many there are.
    var lower: UInt64
    var extent: UInt64
    var stride: UInt64
    /// ceil(2^64 / stride), for exact division of numbers below 2^32; 0 for stride 1.
    var reciprocal: UInt64
    /// Cells between neighbours of this axis in the dense order.
    var dense: UInt32
    /// The extent of all groups is one: the coordinate is zero and takes no part in the address.
    var isPoint: Bool

    /// An axis on which the group has no coordinate.
    static let nothing = MemoryAxis(
        lower: 0, extent: 0, stride: 1, reciprocal: 0, dense: 0, isPoint: true)

    /// Quotient of a number below 2^32.
    @inline(__always) func quotient(_ rest: UInt64) -> UInt64 {
        self.reciprocal == 0 ? rest : rest.multipliedFullWidth(by: self.reciprocal).high
    }
}

extension Frame {
    // MARK: loads

    @inline(__always) func index(_ i: Instruction) -> UInt64 {
        switch i.index {
        case .wide: self.pointer(i.a, UInt64.self)[0]
        case .signed: UInt64(bitPattern: Int64(self.pointer(i.a, Int32.self)[0]))
        case .unsigned: UInt64(self.pointer(i.a, UInt32.self)[0])
        }
    }

    @inline(__always) func forEachIndex(
        _ i: Instruction, _ lanes: Int, _ body: (Int, UInt64) -> Void
    ) {
        switch i.index {
        case .wide:
            let a = self.pointer(i.a, UInt64.self)
            for k in 0..<lanes { body(k, a[k]) }
        case .signed:
            let a = self.pointer(i.a, Int32.self)
            for k in 0..<lanes { body(k, UInt64(bitPattern: Int64(a[k]))) }
        case .unsigned:
            let a = self.pointer(i.a, UInt32.self)
            for k in 0..<lanes { body(k, UInt64(a[k])) }
        }
    }

    @inline(__always) private func load<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ convert: (E) -> R
    ) {
        let d = self.pointer(i.d, R.self)
        guard let base = view.base?.assumingMemoryBound(to: E.self), view.count > 0 else {
            for k in 0..<(i.form == .uniform ? 1 : self.count) { d[k] = 0 }
            return
        }
        let count = view.count
        if i.form == .uniform {
            let x = self.index(i)
            d[0] = x < count ? convert(base[Int(truncatingIfNeeded: x)]) : 0
            return
        }
        self.forEachIndex(i, self.count) { k, x in
            // Element 0 exists; the branch-free form keeps divergent indexes as fast as any.
            let value = convert(base[Int(truncatingIfNeeded: x < count ? x : 0)])
            d[k] = x < count ? value : 0
        }
    }

    @inline(never) func load(_ i: Instruction, _ view: MemoryView) {
        if let chunks = view.chunks { return self.loadChunked(i, view, chunks) }
        switch i.element {
        case .char: self.load(i, view) { (e: Int8) in Int32(e) }
        case .uchar, .bool: self.load(i, view) { (e: UInt8) in UInt32(e) }
        case .short: self.load(i, view) { (e: Int16) in Int32(e) }
        case .ushort, .half: self.load(i, view) { (e: UInt16) in UInt32(e) }
        case .int, .uint, .float: self.load(i, view) { (e: UInt32) in e }
        case .long, .ulong, .double: self.load(i, view) { (e: UInt64) in e }
        }
    }

    @inline(__always) private func loadPrivate<E: FixedWidthInteger, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ convert: (E) -> R
    ) {
        let d = self.pointer(i.d, R.self)
        guard let base = view.base?.assumingMemoryBound(to: E.self) else { return }
        let count = view.count
        let width = self.width
        if i.form == .rowUniform {
            let x = self.index(i)
            let row = base + (x < count ? Int(truncatingIfNeeded: x) * width : 0)
            if x < count {
                for k in 0..<self.count { d[k] = convert(row[k]) }
            } else {
                for k in 0..<self.count { d[k] = 0 }
            }
            return
        }
        self.forEachIndex(i, self.count) { k, x in
            let value = convert(base[Int(truncatingIfNeeded: x < count ? x : 0) * width + k])
            d[k] = x < count ? value : 0
        }
    }

    @inline(never) func loadPrivate(_ i: Instruction, _ view: MemoryView) {
        switch i.element {
        case .char: self.loadPrivate(i, view) { (e: Int8) in Int32(e) }
        case .uchar, .bool: self.loadPrivate(i, view) { (e: UInt8) in UInt32(e) }
        case .short: self.loadPrivate(i, view) { (e: Int16) in Int32(e) }
        case .ushort, .half: self.loadPrivate(i, view) { (e: UInt16) in UInt32(e) }
        case .int, .uint, .float: self.loadPrivate(i, view) { (e: UInt32) in e }
        case .long, .ulong, .double: self.loadPrivate(i, view) { (e: UInt64) in e }
        }
    }

    // MARK: stores

    @inline(__always) private func store<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ convert: (R) -> E
    ) {
        guard let base = view.base?.assumingMemoryBound(to: E.self) else { return }
        let b = self.pointer(i.b, R.self)
        let count = view.count
        if i.form == .uniform {
            // Issued, so at least one lane is active, and all store the same value.
            let x = self.index(i)
            if x < count { base[Int(truncatingIfNeeded: x)] = convert(b[0]) }
            return
        }
        let mask = self.pointer(i.c, UInt32.self)
        if i.form == .uniformRow {
            let x = self.index(i)
            guard x < count else { return }
            for k in 0..<self.lanes where mask[k] != 0 {
                base[Int(truncatingIfNeeded: x)] = convert(b[k])
            }
            return
        }
        self.forEachIndex(i, self.lanes) { k, x in
            if mask[k] != 0 && x < count { base[Int(truncatingIfNeeded: x)] = convert(b[k]) }
        }
    }

    @inline(never) func store(_ i: Instruction, _ view: MemoryView) {
        switch i.element {
        case .char, .uchar, .bool:
            self.store(i, view) { (r: UInt32) in UInt8(truncatingIfNeeded: r) }
        case .short, .ushort, .half:
            self.store(i, view) { (r: UInt32) in UInt16(truncatingIfNeeded: r) }
        case .int, .uint: self.store(i, view) { (r: UInt32) in r }
        case .float: self.store(i, view) { (r: UInt32) in FloatArithmetic.canonical(r) }
        case .long, .ulong, .double: self.store(i, view) { (r: UInt64) in r }
        }
    }

    @inline(__always) private func storePrivate<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ convert: (R) -> E
    ) {
        guard let base = view.base?.assumingMemoryBound(to: E.self) else { return }
        let b = self.pointer(i.b, R.self)
        let mask = self.pointer(i.c, UInt32.self)
        let count = view.count
        let width = self.width
        if i.form == .uniformRow {
            let x = self.index(i)
            guard x < count else { return }
            let row = base + Int(truncatingIfNeeded: x) * width
            for k in 0..<self.count { row[k] = mask[k] != 0 ? convert(b[k]) : row[k] }
            return
        }
        self.forEachIndex(i, self.lanes) { k, x in
            if mask[k] != 0 && x < count {
                base[Int(truncatingIfNeeded: x) * width + k] = convert(b[k])
            }
        }
    }

    @inline(never) func storePrivate(_ i: Instruction, _ view: MemoryView) {
        switch i.element {
        case .char, .uchar, .bool:
            self.storePrivate(i, view) { (r: UInt32) in UInt8(truncatingIfNeeded: r) }
        case .short, .ushort, .half:
            self.storePrivate(i, view) { (r: UInt32) in UInt16(truncatingIfNeeded: r) }
        case .int, .uint: self.storePrivate(i, view) { (r: UInt32) in r }
        case .float: self.storePrivate(i, view) { (r: UInt32) in FloatArithmetic.canonical(r) }
        case .long, .ulong, .double: self.storePrivate(i, view) { (r: UInt64) in r }
        }
    }

    @inline(never) func clear(_ i: Instruction, _ view: MemoryView) {
        guard let base = view.base else { return }
        let bytes = i.element.bytes
        if i.form == .uniform {
            let size = Int(truncatingIfNeeded: view.count) * self.width * bytes
            base.initializeMemory(as: UInt8.self, repeating: 0, count: size)
            return
        }
        let mask = self.pointer(i.c, UInt32.self)
        for element in 0..<Int(truncatingIfNeeded: view.count) {
            for k in 0..<self.lanes where mask[k] != 0 {
                let cell = base + (element * self.width + k) * bytes
                cell.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
            }
        }
    }
}
