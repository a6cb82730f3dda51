/// Runs the code of one group in lockstep: one instruction moves all lanes.
struct Machine {
    let frame: Frame
    let code: UnsafePointer<Instruction>
    let views: UnsafePointer<MemoryView>
    let axes: UnsafePointer<MemoryAxis>
    /// Gas per unit of cost: the lanes that are charged.
    let multiplier: UInt64
    let gasLimit: UInt64

    /// Runs to the end, adding to `gas`.
    ///
    /// - Returns: false as soon as the gas is over the limit. It always ends: each round of each
    ///   loop is charged.
    func run(gas: inout UInt64) -> Bool {
        var counter = 0
        while true {
            let i = self.code[counter]
            counter += 1
            switch i.operation {
            case .binary32(let operation): self.frame.run(operation, i)
            case .binary64(let operation): self.frame.run(operation, i)
            case .compare64(let operation): self.frame.run(operation, i)
            case .unary32(let operation): self.frame.run(operation, i)
            case .unary64(let operation): self.frame.run(operation, i)
            case .widen(let operation): self.frame.run(operation, i)
            case .narrow(let operation): self.frame.run(operation, i)
            case .ternary(let operation): self.frame.run(operation, i)
            case .mask(let operation): self.frame.run(operation, i)
            case .memory(let operation): self.run(operation, i)
            case .control(let control):
                switch control {
                case .jump: counter = Int(truncatingIfNeeded: i.immediate)
                case .jumpIfFalse:
                    if self.frame.pointer(i.a, UInt32.self)[0] == 0 {
                        counter = Int(truncatingIfNeeded: i.immediate)
                    }
                case .jumpIfTrue:
                    if self.frame.pointer(i.a, UInt32.self)[0] != 0 {
                        counter = Int(truncatingIfNeeded: i.immediate)
                    }
                case .jumpIfNone:
                    if self.frame.isEmpty(i.a) { counter = Int(truncatingIfNeeded: i.immediate) }
                case .gas:
                    // Below 2^40 units of at most 2^10 on top of a limit far below 2^63.
                    gas &+= UInt64(truncatingIfNeeded: i.immediate) &* self.multiplier
                    if gas > self.gasLimit { return false }
                case .halt: return true
                }
            }
        }
    }

    @inline(__always) private func run(_ operation: MemoryOperation, _ i: Instruction) {
        let view = self.views[Int(i.immediate & 0xffff)]
        switch operation {
        case .load: self.frame.load(i, view)
        case .loadPrivate: self.frame.loadPrivate(i, view)
        case .loadOwned: self.frame.loadOwned(i, view, self.axes)
        case .store: self.frame.store(i, view)
        case .storePrivate: self.frame.storePrivate(i, view)
        case .locate: self.frame.locate(i, view, self.axes)
        case .firstCell, .nextCell:
            let number = Int(truncatingIfNeeded: i.immediate >> 16)
            // One cell for each axis; a surplus one would own nothing.
            let axis = number < view.axisCount ? self.axes[view.axes + number] : .nothing
            self.frame.addCell(i, view, axis, isFirst: operation == .firstCell)
        case .storeOwned: self.frame.storeOwned(i, view)
        case .clear: self.frame.clear(i, view)
        }
    }
}
