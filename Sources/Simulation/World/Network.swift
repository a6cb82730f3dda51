internal import DequeModule
import Gossip
internal import OrderedCollections
import Primitives

/// What lies between machines: connections that keep their order, datagrams that do not.
///
/// A connection is two pipes. What is sent into one arrives in order, late, or never: while its
/// link is cut it waits; after `stallNs` the connection breaks on both sides.
///
/// - Bounds: one entry per open connection; closed ones are forgotten at once.
struct Network {
    /// One direction between two machines.
    struct Link {
        /// One-way delay without jitter.
        var delayNs: UInt64
        var jitterNs: UInt64
        var nsPerByte: UInt64
        /// Cuts in force; partitions may overlap.
        var cuts = 0
    }

    /// A machine's side of a connection.
    struct End {
        let host: Int
        let generation: Int
        /// What the machine calls the connection; 0 until accepted.
        var id: ConnectionID
        /// The machine hung up: nothing more reaches it.
        var isClosed = false
    }

    /// What travels in a connection.
    enum Item {
        case message(TrafficClass, [UInt8])
        case close(reason: String)
    }

    struct Pipe {
        var items: Deque<(at: UInt64, item: Item)> = []
        var lastAt: UInt64 = 0
        var freeAt: UInt64 = 0
        var isStalled = false
    }

    struct Connection {
        let purpose: Purpose
        /// The dialler, then the acceptor.
        var ends: [End]
        var pipes = [Pipe(), Pipe()]
        /// Counts stalls, so that an old time-out is known as such.
        var stalls = 0
    }

    /// After so long without the link a connection breaks; a dial that nobody hears, too.
    static let stallNs: UInt64 = 8_000_000_000
    static let dialNs: UInt64 = 3_000_000_000
    /// Bytes that every message and datagram costs beside its own.
    static let overheadBytes: UInt64 = 80

    let count: Int
    private var links: [Link]
    private(set) var connections: OrderedDictionary<Int, Connection> = [:]
    private var numbers = Lookup<Name, Int>()
    private var nextNumber = 0
    private var accepted: [ConnectionID]

    private struct Name: Hashable {
        let host: Int
        let generation: Int
        let id: ConnectionID
    }

    init(count: Int, link: (Int, Int) -> Link) {
        self.count = count
        self.links = (0..<count * count).map { link($0 / count, $0 % count) }
        self.accepted = Array(repeating: 1, count: count)
    }

    /// The link from one machine to another.
    subscript(from: Int, to: Int) -> Link {
        get { self.links[from * self.count + to] }
        set { self.links[from * self.count + to] = newValue }
    }

    // MARK: Connections

    /// Remembers a connection that its dialler names `id`; its number.
    mutating func open(_ dialler: End, to host: Int, _ purpose: Purpose) -> Int {
        let number = self.nextNumber
        self.nextNumber += 1
        let acceptor = End(host: host, generation: -1, id: 0)
        self.connections[number] = Connection(purpose: purpose, ends: [dialler, acceptor])
        self.numbers[
            Name(host: dialler.host, generation: dialler.generation, id: dialler.id)] = number
        return number
    }

    /// The acceptor takes it; nothing reaches the dialler before `readyAt`.
    mutating func accept(_ number: Int, generation: Int, readyAt: UInt64) -> ConnectionID? {
        guard let host = self.connections[number]?.ends[1].host else { return nil }
        let id = self.accepted[host]
        self.accepted[host] += 2
        self.connections[number]?.ends[1] = End(host: host, generation: generation, id: id)
        self.connections[number]?.pipes[1].lastAt = readyAt
        self.numbers[Name(host: host, generation: generation, id: id)] = number
        return id
    }

    /// The connection that a machine calls `id`, and which of its ends the machine is.
    func find(_ host: Int, _ generation: Int, _ id: ConnectionID) -> (number: Int, end: Int)? {
        let name = Name(host: host, generation: generation, id: id)
        guard let number = self.numbers[name], let connection = self.connections[number] else {
            return nil
        }
        return (number, connection.ends[0].host == host && connection.ends[0].id == id ? 0 : 1)
    }

    /// Numbers of the connections that a machine has an end of.
    func numbers(of host: Int) -> [Int] {
        self.connections.filter { $0.value.ends.contains { $0.host == host } }.map(\.key)
    }

    /// One side hangs up; the other will see it.
    mutating func hangUp(_ number: Int, end: Int) {
        self.connections[number]?.ends[end].isClosed = true
    }

    mutating func forget(_ number: Int) {
        for end in self.connections[number]?.ends ?? [] {
            self.numbers[Name(host: end.host, generation: end.generation, id: end.id)] = nil
        }
        self.connections[number] = nil
    }

    // MARK: Pipes

    /// Puts an item into the pipe of one end; when it arrives at the other.
    mutating func send(
        _ item: Item, _ number: Int, from end: Int, now: UInt64, extraNs: UInt64
    ) -> UInt64? {
        guard let connection = self.connections[number] else { return nil }
        let link = self[connection.ends[end].host, connection.ends[1 - end].host]
        var pipe = connection.pipes[end]
        let bytes: UInt64
        switch item {
        case .message(_, let message): bytes = UInt64(message.count) + Self.overheadBytes
        case .close: bytes = Self.overheadBytes
        }
        pipe.freeAt = max(pipe.freeAt, now) + bytes * link.nsPerByte
        let at = max(pipe.lastAt + 1, pipe.freeAt + link.delayNs + extraNs)
        pipe.lastAt = at
        pipe.items.append((at, item))
        self.connections[number]?.pipes[end] = pipe
        return at
    }

    /// What has arrived from one end by `now`; nil and a stall if the link is cut.
    mutating func arrivals(_ number: Int, from end: Int, now: UInt64) -> [Item]? {
        guard let connection = self.connections[number] else { return [] }
        let link = self[connection.ends[end].host, connection.ends[1 - end].host]
        guard link.cuts == 0 else {
            self.connections[number]?.pipes[end].isStalled = true
            return nil
        }
        guard !connection.pipes[end].isStalled else { return [] }
        var items: [Item] = []
        while let first = self.connections[number]?.pipes[end].items.first, first.at <= now {
            items.append(first.item)
            self.connections[number]?.pipes[end].items.removeFirst()
        }
        return items
    }

    /// The link is back: what waited is sent again. When each item arrives.
    mutating func resume(_ number: Int, from end: Int, now: UInt64) -> [UInt64] {
        guard var connection = self.connections[number], connection.pipes[end].isStalled else {
            return []
        }
        let link = self[connection.ends[end].host, connection.ends[1 - end].host]
        guard link.cuts == 0 else { return [] }
        connection.pipes[end].isStalled = false
        connection.stalls += 1
        var times: [UInt64] = []
        for index in connection.pipes[end].items.indices {
            let old = connection.pipes[end].items[index].at
            let at = max(old, now + link.delayNs) + UInt64(clamping: index)
            connection.pipes[end].items[index].at = at
            times.append(at)
        }
        connection.pipes[end].lastAt = max(connection.pipes[end].lastAt, times.last ?? 0)
        self.connections[number] = connection
        return times
    }
}
