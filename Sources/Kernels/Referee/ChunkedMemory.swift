// Loads from buffers that are read chunk by chunk. Only what an active lane reads counts as read:
// the registers of other lanes hold leftovers, which differ from machine to machine. A value that
// is uniform is always needed by a lane. Other lanes get zeros.

extension ChunkTable {
    /// Element `x` of the buffer; zero where its chunk is not there.
    ///
    /// - Bounds: `x` is inside the buffer. Chunks begin at multiples of every element's size.
    @inline(__always) fileprivate mutating func element<E, R: FixedWidthInteger>(
        _ x: UInt64, _ convert: (E) -> R
    ) -> R {
        let offset = x &* UInt64(MemoryLayout<E>.size)
        guard let address = self.address(ofByte: offset) else { return 0 }
        return convert(address.assumingMemoryBound(to: E.self).pointee)
    }
}

extension Frame {
    @inline(__always) private func loadChunked<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ chunks: UnsafeMutablePointer<ChunkTable>,
        _ convert: (E) -> R
    ) {
        let d = self.pointer(i.d, R.self)
        if i.form == .uniform {
            let x = self.index(i)
            d[0] = x < view.count ? chunks.pointee.element(x, convert) : 0
            return
        }
        let mask = self.pointer(i.c, UInt32.self)
        let count = view.count
        // Neighbours mostly read one chunk: the last one is kept.
        var last = UInt64.max
        var address: UnsafeRawPointer?
        self.forEachIndex(i, self.count) { k, x in
            guard mask[k] != 0 && x < count else {
                d[k] = 0
                return
            }
            let offset = x &* UInt64(MemoryLayout<E>.size)
            let chunk = offset >> UInt64(ChunkTable.shift)
            if chunk != last {
                address = chunks.pointee.address(ofByte: chunk << UInt64(ChunkTable.shift))
                last = chunk
            }
            let inside = Int(truncatingIfNeeded: offset) & (1 << ChunkTable.shift - 1)
            d[k] =
                address.map { convert(($0 + inside).assumingMemoryBound(to: E.self).pointee) } ?? 0
        }
    }

    @inline(never) func loadChunked(
        _ i: Instruction, _ view: MemoryView, _ chunks: UnsafeMutablePointer<ChunkTable>
    ) {
        switch i.element {
        case .char: self.loadChunked(i, view, chunks) { (e: Int8) in Int32(e) }
        case .uchar, .bool: self.loadChunked(i, view, chunks) { (e: UInt8) in UInt32(e) }
        case .short: self.loadChunked(i, view, chunks) { (e: Int16) in Int32(e) }
        case .ushort, .half: self.loadChunked(i, view, chunks) { (e: UInt16) in UInt32(e) }
        case .int, .uint, .float: self.loadChunked(i, view, chunks) { (e: UInt32) in e }
        case .long, .ulong, .double: self.loadChunked(i, view, chunks) { (e: UInt64) in e }
        }
    }

    @inline(__always) private func loadOwnedChunked<E, R: FixedWidthInteger>(
        _ i: Instruction, _ view: MemoryView, _ axes: UnsafePointer<MemoryAxis>,
        _ chunks: UnsafeMutablePointer<ChunkTable>, _ convert: (E) -> R
    ) {
        let d = self.pointer(i.d, R.self)
        let cells = view.cells?.assumingMemoryBound(to: E.self)
        let isUniform = i.form == .uniform
        let mask = self.pointer(i.c, UInt32.self)
        for k in 0..<(isUniform ? 1 : self.count) {
            let x = self.laneIndex(i, k)
            if !isUniform && mask[k] == 0 {
                d[k] = 0
            } else if let cells, let position = self.position(x, view, axes),
                UInt64(position) < view.cellCount
            {
                d[k] = convert(cells[Int(position)])
            } else {
                d[k] = x < view.count ? chunks.pointee.element(x, convert) : 0
            }
        }
    }

    @inline(never) func loadOwnedChunked(
        _ i: Instruction, _ view: MemoryView, _ axes: UnsafePointer<MemoryAxis>,
        _ chunks: UnsafeMutablePointer<ChunkTable>
    ) {
        switch i.element {
        case .char: self.loadOwnedChunked(i, view, axes, chunks) { (e: Int8) in Int32(e) }
        case .uchar, .bool:
            self.loadOwnedChunked(i, view, axes, chunks) { (e: UInt8) in UInt32(e) }
        case .short: self.loadOwnedChunked(i, view, axes, chunks) { (e: Int16) in Int32(e) }
        case .ushort, .half:
            self.loadOwnedChunked(i, view, axes, chunks) { (e: UInt16) in UInt32(e) }
        case .int, .uint, .float: self.loadOwnedChunked(i, view, axes, chunks) { (e: UInt32) in e }
        case .long, .ulong, .double:
            self.loadOwnedChunked(i, view, axes, chunks) { (e: UInt64) in e }
        }
    }
}
