import Kernels
package import Ledger
package import Primitives

/// The state as one block's operations see it: the ledger's working layer, the block's moment and
/// mix.
///
/// - Invariant: every read and write goes through `ledger`; nothing here outlives the block but the
///   cache of compiled kernels, which depends on committed bytes alone.
package struct EconomyState: Sendable {
    package var ledger: LedgerState
    package let salt: ChainSalt
    /// Height and ledger time of the block.
    package let moment: Moment
    package let parameters: Parameters
    package var kernels: KernelCache
    /// Referee gas that publishing has used in the window of this block's time.
    package var lane: RefereeLane
    /// Referee gas of the block's proofs, rejected ones included.
    private var proofGas: UInt64 = 0
    /// Names the operation that runs, so that ids are fresh.
    package var origin = Origin()
    /// Something was taken out of a queue: a block without transactions has a reason.
    package internal(set) var tookWork = false
    /// Set once our own sums contradict each other; the block then cannot be ended.
    package internal(set) var broken: String?
    /// Set once something could not be read past the ledger's working layer.
    package internal(set) var unreadable: StateFault?
    /// Words for people on the last rejection; never part of the state.
    package var explanation = ""

    /// The transaction and operation that run.
    package struct Origin: Hashable, Sendable {
        package var transaction: TransactionID = .zero
        package var operation: UInt8 = 0

        package init() {}

        package init(transaction: TransactionID, operation: UInt8) {
            self.transaction = transaction
            self.operation = operation
        }
    }

    package init(
        ledger: LedgerState, salt: ChainSalt, moment: Moment, parameters: Parameters,
        kernels: KernelCache, lane: RefereeLane = RefereeLane()
    ) {
        self.ledger = ledger
        self.salt = salt
        self.moment = moment
        self.parameters = parameters
        self.kernels = kernels
        self.lane = lane
    }

    /// Ledger time of the block.
    package var now: LedgerTime { self.moment.time }

    /// A time to come; the end of time rather than an overflow.
    func later(by ms: UInt64) -> LedgerTime {
        self.now.adding(ms: ms) ?? LedgerTime(ms: .max)
    }

    /// H(domain | transaction | operation): an id that no other operation gets.
    func freshID(_ domain: Domain) -> Digest {
        var hash = Blake2b(domain, self.salt)
        hash.update(self.origin.transaction.digest)
        hash.update(u8: self.origin.operation)
        return hash.finish()
    }

    // MARK: Rows

    /// A row of a table.
    package mutating func read<K: FieldValue, V: FieldValue>(_ table: Table<K, V>, _ key: K) -> V? {
        self.ledger.read(table, key)
    }

    /// Writes a row of a table.
    package mutating func write<K: FieldValue, V: FieldValue>(
        _ table: Table<K, V>, _ key: K, _ value: V?
    ) {
        self.ledger[table, key] = value
    }

    /// The running totals.
    package var counters: Counters {
        mutating get { self.read(EconomyTable.counters, 0) ?? Counters() }
        set { self.write(EconomyTable.counters, 0, newValue) }
    }

    /// The mix and the last reveals.
    package var beacon: Beacon {
        mutating get { self.read(EconomyTable.beacon, 0) ?? Beacon() }
    }

    /// The job of that id.
    package mutating func job(_ id: JobID) -> JobEntry? { self.read(EconomyTable.job, id) }
    /// The standing offer of that id.
    package mutating func offer(_ id: OfferID) -> OfferEntry? { self.read(EconomyTable.offer, id) }
    /// The published kernel of that id.
    package mutating func kernel(_ id: KernelID) -> KernelEntry? {
        self.read(EconomyTable.kernel, id)
    }

    /// Writes a job, and tells of it where its phase changes.
    mutating func put(_ job: JobEntry) {
        let before = self.job(job.id)
        self.write(EconomyTable.job, job.id, job)
        self.countQuestions(before, job)
        guard before?.phase != job.phase else { return }
        let change = JobChange(job: job.id, phase: job.phase)
        self.ledger.emit(Event(kind: JobChange.kind, bytes: change.canonicalBytes))
    }

    /// Keeps the counters of open challenges and summonses.
    private mutating func countQuestions(_ before: JobEntry?, _ job: JobEntry) {
        let was = (before?.challenge != nil, before?.phase == .summoned)
        let now = (job.challenge != nil, job.phase == .summoned)
        guard was != now else { return }
        var counters = self.counters
        // Never below zero: what is taken away was counted when it came.
        if was.0 != now.0 { counters.challenges = counters.challenges &+ (now.0 ? 1 : .max) }
        if was.1 != now.1 { counters.summonses = counters.summonses &+ (now.1 ? 1 : .max) }
        self.counters = counters
    }

    mutating func put(_ offer: OfferEntry) { self.write(EconomyTable.offer, offer.id, offer) }

    mutating func writePieces(_ bytes: [UInt8], of kind: PieceKind, _ subject: Digest) {
        for index in 0..<Pieces.count(bytes.count) {
            let start = index * Pieces.bytes
            let piece = Piece(bytes: Array(bytes[start..<min(start + Pieces.bytes, bytes.count)]))
            let key = PieceKey(kind: kind, subject: subject, index: UInt32(clamping: index))
            self.write(EconomyTable.piece, key, piece)
        }
    }

    // MARK: Kernels

    /// The compiled form of a kernel published in an earlier block.
    ///
    /// Weight may not depend on what is cached here: its pieces are read past the meters, and the
    /// package's bytes are charged, known or not.
    mutating func compiled(_ entry: KernelEntry) -> Kernel? {
        self.ledger.charge(bytes: UInt64(entry.bytes))
        if let known = self.kernels[entry.id] { return known }
        let bytes: [UInt8]
        do throws(StateFault) {
            bytes = try EconomyReader(self.ledger.stack).package(of: entry)
        } catch {
            self.unreadable = self.unreadable ?? error
            return nil
        }
        guard let kernel = Self.kernel(bytes) else {
            self.breakBooks("a published kernel does not compile: \(entry.id.short)")
            return nil
        }
        self.kernels.insert(kernel, entry.id)
        return kernel
    }

    private static func kernel(_ bytes: [UInt8]) -> Kernel? {
        do throws(DecodeError) {
            let package = try KernelPackage(canonical: bytes)
            do throws(KernelError) {
                return try Kernel(package)
            } catch {
                return nil
            }
        } catch {
            return nil
        }
    }

    // MARK: The referee's lane

    /// Gas of vectors that one publication may use at most.
    package static let publishGasMax = Limits.vectorGas

    /// What is left for publishing in the present window.
    ///
    /// The lane is written at the end of the block, so that a failed publication is counted, too.
    var laneLeft: UInt64 {
        let half = min(self.parameters.laneGas / 2, Self.publishGasMax)
        return self.lane.used < half ? half - self.lane.used : 0
    }

    mutating func chargeLane(_ gas: UInt64) {
        let (sum, overflow) = self.lane.used.addingReportingOverflow(gas)
        self.lane.used = overflow ? .max : sum
        self.ledger.charge(gas: gas)
    }

    /// Whether a proof of so much gas fits into the block: proofs take half of its weight at most.
    ///
    /// The first of a block always does: no leaf has too much gas to be proved wrong.
    func blockTakes(proof gas: UInt64) -> Bool {
        let half = UInt128(self.parameters.blockWeightMax / 2) * UInt128(Weight.gasPerUnit)
        return self.proofGas == 0 || UInt128(self.proofGas) + UInt128(gas) <= half
    }

    mutating func charge(proof gas: UInt64) {
        let (sum, overflow) = self.proofGas.addingReportingOverflow(max(gas, 1))
        self.proofGas = overflow ? .max : sum
        self.ledger.charge(gas: gas)
    }
}

/// Compiled kernels by id; forgotten all at once when there are too many.
package struct KernelCache: Sendable {
    private static let countMax = 64
    private var table = Lookup<KernelID, Kernel>()

    package init() {}

    subscript(id: KernelID) -> Kernel? { self.table[id] }

    mutating func insert(_ kernel: Kernel, _ id: KernelID) {
        if self.table.count >= Self.countMax { self.table.removeAll() }
        self.table[id] = kernel
    }
}
