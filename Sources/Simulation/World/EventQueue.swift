/// Events by time, and among those of one time in the order in which they were added.
///
/// A binary heap: adding and taking cost a logarithm of the number that waits.
///
/// - Invariant: no entry is before its parent.
struct EventQueue<Event> {
    /// One event and when it happens.
    struct Entry {
        let at: UInt64
        let sequence: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            self.at == other.at ? self.sequence < other.sequence : self.at < other.at
        }
    }

    private var heap: [Entry] = []
    private var next: UInt64 = 0

    var count: Int { self.heap.count }

    /// When the first event happens; nil if there is none.
    var firstAt: UInt64? { self.heap.first?.at }

    mutating func add(_ event: Event, at: UInt64) {
        self.heap.append(Entry(at: at, sequence: self.next, event: event))
        self.next += 1
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].isBefore(self.heap[parent]) else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the first event out.
    mutating func pop() -> Entry? {
        guard let last = self.heap.popLast() else { return nil }
        guard let first = self.heap.first else { return last }
        self.heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < self.heap.count && self.heap[child].isBefore(self.heap[least]) {
                least = child
            }
            guard least != parent else { return first }
            self.heap.swapAt(parent, least)
            parent = least
        }
    }
}
