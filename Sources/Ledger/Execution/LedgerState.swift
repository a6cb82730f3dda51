internal import OrderedCollections
package import Primitives

/// The state while a block is executed: a working layer on a stack, with savepoints and meters.
///
/// Operations read and write records of tables here and change balances through the ledger's own
/// operations. Row reads that fail are kept in ``fault``: reads answer nil from then on, nothing
/// may be concluded, and ``seal()`` throws.
///
/// - Invariant: rows written equal to what they were, and rows made and deleted again, leave no
///   write.
/// - Source: protocol/state.md, "Execution".
package struct LedgerState: Sendable {
    /// The state before this block.
    package let stack: StateStack
    /// The parameters in force.
    package let parameters: LedgerParameters
    /// Ledger time of this block.
    package let time: LedgerTime
    /// Set once a row could not be read; everything since is worthless.
    package private(set) var fault: StateFault?
    /// Work of the block outside transactions: due queues and the like.
    package internal(set) var systemWeight = Weight()

    var slots: OrderedDictionary<Digest, Slot> = [:]
    var journal: [Change] = []
    var open: OpenTransaction?
    var events: [Event] = []
    var eventBytes = 0
    /// Why the open operation must fail although its code went on.
    var pending: ExecutionRejection?
    /// Set where the block itself made a row or event that is too large.
    var isSystemTooLarge = false
    /// False while the ledger itself works: admission, deposits and fees are priced with the
    /// envelope.
    var isMetering = true
    /// Counts transactions, so that a row is metered once in each.
    var turn: UInt32 = 1

    /// One row that was touched: as the stack has it and as it is now.
    struct Slot: Sendable {
        let original: Entry?
        var current: Entry?
        var readTurn: UInt32 = 0
        var writeTurn: UInt32 = 0
    }

    /// What a write replaced.
    struct Change: Sendable {
        let path: Digest
        let before: Entry?
    }

    /// A point to return to; valid until the transaction that it was made in ends.
    package struct Savepoint: Sendable {
        let changes: Int
        let events: Int
        let eventBytes: Int
    }

    /// A working layer on the state after the parent block.
    package init(on stack: StateStack, parameters: LedgerParameters, time: LedgerTime) {
        self.stack = stack
        self.parameters = parameters
        self.time = time
    }

    /// The chain whose hashes these are.
    package var salt: ChainSalt { self.stack.salt }

    // MARK: Rows

    /// The record of `key`, or nil; setting nil deletes it.
    package subscript<Key, Value>(table: Table<Key, Value>, key: Key) -> Value? {
        mutating get { self.read(table, key) }
        set {
            if let value = newValue {
                self.write(table, key, value)
            } else {
                self.delete(table, key)
            }
        }
    }

    /// The record of `key`, or nil.
    package mutating func read<Key, Value>(_ table: Table<Key, Value>, _ key: Key) -> Value? {
        let bytes = table.keyBytes(key)
        let path = StateRow.path(of: bytes, salt: self.salt)
        guard let entry = self.load(path) else { return nil }
        guard entry.key == bytes else {
            self.fail(.damaged(path: path))
            return nil
        }
        do throws(StateFault) {
            return try entry.record(of: table, at: path)
        } catch {
            self.fail(error)
            return nil
        }
    }

    /// Writes the record of `key`.
    ///
    /// A row larger than `StateRow.valueBytesMax` fails the operation with `.valueTooLarge`.
    package mutating func write<Key, Value>(
        _ table: Table<Key, Value>, _ key: Key, _ value: Value
    ) {
        let bytes = table.keyBytes(key)
        let record = value.canonicalBytes
        guard bytes.count <= StateRow.keyBytesMax,
            record.count + Deposit.bytesMax <= StateRow.valueBytesMax
        else {
            self.refuse(.valueTooLarge)
            return
        }
        let path = StateRow.path(of: bytes, salt: self.salt)
        let deposit = self.load(path, counts: false)?.deposit
        self.put(path, Entry(key: bytes, deposit: deposit, record: record))
    }

    /// Deletes the record of `key`; nothing if there is none.
    package mutating func delete<Key, Value>(_ table: Table<Key, Value>, _ key: Key) {
        let path = StateRow.path(of: table.keyBytes(key), salt: self.salt)
        guard self.load(path, counts: false) != nil else { return }
        self.put(path, nil)
    }

    // MARK: Savepoints

    /// A point to come back to with ``rollback(to:)``; they nest.
    package func savepoint() -> Savepoint {
        Savepoint(
            changes: self.journal.count, events: self.events.count, eventBytes: self.eventBytes)
    }

    /// Undoes every write and event since `savepoint`; weight stays spent.
    package mutating func rollback(to savepoint: Savepoint) {
        precondition(
            savepoint.changes <= self.journal.count, "the savepoint is of this transaction")
        while self.journal.count > savepoint.changes {
            guard let change = self.journal.popLast() else { break }
            self.slots[change.path]?.current = change.before
        }
        self.events.removeLast(max(0, self.events.count - savepoint.events))
        self.eventBytes = savepoint.eventBytes
    }

    // MARK: Meters and events

    /// Adds to the weight of the open operation, or of the block outside transactions.
    package mutating func charge(signatures: UInt64 = 0, bytes: UInt64 = 0, gas: UInt64 = 0) {
        self.meter { weight in
            weight.signatures = saturating(weight.signatures, plus: signatures)
            weight.bytes = saturating(weight.bytes, plus: bytes)
            weight.gas = saturating(weight.gas, plus: gas)
        }
    }

    /// Records that something happened; a rejected transaction's events are dropped.
    ///
    /// In a transaction, more than a receipt carries fails the operation with `.eventsTooLarge`.
    package mutating func emit(_ event: Event) {
        let bytes = self.eventBytes + event.bytes.count
        guard event.bytes.count <= Event.bytesMax,
            self.open == nil
                || (self.events.count < Receipt.eventsMax && bytes <= Receipt.eventBytesMax)
        else {
            self.refuse(.eventsTooLarge)
            return
        }
        self.events.append(event)
        self.eventBytes = bytes
    }

    /// Takes the events of the block itself, emitted outside transactions, in order.
    package mutating func takeSystemEvents() -> [Event] {
        precondition(self.open == nil, "no transaction is open")
        defer {
            self.events = []
            self.eventBytes = 0
        }
        return self.events
    }

    // MARK: Below the tables

    /// The row at `path` as it is now.
    mutating func load(_ path: Digest, counts isRead: Bool = true) -> Entry? {
        let counts = isRead && self.isMetering
        if let slot = self.slots[path] {
            if counts, slot.readTurn != self.turn {
                self.slots[path]?.readTurn = self.turn
                self.meter { $0.reads = saturating($0.reads, plus: 1) }
            }
            return slot.current
        }
        if counts { self.meter { $0.reads = saturating($0.reads, plus: 1) } }
        if self.fault != nil { return nil }
        do throws(StateFault) {
            let row = try self.stack.row(at: path)
            var entry: Entry?
            if let row { entry = try Entry(row, at: path) }
            self.slots[path] = Slot(
                original: entry, current: entry, readTurn: counts ? self.turn : 0)
            return entry
        } catch {
            self.fail(error)
            return nil
        }
    }

    /// Replaces the row at a path that was loaded.
    mutating func put(_ path: Digest, _ entry: Entry?) {
        guard var slot = self.slots[path] else { return }  // Only after a fault.
        self.journal.append(Change(path: path, before: slot.current))
        slot.current = entry
        let isFirst = self.isMetering && slot.writeTurn != self.turn
        if isFirst { slot.writeTurn = self.turn }
        self.slots[path] = slot
        if isFirst { self.meter { $0.writes = saturating($0.writes, plus: 1) } }
    }

    /// Fails the open operation; outside transactions there is nobody to fail but the block.
    private mutating func refuse(_ rejection: ExecutionRejection) {
        if self.open == nil {
            self.isSystemTooLarge = true
        } else {
            self.pending = self.pending ?? rejection
        }
    }

    mutating func fail(_ fault: StateFault) { self.fault = self.fault ?? fault }

    private mutating func meter(_ add: (inout Weight) -> Void) {
        guard self.isMetering else { return }
        if var weight = self.open?.weight {
            add(&weight)
            self.open?.weight = weight
        } else {
            add(&self.systemWeight)
        }
    }
}
