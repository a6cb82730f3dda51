import Gossip

/// The connections that are being dialled or are open, by id. Lives on the event loop.
///
/// Accepted ones get odd ids here; those that Gossip dials are even.
struct ConnectionTable {
    private enum Entry {
        case dialling
        case open(SessionDriver)
    }

    private var entries: [ConnectionID: Entry] = [:]
    private var nextAccepted: ConnectionID = 1

    /// A number for an accepted connection.
    mutating func acceptedID() -> ConnectionID {
        defer { self.nextAccepted &+= 2 }
        return self.nextAccepted
    }

    /// Notes a dial; false if the id is in use.
    mutating func dial(_ id: ConnectionID) -> Bool {
        guard self.entries[id] == nil else { return false }
        self.entries[id] = .dialling
        return true
    }

    /// True while a dial is wanted.
    func isDialling(_ id: ConnectionID) -> Bool {
        if case .dialling = self.entries[id] { true } else { false }
    }

    mutating func open(_ driver: SessionDriver) { self.entries[driver.id] = .open(driver) }

    /// The driver of an open connection.
    subscript(_ id: ConnectionID) -> SessionDriver? {
        if case .open(let driver) = self.entries[id] { driver } else { nil }
    }

    mutating func remove(_ id: ConnectionID) { self.entries.removeValue(forKey: id) }

    /// Every id, in order.
    var ids: [ConnectionID] { self.entries.keys.sorted() }
}
