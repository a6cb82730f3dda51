import Ledger
package import Primitives

// The due queue is a binary heap over pages: an insertion touches a page per level. Nothing is
// removed before its time; an item that no longer means anything is dropped when it is due.
extension EconomyState {
    /// Puts the end of the job's present phase into the due queue.
    mutating func schedule(_ job: JobEntry) {
        self.schedule(at: job.due, .job, job.id.digest)
    }

    /// Puts an item into the due queue.
    package mutating func schedule(at time: LedgerTime, _ kind: DueKind, _ subject: Digest) {
        var counters = self.counters
        let item = DueItem(
            time: time, sequence: counters.dueSequence, kind: kind, subject: subject)
        counters.dueSequence += 1
        var index = counters.due
        counters.due += 1
        self.counters = counters
        self.setDue(index, item)
        while index > 0 {
            let parent = (index - 1) / 2
            guard let above = self.due(parent), item < above else { break }
            self.setDue(index, above)
            self.setDue(parent, item)
            index = parent
        }
    }

    /// When the earliest item is due; nil if there is none.
    package var nextDue: LedgerTime? {
        mutating get { self.counters.due > 0 ? self.due(0)?.time : nil }
    }

    /// Takes the earliest item out if its time has come.
    package mutating func popDue() -> DueItem? {
        var counters = self.counters
        guard counters.due > 0, let first = self.due(0), first.time <= self.now else { return nil }
        self.tookWork = true
        counters.due -= 1
        let count = counters.due
        self.counters = counters
        let last = self.due(count)
        self.setDue(count, nil)
        guard count > 0, let item = last else { return first }
        var index: UInt32 = 0
        while true {
            let left = 2 * index + 1
            guard left < count, var child = self.due(left) else { break }
            var next = left
            if left + 1 < count, let right = self.due(left + 1), right < child {
                child = right
                next = left + 1
            }
            guard child < item else { break }
            self.setDue(index, child)
            index = next
        }
        self.setDue(index, item)
        return first
    }

    /// Item `index` of the heap.
    package mutating func due(_ index: UInt32) -> DueItem? {
        let page = self.read(EconomyTable.duePage, index / DuePage.size)
        let slot = Int(index % DuePage.size)
        guard let items = page?.items, slot < items.count else { return nil }
        return items[slot]
    }

    // The heap grows and shrinks at its end alone, so pages stay without gaps.
    private mutating func setDue(_ index: UInt32, _ item: DueItem?) {
        let number = index / DuePage.size
        let slot = Int(index % DuePage.size)
        var page = self.read(EconomyTable.duePage, number) ?? DuePage()
        if let item {
            if slot < page.items.count { page.items[slot] = item } else { page.items.append(item) }
        } else if slot < page.items.count {
            page.items.removeLast(page.items.count - slot)
        }
        self.write(EconomyTable.duePage, number, page.items.isEmpty ? nil : page)
    }

    /// Puts a posted job at the end of its queue for the next reveals.
    mutating func awaitDraw(_ job: JobID) {
        var counters = self.counters
        self.write(EconomyTable.draw, counters.drawTail, job)
        counters.drawTail += 1
        self.counters = counters
    }

    /// The same for a committed job: no flood of posted ones keeps it from its auditor.
    mutating func awaitAuditor(_ job: JobID) {
        var counters = self.counters
        self.write(EconomyTable.auditDraw, counters.auditTail, job)
        counters.auditTail += 1
        self.counters = counters
    }

    /// Takes the first job out of the queue of posted ones.
    mutating func popPosted() -> JobEntry? {
        var counters = self.counters
        guard counters.drawHead < counters.drawTail else { return nil }
        let id = self.takeOut(counters.drawHead, of: EconomyTable.draw)
        counters.drawHead += 1
        self.counters = counters
        return id.flatMap { self.job($0) }
    }

    /// Takes the first job out of the queue of committed ones.
    mutating func popCommitted() -> JobEntry? {
        var counters = self.counters
        guard counters.auditHead < counters.auditTail else { return nil }
        let id = self.takeOut(counters.auditHead, of: EconomyTable.auditDraw)
        counters.auditHead += 1
        self.counters = counters
        return id.flatMap { self.job($0) }
    }

    private mutating func takeOut(_ index: UInt64, of queue: Table<UInt64, JobID>) -> JobID? {
        self.tookWork = true
        let id = self.read(queue, index)
        self.write(queue, index, nil)
        return id
    }
}

// The list of offers: slots without gaps, the last one moves into a gap.
extension EconomyState {
    /// Puts a new offer into state, list and due queue.
    mutating func insertOffer(_ new: OfferEntry) {
        var entry = new
        var counters = self.counters
        entry.sequence = counters.offers
        entry.slot = counters.standing
        counters.offers += 1
        counters.standing += 1
        counters.bonds = self.sum(counters.bonds, entry.bond, "the sum of bonds")
        self.counters = counters
        self.put(entry)
        self.setSlot(entry.slot, entry.id)
        self.schedule(at: entry.standsUntil, .offer, entry.id.digest)
    }

    /// Writes an offer back; a closing one without open jobs goes, and its bond is freed.
    mutating func settle(_ entry: OfferEntry) {
        guard entry.closing, entry.open == 0 else {
            self.put(entry)
            return
        }
        self.freeBond(entry)
        var counters = self.counters
        guard counters.standing > 0 else { return self.breakBooks("an offer is not in the list") }
        let last = counters.standing - 1
        counters.standing = last
        counters.bonds = self.less(counters.bonds, entry.bond, "the sum of bonds")
        self.counters = counters
        if entry.slot != last, let moved = self.offerInSlot(last), var other = self.offer(moved) {
            other.slot = entry.slot
            self.put(other)
            self.setSlot(entry.slot, moved)
        }
        self.setSlot(last, nil)
        self.write(EconomyTable.offer, entry.id, nil)
    }

    /// The offer in a slot of the list; nil if the slot is empty.
    package mutating func offerInSlot(_ slot: UInt32) -> OfferID? {
        let page = self.read(EconomyTable.offerPage, slot / OfferPage.size)
        let index = Int(slot % OfferPage.size)
        guard let offers = page?.offers, index < offers.count else { return nil }
        return offers[index]
    }

    private mutating func setSlot(_ slot: UInt32, _ offer: OfferID?) {
        let number = slot / OfferPage.size
        let index = Int(slot % OfferPage.size)
        var page = self.read(EconomyTable.offerPage, number) ?? OfferPage()
        if let offer {
            if index < page.offers.count {
                page.offers[index] = offer
            } else {
                page.offers.append(offer)
            }
        } else if index < page.offers.count {
            page.offers.removeLast(page.offers.count - index)
        }
        self.write(EconomyTable.offerPage, number, page.offers.isEmpty ? nil : page)
    }
}
