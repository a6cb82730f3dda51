/// Prepares memory for the groups of one leaf and runs them one after the other.
struct LeafRunner {
    let program: Program
    let geometry: Geometry
    let frame: Frame
    let constants: UnsafeMutableRawPointer?
    let gasLimit: UInt64
    /// For each axis, the local id of each lane, padding lanes too.
    let localIDs: [[UInt64]]

    /// - Returns: the gas used, or nil when it passed the limit.
    func run(
        leaf: UInt64, inputs: [[UInt8]], outputs: inout Outputs, chunks: inout ChunkReads
    ) -> UInt64? {
        var views = self.program.objects.map { object in
            switch object.kind {
            case .input, .owned: MemoryView()
            case .local(let offset), .privately(let offset):
                MemoryView(base: self.frame.base + offset, count: UInt64(object.count))
            case .constant(let offset):
                MemoryView(base: self.constants.map { $0 + offset }, count: UInt64(object.count))
            }
        }
        self.presetLaunch()
        return self.bind(0, inputs, &outputs, &views, &chunks) { views, outputs in
            self.runGroups(ofLeaf: leaf, views: &views, cells: outputs)
        }
    }

    /// Pins input and output of buffer `number` and all later ones, then calls `body`.
    private func bind(
        _ number: Int, _ inputs: [[UInt8]], _ outputs: inout Outputs, _ views: inout [MemoryView],
        _ chunks: inout ChunkReads,
        _ body: (inout [MemoryView], [UnsafeMutableRawPointer?]) -> UInt64?
    ) -> UInt64? {
        var pinned: [UnsafeMutableRawPointer?] = []
        return self.bind(number, inputs, &outputs.cells, &views, &chunks, &pinned, body)
    }

    private func bind(
        _ number: Int, _ inputs: [[UInt8]], _ cells: inout [[UInt64]], _ views: inout [MemoryView],
        _ chunks: inout ChunkReads, _ pinned: inout [UnsafeMutableRawPointer?],
        _ body: (inout [MemoryView], [UnsafeMutableRawPointer?]) -> UInt64?
    ) -> UInt64? {
        guard number < inputs.count else { return body(&views, pinned) }
        // Inputs are only read; the view's pointer is mutable because locals share its type.
        return inputs[number].withUnsafeBytes { input in
            let elements = self.geometry.launch.buffers[number].elements
            return chunks.withTable(of: number, bytes: input.baseAddress) { chunks, table in
                let isFlat = table == nil && !input.isEmpty
                views[number].chunks = table
                views[number].base =
                    isFlat ? UnsafeMutableRawPointer(mutating: input.baseAddress) : nil
                views[number].count = table == nil && input.isEmpty ? 0 : elements
                var own = cells[number]
                cells[number] = []
                defer { cells[number] = own }
                return own.withUnsafeMutableBytes { own in
                    pinned.append(own.baseAddress)
                    return self.bind(
                        number + 1, inputs, &cells, &views, &chunks, &pinned, body)
                }
            }
        }
    }

    private func runGroups(
        ofLeaf leaf: UInt64, views: inout [MemoryView], cells: [UnsafeMutableRawPointer?]
    ) -> UInt64? {
        var gas: UInt64 = 0
        var offsets = Array(repeating: 0, count: cells.count)
        var axes = self.emptyAxes(&views)
        for group in self.geometry.groups(ofLeaf: leaf) {
            let coordinates = self.geometry.coordinates(ofGroup: group)
            self.presetGroup(coordinates)
            for (number, box) in self.geometry.boxes.enumerated() {
                guard let box else { continue }
                views[number].cells = cells[number].map { $0 + offsets[number] }
                let ranges = box.ranges(ofGroup: coordinates)
                Self.place(box, ranges, &views[number], &axes)
                self.copyInput(box, ranges, views[number], number)
                let bytes = views[number].cellCount * UInt64(self.geometry.elementBytes[number])
                offsets[number] += Int(truncatingIfNeeded: bytes)
            }
            let ended = self.program.code.withUnsafeBufferPointer { code in
                views.withUnsafeBufferPointer { views in
                    axes.withUnsafeBufferPointer { axes in
                        guard let code = code.baseAddress, let views = views.baseAddress,
                            let axes = axes.baseAddress
                        else { return true }
                        return Machine(
                            frame: self.frame, code: code, views: views, axes: axes,
                            multiplier: Gas.multiplier(lanes: self.program.lanes),
                            gasLimit: self.gasLimit
                        ).run(gas: &gas)
                    }
                }
            }
            guard ended else { return nil }
        }
        return gas
    }

