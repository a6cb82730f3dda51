/// An upper bound of ``Gas`` for one launch: every branch counts both ways, every loop its bound.
struct GasBound {
    /// Of one group.
    let group: UInt64

    /// - Throws: `work.loop.bound` where a loop's bound has no value for these scalars.
    init(
        tree: Tree, manifest: Manifest, environment: ScalarExpression.Environment
    ) throws(WorkError) {
        var walker = Walker(fuel: manifest.fuel, environment: environment)
        let localBytes = tree.locals.reduce(0) { $0 + $1.bytes }
        let clears = tree.privates.map { 1 + UInt64($0.count) / 8 }
        let start = Gas.groupStart + UInt64(localBytes) / 64
        let body = try walker.cost(of: tree.body, clears: clears)
        self.group = Gas.multiplier(lanes: tree.lanes).saturatingProduct(start.saturatingSum(body))
    }

    /// - Throws: `work.gas.limit`.
    func ofGroups(_ count: UInt64, limit: UInt64) throws(WorkError) -> UInt64 {
        let gas = self.group.saturatingProduct(count)
        guard gas <= limit else {
            throw WorkError(
                "work.gas.limit",
                "\(count) groups may cost \(gas) gas, at most \(limit): lower groupsPerLeaf, "
                    + "fuel or "
                    + "the loop bounds, or split the job")
        }
        return gas
    }

    private struct Walker {
        let fuel: UInt64
        let environment: ScalarExpression.Environment

        mutating func cost(of block: Block, clears: [UInt64]) throws(WorkError) -> UInt64 {
            var sum: UInt64 = 0
            for statement in block {
                sum = sum.saturatingSum(try self.cost(of: statement, clears: clears))
            }
            return sum
        }

        private mutating func cost(
            of statement: Statement, clears: [UInt64]
        ) throws(WorkError) -> UInt64 {
            switch statement {
            case .assign(_, let value): return 1 + value.cost
            case .store(let store):
                return store.cells.reduce(1 + store.value.cost + store.place.index.cost) {
                    $0.saturatingSum($1.cost)
                }
            case .clear(let array): return clears[array]
            case .branch(let branch):
                return (1 + branch.condition.cost)
                    .saturatingSum(try self.cost(of: branch.then, clears: clears))
                    .saturatingSum(try self.cost(of: branch.otherwise, clears: clears))
            case .loop(let loop):
                let test = (1 + (loop.condition?.cost ?? 0))
                    .saturatingSum(try self.cost(of: loop.header, clears: clears))
                let round = try self.cost(of: loop.body, clears: clears)
                    .saturatingSum(try self.cost(of: loop.step, clears: clears))
                let times = try self.times(loop.bound)
                return times.saturatingSum(1).saturatingProduct(test)
                    .saturatingSum(times.saturatingProduct(round)).saturatingSum(1)
            case .scope(let body): return try self.cost(of: body, clears: clears)
            case .leave, .breakLoop, .continueLoop: return 1
            case .barrier: return Gas.barrier
            }
        }

        private func times(_ bound: LoopBound) throws(WorkError) -> UInt64 {
            switch bound {
            case .constant(let count): return count
            case .fuel: return self.fuel
            case .scalars(let expression):
                guard let value = expression.value(in: self.environment, within: LoopBounds.range),
                    let count = UInt64(exactly: value)
                else {
                    throw WorkError(
                        "work.loop.bound", "a loop bound \(expression.text) has no value here")
                }
                return count
            }
        }
    }
}

extension UInt64 {
    /// The sum, or the largest value.
    func saturatingSum(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The product, or the largest value.
    func saturatingProduct(_ other: UInt64) -> UInt64 {
        let (product, overflow) = self.multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}
