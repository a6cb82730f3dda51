internal import Primitives

/// One read or write of shared memory, with what is known about who touches which cell.
struct Access: Hashable, Sendable {
    /// One number of the cell's place: what depends on the lane alone, and the rest.
    struct Coordinate: Hashable, Sendable {
        let lanes: [Int64]
        let rest: Polynomial
        /// The rest is one value for the whole launch of a group.
        let isFixed: Bool
    }

    let object: ObjectID
    let isStore: Bool
    /// Barriers (and the start) that may be the last before it, ascending.
    let intervals: [Int]
    /// The index, then, for a store that has them, its cells.
    let coordinates: [Coordinate]
    /// Lanes that may be active.
    let mask: [Bool]
    let position: Position
}

/// Barriers (and the start, 0) that may be the last before a point; ascending.
struct Intervals: Hashable, Sendable {
    /// For local memory: all barriers.
    var local = [0]
    /// For buffers: barriers with a global fence.
    var global = [0]

    func union(_ other: Intervals) -> Intervals {
        var result = self
        result.local = Self.union(self.local, other.local)
        result.global = Self.union(self.global, other.global)
        return result
    }

    private static func union(_ left: [Int], _ right: [Int]) -> [Int] {
        (left + right.filter { !left.contains($0) }).sorted()
    }
}

/// Proves that no two lanes touch one cell, of which one is a write, between two barriers.
///
/// Two accesses are compared in the coordinates whose rests are the same fixed polynomial; if no
/// two different lanes agree there, they never meet. Accesses are compared where the sets of
/// possible last barriers meet.
enum RaceProof {
    /// Accesses of one object, and lanes visited for one kernel.
    static let accessesMax = 512
    static let budget = 1 << 21
    /// Accesses recorded in one kernel, repetitions included.
    static let recordsMax = 4_096

    /// - Throws: `kernel.local.race.unproved`, `kernel.global.race.unproved`, `kernel.limit.race`.
    static func check(_ accesses: [Access]) throws(KernelError) {
        var objects: [(ObjectID, [Access])] = []
        var seen = Lookup<Access, Bool>()
        for access in accesses {
            guard seen[access] == nil else { continue }
            seen[access] = true
            if let number = objects.firstIndex(where: { $0.0 == access.object }) {
                objects[number].1.append(access)
            } else {
                objects.append((access.object, [access]))
            }
        }
        var spent = 0
        for (object, list) in objects where list.contains(where: \.isStore) {
            guard list.count <= Self.accessesMax else { throw Self.tooMuch(list[0]) }
            for (number, first) in list.enumerated() {
                for second in list[number...] where first.isStore || second.isStore {
                    guard Self.meet(first.intervals, second.intervals) else { continue }
                    spent += first.mask.count
                    guard spent <= Self.budget else { throw Self.tooMuch(first) }
                    guard Self.areDisjoint(first, second) else {
                        throw Self.unproved(first.isStore ? first : second, object)
                    }
                }
            }
        }
    }

    private static func meet(_ left: [Int], _ right: [Int]) -> Bool {
        left.contains { right.contains($0) }
    }

    private static func tooMuch(_ access: Access) -> KernelError {
        KernelError(
            code: "kernel.limit.race", line: access.position.line,
            column: access.position.column, message: "too many accesses to prove free of races",
            fix: "use fewer distinct accesses to one array")
    }

    private static func unproved(_ access: Access, _ object: ObjectID) -> KernelError {
        if case .local = object {
            return KernelError(
                code: "kernel.local.race.unproved", line: access.position.line,
                column: access.position.column,
                message: "two lanes may touch this cell of local memory between two barriers",
                fix:
                    "index with local ids and constants, and put a barrier between writing and "
                    + "reading"
            )
        }
        return KernelError(
            code: "kernel.global.race.unproved", line: access.position.line,
            column: access.position.column, message: "two lanes of a group may write this cell",
            fix: "let each lane write cells of its own, with an index that follows from its id, "
                + "let one lane write: if (get_local_id(0) == 0); and sum up in a variable, not "
                + "in the buffer")
    }

    /// Whether no two different active lanes can touch one cell.
    private static func areDisjoint(_ first: Access, _ second: Access) -> Bool {
        var usable: [Int] = []
        for number in first.coordinates.indices where number < second.coordinates.count {
            let (a, b) = (first.coordinates[number], second.coordinates[number])
            if a.isFixed && b.isFixed && a.rest == b.rest { usable.append(number) }
        }
        func key(_ access: Access, _ lane: Int) -> [Int64] {
            usable.map { access.coordinates[$0].lanes[lane] }
        }
        // The lane that has a key, or -1 for several.
        var owners = Lookup<[Int64], Int>()
        for lane in first.mask.indices where first.mask[lane] {
            let place = key(first, lane)
            owners[place] = owners[place] == nil ? lane : -1
        }
        for lane in second.mask.indices where second.mask[lane] {
            if let owner = owners[key(second, lane)], owner != lane { return false }
        }
        return true
    }
}
