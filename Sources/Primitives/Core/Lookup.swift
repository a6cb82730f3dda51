/// A hash table that answers for a key and cannot be iterated: its order would differ from run to
/// run.
package struct Lookup<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var table: [Key: Value] = [:]

    /// An empty table.
    package init() {}

    /// The number of keys.
    package var count: Int { self.table.count }

    /// True without keys.
    package var isEmpty: Bool { self.table.isEmpty }

    /// The value of a key; assigning nil removes it.
    package subscript(key: Key) -> Value? {
        get { self.table[key] }
        set { self.table[key] = newValue }
    }

    /// Removes a key and answers its value.
    @discardableResult
    package mutating func removeValue(for key: Key) -> Value? {
        self.table.removeValue(forKey: key)
    }

    /// Removes everything.
    package mutating func removeAll() { self.table.removeAll() }
}

extension Lookup: Equatable where Value: Equatable {}
extension Lookup: Hashable where Value: Hashable {}
