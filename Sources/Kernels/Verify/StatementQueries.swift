extension Statement {
    /// Blocks directly inside.
    var blocks: [Block] {
        switch self {
        case .branch(let branch): [branch.then, branch.otherwise]
        case .loop(let loop): [loop.header, loop.body, loop.step]
        case .scope(let body): [body]
        case .assign, .store, .clear, .leave, .breakLoop, .continueLoop, .barrier: []
        }
    }

    /// Stores in it.
    var storeCount: Int {
        if case .store = self { return 1 }
        return self.blocks.reduce(0) { $0 + $1.reduce(0) { $0 + $1.storeCount } }
    }

    /// Whether it breaks the loop that it stands in.
    var leavesLoop: Bool {
        switch self {
        case .breakLoop: true
        case .branch(let branch):
            branch.then.contains(where: \.leavesLoop)
                || branch.otherwise.contains(where: \.leavesLoop)
        case .assign, .store, .clear, .loop, .scope, .leave, .continueLoop, .barrier: false
        }
    }

    fileprivate func collect(into variables: inout [Int]) {
        if case .assign(let variable, _) = self { variables.append(variable) }
        for block in self.blocks { for statement in block { statement.collect(into: &variables) } }
    }
}

extension Block {
    /// Variables that are assigned anywhere inside, ascending, once each.
    var assignedVariables: [Int] {
        var variables: [Int] = []
        for statement in self { statement.collect(into: &variables) }
        var result: [Int] = []
        for variable in variables.sorted() where result.last != variable { result.append(variable) }
        return result
    }

    /// Whether lanes that enter never get past it.
    var endsLeaving: Bool {
        switch self.last {
        case .leave, .breakLoop, .continueLoop: true
        default: false
        }
    }
}

extension Loop {
    var assignedVariables: [Int] { (self.header + self.body + self.step).assignedVariables }

    var touchesBarriers: Bool {
        (self.header + self.body + self.step).contains(where: \.hasBarrier)
    }
}
