import Kernels
import Primitives

/// A second reading of the tree, lane by lane and number by number, that shares no code with the
/// referee: values are plain bits, arithmetic is 128-bit, masks are lists of lanes.
final class Oracle {
    private let tree: Tree
    private let geometry: Geometry
    private let inputs: [[UInt8]]
    private let fuel: UInt64

    private var group: [UInt32] = [0, 0, 0]
    private var variables: [[[UInt64]]] = []
    private var privates: [[[UInt64]]] = []
    private var locals: [[UInt64]] = []
    private var written: [[Int64: UInt64]] = []
    private var gone: Set<Int> = []
    private var waiting: Set<Int> = []
    private(set) var gas: UInt64 = 0

    init(_ kernel: Kernel, _ geometry: Geometry, _ inputs: [[UInt8]]) {
        self.tree = kernel.tree
        self.geometry = geometry
        self.inputs = inputs
        self.fuel = kernel.package.manifest.fuel
    }

    /// The slice of a leaf; ``gas`` is its gas afterwards.
    func run(leaf: UInt64) -> [UInt8] {
        self.gas = 0
        self.written = self.tree.buffers.map { _ in [:] }
        for number in self.geometry.groups(ofLeaf: leaf) { self.runGroup(number) }
        var bytes: [UInt8] = []
        for run in self.geometry.slice(leaf: leaf) {
            let width = UInt64(self.geometry.elementBytes[run.buffer])
            for cell in 0..<run.byteCount / width {
                let index = Int64(run.byteOffset / width + cell)
                let value = self.written[run.buffer][index] ?? self.original(run.buffer, index)
                bytes += (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
            }
        }
        return bytes
    }

    private func runGroup(_ number: UInt64) {
        self.group = self.geometry.coordinates(ofGroup: number)
        let lanes = self.tree.lanes
        self.variables = Array(
            repeating: self.tree.variables.map { Array(repeating: 0, count: $0.type.width) },
            count: lanes)
        self.privates = Array(
            repeating: self.tree.privates.map { Array(repeating: 0, count: $0.count) }, count: lanes
        )
        self.locals = self.tree.locals.map { Array(repeating: 0, count: $0.count) }
        self.gone = []
        let localBytes = self.tree.locals.reduce(0) { $0 + $1.bytes }
        self.charge(8 + UInt64(localBytes / 64))
        _ = self.run(self.tree.body, Array(0..<lanes))
    }

    private func charge(_ cost: UInt64) { self.gas += cost * UInt64(max(32, self.tree.lanes)) }

    // MARK: statements

    /// The lanes that go on behind the block.
    private func run(_ block: Block, _ start: [Int]) -> [Int] {
        var lanes = start
        for statement in block {
            if lanes.isEmpty { break }
            lanes = self.run(statement, lanes)
        }
        return lanes
    }

    private func run(_ statement: Statement, _ lanes: [Int]) -> [Int] {
        switch statement {
        case .assign(let variable, let value):
            self.charge(1 + value.cost)
            for lane in lanes { self.variables[lane][variable] = self.value(value, lane) }
        case .store(let store): self.run(store, lanes)
        case .clear(let array):
            let count = self.tree.privates[array].count
            self.charge(1 + UInt64(count / 8))
            for lane in lanes { self.privates[lane][array] = Array(repeating: 0, count: count) }
        case .branch(let branch):
            self.charge(1 + branch.condition.cost)
            let taken = lanes.filter { self.truth(branch.condition, $0) }
            let other = lanes.filter { !taken.contains($0) }
            return (self.run(branch.then, taken) + self.run(branch.otherwise, other)).sorted()
        case .loop(let loop): return self.run(loop, lanes)
        case .scope(let body):
            let outer = self.gone
            _ = self.run(body, lanes)
            self.gone = outer
        case .leave:
            self.charge(1)
            self.gone.formUnion(lanes)
            return []
        case .breakLoop:
            self.charge(1)
            return []
        case .continueLoop:
            self.charge(1)
            self.waiting.formUnion(lanes)
            return []
        case .barrier: self.charge(4)
        }
        return lanes
    }

    private func run(_ loop: Loop, _ lanes: [Int]) -> [Int] {
        self.charge(1)
        let outerWaiting = self.waiting
        defer { self.waiting = outerWaiting }
        var active = lanes
        var round: UInt64 = 0
        while !active.isEmpty {
            if round > 0 || loop.testsFirst {
                active = self.run(loop.header, active)
                self.charge(1 + (loop.condition?.cost ?? 0))
                if let condition = loop.condition {
                    active = active.filter { self.truth(condition, $0) }
                }
            }
            if active.isEmpty { break }
            if case .fuel = loop.bound, round == self.fuel { break }
            self.waiting = []
            active = self.run(loop.body, active)
            active = (active + self.waiting).sorted()
            active = self.run(loop.step, active)
            round += 1
        }
        return lanes.filter { !self.gone.contains($0) }
    }

    private func run(_ store: Store, _ lanes: [Int]) {
        self.charge(
            1 + store.value.cost + store.place.index.cost + store.cells.reduce(0) { $0 + $1.cost })
        let planned = lanes.map { lane in
            (
                lane, signed(self.value(store.place.index, lane)[0], 64),
                self.canonical(self.value(store.value, lane)[0], store.value.type.base),
                store.cells.map { Int64(signed(self.value($0, lane)[0], 64)) }
            )
        }
        for (lane, wide, value, cells) in planned {
            let index = Int64(wide)
            switch store.place.object {
            case .local(let n):
                if index >= 0, index < self.locals[n].count { self.locals[n][Int(index)] = value }
            case .privately(let n):
                if index >= 0, index < self.privates[lane][n].count {
                    self.privates[lane][n][Int(index)] = value
                }
            case .buffer(let n):
                guard let box = self.geometry.boxes[n] else { continue }
                let ranges = box.ranges(ofGroup: self.group)
                if cells.isEmpty {
                    guard box.owns(index, in: ranges) else { continue }
                } else {
                    guard zip(cells, ranges).allSatisfy({ $1.contains($0) }) else { continue }
                }
                self.written[n][index] = value
            case .constant: break
            }
        }
    }

    // MARK: memory

    private func original(_ buffer: Int, _ index: Int64) -> UInt64 {
        let type = self.tree.buffers[buffer].element
        let offset = Int(index) * type.bytes
        let data = self.inputs[buffer]
        guard self.tree.buffers[buffer].role.isRead, index >= 0,
            UInt64(index) < self.geometry.launch.buffers[buffer].elements, offset < data.count
        else { return 0 }
        return (0..<type.bytes).reduce(UInt64(0)) {
            $0 | UInt64(data[offset + $1]) << UInt64(8 * $1)
        }
    }

    private func read(_ place: Place, _ lane: Int) -> UInt64 {
        let index = Int64(signed(self.value(place.index, lane)[0], 64))
        switch place.object {
        case .local(let n): return self.element(self.locals[n], index)
        case .privately(let n): return self.element(self.privates[lane][n], index)
        case .constant(let n): return self.element(self.tree.constants[n].values, index)
        case .buffer(let n):
            guard index >= 0, UInt64(index) < self.geometry.launch.buffers[n].elements else {
                return 0
            }
            if let box = self.geometry.boxes[n] {
                let ranges = box.ranges(ofGroup: self.group)
                if box.owns(index, in: ranges), let value = self.written[n][index] { return value }
            }
            return self.original(n, index)
        }
    }

    private func element(_ values: [UInt64], _ index: Int64) -> UInt64 {
        index >= 0 && index < values.count ? values[Int(index)] : 0
    }

    // MARK: values

    private func canonical(_ bits: UInt64, _ type: ScalarType) -> UInt64 {
        type == .float && Float(bitPattern: UInt32(bits)).isNaN ? 0x7fc0_0000 : bits
    }

    private func truth(_ expression: Expression, _ lane: Int) -> Bool {
        OracleArithmetic.isTrue(self.value(expression, lane)[0], expression.type.base)
    }

    private func value(_ expression: Expression, _ lane: Int) -> [UInt64] {
        typealias A = OracleArithmetic
        let type = expression.type.base
        switch expression.node {
        case .constant(let bits): return [bits]
        case .scalar(let number): return [self.geometry.launch.scalars[number].bits]
        case .variable(let number): return self.variables[lane][number]
        case .query(let query, let axis): return [self.query(query, axis, lane)]
        case .load(let place): return [self.read(place, lane)]
        case .unary(let operation, let a):
            return self.value(a, lane).map { A.unary(operation, $0, type) }
        case .binary(let operation, let a, let b):
            return zip(self.value(a, lane), self.value(b, lane)).map {
                A.binary(operation, $0, $1, type)
            }
        case .compare(let operation, let a, let b):
            let yes = expression.type.isScalar ? 1 : A.wrap(-1, type)
            return zip(self.value(a, lane), self.value(b, lane)).map {
                A.compare(operation, $0, $1, a.type.base) ? yes : 0
            }
        case .not(let a): return [self.truth(a, lane) ? 0 : 1]
        case .and(let a, let b): return [self.truth(a, lane) && self.truth(b, lane) ? 1 : 0]
        case .or(let a, let b): return [self.truth(a, lane) || self.truth(b, lane) ? 1 : 0]
        case .choose(let condition, let a, let b):
            return self.value(self.truth(condition, lane) ? a : b, lane)
        case .cast(let mode, let a):
            return self.value(a, lane).map { A.cast(mode, $0, from: a.type.base, to: type) }
        case .call(let builtin, let operands): return self.call(builtin, operands, type, lane)
        case .build(let parts): return parts.map { self.value($0, lane)[0] }
        case .extract(let vector, let positions):
            let all = self.value(vector, lane)
            return positions.map { all[$0] }
        case .insert(let vector, let positions, let part):
            var all = self.value(vector, lane)
            for (position, value) in zip(positions, self.value(part, lane)) {
                all[position] = value
            }
            return all
        }
    }

    private func call(
        _ builtin: Builtin, _ operands: [Expression], _ type: ScalarType, _ lane: Int
    ) -> [UInt64] {
        let values = operands.map { self.value($0, lane) }
        let width = values.map(\.count).max() ?? 1
        return (0..<width).map { index in
            OracleArithmetic.call(
                builtin, values.map { $0[$0.count == 1 ? 0 : index] }, operands.map(\.type))
        }
    }

    private func query(_ query: Query, _ axis: Int, _ lane: Int) -> UInt64 {
        let size = self.tree.localSize.map(UInt64.init)
        let local = UInt64(lane) / size[..<axis].reduce(1, *) % size[axis]
        switch query {
        case .localID: return local
        case .groupID: return UInt64(self.group[axis])
        case .globalID: return UInt64(self.group[axis]) * size[axis] + local
        case .numGroups: return UInt64(self.geometry.launch.groups.array[axis])
        }
    }
}