    // MARK: written buffers

    /// Room for the axes of all boxes, twice: in the manifest's order and in address order.
    private func emptyAxes(_ views: inout [MemoryView]) -> [MemoryAxis] {
        var axes = [MemoryAxis.nothing]
        for (number, box) in self.geometry.boxes.enumerated() {
            guard let box else { continue }
            views[number].axes = axes.count
            views[number].axisCount = box.axes.count
            axes += Array(repeating: .nothing, count: 2 * box.axes.count)
        }
        return axes
    }

    private static func place(
        _ box: Geometry.Box, _ ranges: [Range<Int64>], _ view: inout MemoryView,
        _ axes: inout [MemoryAxis]
    ) {
        view.origin = UInt64(clamping: box.origin)
        view.cellCount = box.count(in: ranges)
        var dense: UInt32 = 1
        for (position, number) in box.order.enumerated().reversed() {
            let (axis, range) = (box.axes[number], ranges[number])
            let stride = UInt64(clamping: max(axis.stride, 1))
            let prepared = MemoryAxis(
                lower: UInt64(clamping: range.lowerBound), extent: UInt64(clamping: range.count),
                stride: stride, reciprocal: stride == 1 ? 0 : UInt64.max / stride + 1,
                dense: dense, isPoint: axis.limit == 1)
            axes[view.axes + number] = prepared
            axes[view.axes + box.axes.count + position] = prepared
            dense = dense &* UInt32(clamping: range.count)
        }
    }

    /// An `inout` buffer's cells start as the launch's input.
    private func copyInput(
        _ box: Geometry.Box, _ ranges: [Range<Int64>], _ view: MemoryView, _ number: Int
    ) {
        guard var target = view.cells, view.base != nil || view.chunks != nil else { return }
        let width = self.geometry.elementBytes[number]
        box.forEachRun(in: ranges) { first, count in
            let (start, bytes) = (Int(first) * width, Int(count) * width)
            guard first >= 0, UInt64(first + count) <= view.count else { return }
            if let input = view.base {
                target.copyMemory(from: input + start, byteCount: bytes)
            } else if let chunks = view.chunks {
                chunks.pointee.copy(bytes: UInt64(start)..<UInt64(start + bytes), to: target)
            }
            target += bytes
        }
    }

    // MARK: registers

    /// What is the same for all groups.
    private func presetLaunch() {
        let mask = self.frame.pointer(self.program.fullMask, UInt32.self)
        for k in 0..<self.frame.width { mask[k] = k < self.frame.lanes ? ~0 : 0 }
        self.frame.pointer(0, UInt64.self)[0] = 0
        for preset in self.program.presets {
            switch preset {
            case .constant(let offset, let bits): self.frame.pointer(offset, UInt64.self)[0] = bits
            case .scalar(let offset, let number):
                let scalar = self.geometry.launch.scalars[number]
                self.frame.pointer(offset, UInt64.self)[0] = scalar.type.registerBits(scalar.bits)
            case .query(let offset, .localID, let axis):
                self.fill(offset, axis, from: 0)
            case .query(let offset, .numGroups, let axis):
                let groups = self.geometry.launch.groups.array[axis]
                self.frame.pointer(offset, UInt64.self)[0] = UInt64(groups)
            case .query, .zero: break
            }
        }
    }

    private func presetGroup(_ coordinates: [UInt32]) {
        self.clear(self.program.localRange)
        for range in self.program.clearedPrivates { self.clear(range) }
        for preset in self.program.presets {
            switch preset {
            case .query(let offset, .groupID, let axis):
                self.frame.pointer(offset, UInt64.self)[0] = UInt64(coordinates[axis])
            case .query(let offset, .globalID, let axis):
                let first = UInt64(coordinates[axis]) * UInt64(self.program.localSize[axis])
                self.fill(offset, axis, from: first)
            case .zero(let offset, let isUniform, let isWide):
                let start = Int(offset)
                self.clear(start..<start + (isUniform ? 8 : self.frame.width * (isWide ? 8 : 4)))
            case .constant, .scalar, .query: break
            }
        }
    }

    /// A row of local ids, counted from `first`.
    private func fill(_ offset: Int32, _ axis: Int, from first: UInt64) {
        let row = self.frame.pointer(offset, UInt64.self)
        self.localIDs[axis].withUnsafeBufferPointer { ids in
            for k in 0..<min(ids.count, self.frame.width) { row[k] = first &+ ids[k] }
        }
    }

    private func clear(_ range: Range<Int>) {
        (self.frame.base + range.lowerBound)
            .initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }
}
