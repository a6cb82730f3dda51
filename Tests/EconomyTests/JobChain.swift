import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// A chain of real blocks and signed transactions with a market on it: three validators, four
/// providers, a requester, an author, a stranger. The books are counted anew after every block.
final class JobChain {
    static let providers: [UInt8] = [41, 42, 43, 44]
    static let requester: UInt8 = 51
    static let author: UInt8 = 52
    static let stranger: UInt8 = 53
    /// The validators' payout accounts, which sign audits.
    static let auditors: [UInt8] = [31, 32, 33]
    static let maxFee = star(1)

    let genesis: Genesis
    private(set) var header: Header
    private(set) var stack: StateStack
    private(set) var kernels = KernelCache()
    /// Of the newest block.
    private(set) var receipts: [Receipt] = []
    private var nonces: [UInt8: UInt64] = [:]
    private var made: [NodeID: UInt64] = [:]
    private var blocks: UInt64 = 0

    static func key(_ number: UInt8) -> SecretKey {
        SecretKey(seed: [UInt8](repeating: number, count: 32)).proven("32 bytes")
    }

    static func account(_ number: UInt8) -> AccountID { .of(key: Self.key(number).publicKey) }
    /// The node that signs for a provider.
    static func node(of provider: UInt8) -> SecretKey { Self.key(provider + 100) }

    private static func chain(_ seat: UInt8, _ domain: Domain) -> RevealChain {
        RevealChain(secret: Blake2b.hash(domain, .none, [seat]), count: 256)
    }

    private static let reveals = [UInt8]([21, 22, 23]).map { JobChain.chain($0, .reveal) }
    private static let audits = [UInt8]([21, 22, 23]).map { JobChain.chain($0, .audit) }

    init(
        drawProposers: UInt8 = 1, bond: UInt64 = 100, offers: Bool = true,
        _ change: (inout Genesis) -> Void = { _ in }
    ) throws {
        let people = Self.providers + [Self.requester, Self.author, Self.stranger] + Self.auditors
        var genesis = Genesis.dev(
            key: Self.key(21).publicKey, anchor: Self.reveals[0].anchor,
            auditAnchor: Self.audits[0].anchor, auditCount: 256, payout: Self.account(31),
            time: LedgerTime(ms: 1_000_000),
            accounts: people.map {
                GenesisAccount(account: Self.account($0), balance: star(10_000))
            })
        for seat in 1...2 {
            genesis.validators.append(
                GenesisValidator(
                    key: Self.key(21 + UInt8(seat)).publicKey, stake: star(1_000),
                    anchor: Self.reveals[seat].anchor, auditAnchor: Self.audits[seat].anchor,
                    auditCount: 256, payout: Self.account(31 + UInt8(seat))))
        }
        genesis.validators.sort { $0.key < $1.key }
        genesis.parameters.drawProposers = drawProposers
        genesis.parameters.windowMs = 5_000
        change(&genesis)
        let built = try genesis.build()
        self.genesis = genesis
        self.header = built.header
        self.stack = built.stack
        // Everybody has an account from here on: no test counts the deposit on its row.
        self.block(
            people.map {
                let to = Self.account($0 == Self.author ? Self.stranger : Self.author)
                return self.transaction(
                    $0, BankTransfer(asset: .star, to: to, amount: Amount(1)))
            })
        guard offers else { return }
        self.expect(self.send(Self.author, JobKernel.publish))
        for provider in Self.providers {
            self.expect(self.send(provider, Self.offer(provider, bond: star(bond))))
        }
    }

    static func offer(_ provider: UInt8, bond: Amount) -> OfferPost {
        var offer = OfferPost()
        offer.pricePerGigaGas = JobKernel.pricePerGigaGas
        offer.capacity = 2
        offer.classes = [1, 2, 3]
        offer.maxJobGas = .max
        offer.bond = bond
        offer.device = "test"
        offer.standsUntil = LedgerTime(ms: 900_000_000)
        offer.node = Self.node(of: provider).publicKey
        return offer
    }

    var salt: ChainSalt { self.genesis.salt }
    var reader: EconomyReader { EconomyReader(self.stack) }

    // MARK: Blocks

    /// Makes a block of transactions; validators propose in turn.
    ///
    /// - Parameter by: the seat that proposes; nil for the next one.
    func block(
        after ms: UInt64 = 500, by seat: Int? = nil, _ transactions: [Transaction] = [],
        _ body: (inout EconomyState) -> Void = { _ in }
    ) {
        do {
            let turn = seat ?? Int(self.blocks % 3)
            self.blocks += 1
            let key = Self.key(21 + UInt8(turn)).publicKey
            let number = self.made[NodeID.of(key), default: 0] + 1
            self.made[NodeID.of(key)] = number
            let plan = BlockPlan(
                epoch: self.header.epoch, view: self.blocks, timeMs: self.header.timeMs + ms,
                proposer: NodeID.of(key),
                reveal: try #require(Self.reveals[turn].reveal(number)))
            var run = try BlockRun(
                plan, on: self.header, stack: self.stack, genesis: self.genesis,
                kernels: self.kernels)
            body(&run.state)
            for transaction in transactions {
                let checks = try run.include(transaction)
                let isSigned = checks.allSatisfy { $0.isValid }
                #expect(isSigned)
            }
            let block = try run.finish()
            self.header = block.header
            self.stack = block.stack
            self.kernels = block.kernels
            self.receipts = block.receipts
            #expect(try EconomyAudit.recount(self.stack) == [], "block \(self.header.height)")
        } catch {
            Issue.record("block \(self.header.height + 1): \(error)")
        }
    }

    /// Runs one operation in a block that is thrown away, after `body`; names of its rejections.
    func dryRun<O: Operation>(
        _ who: UInt8, _ operation: O, _ body: (inout EconomyState) -> Void
    ) -> [String?] {
        let nonce = self.nonces[who]
        defer { self.nonces[who] = nonce }
        do {
            let turn = Int(self.blocks % 3)
            let key = Self.key(21 + UInt8(turn)).publicKey
            let number = self.made[NodeID.of(key), default: 0] + 1
            let plan = BlockPlan(
                epoch: self.header.epoch, view: self.blocks + 1,
                timeMs: self.header.timeMs + 500, proposer: NodeID.of(key),
                reveal: try #require(Self.reveals[turn].reveal(number)))
            var run = try BlockRun(
                plan, on: self.header, stack: self.stack, genesis: self.genesis,
                kernels: self.kernels)
            body(&run.state)
            _ = try run.include(self.transaction(who, operation))
            return run.receipts.map { receipt in
                guard case .rejected(let code, _) = receipt.outcome else { return nil }
                return OperationCatalogue.name(ofCode: code)
            }
        } catch {
            Issue.record("\(error)")
            return []
        }
    }

    /// Makes empty blocks until so much ledger time has passed.
    func wait(_ ms: UInt64, by seat: Int? = nil) {
        var left = ms
        while left > 0 {
            let step = min(left, Header.stepMsMax)
            self.block(after: step, by: seat)
            left -= step
        }
    }

    /// Makes blocks until the job is in that phase; at most sixteen.
    func run(_ id: JobID, until phase: JobPhase, location: SourceLocation = #_sourceLocation) {
        for _ in 0..<16 where self.job(id).phase != phase { self.block() }
        #expect(self.job(id).phase == phase, sourceLocation: location)
    }

    // MARK: Transactions

    func transaction<O: Operation>(
        _ who: UInt8, _ operation: O, maxFee: Amount = JobChain.maxFee
    ) -> Transaction {
        let nonce = self.nonces[who, default: 0]
        self.nonces[who] = nonce + 1
        let policy = Policy(Self.key(who).publicKey)
        var transaction = Transaction(
            account: Self.account(who), nonce: nonce, validUntil: LedgerTime(ms: .max),
            maxFee: maxFee, tip: .zero, operations: [OperationCatalogue.encode(operation)],
            policy: nonce == 0 ? policy : nil)
        transaction.sign([Self.key(who)], under: policy, self.salt)
        return transaction
    }

    /// Runs one operation in a block of its own; the name of its rejection, or nil.
    func send<O: Operation>(
        _ who: UInt8, _ operation: O, maxFee: Amount = JobChain.maxFee, after ms: UInt64 = 500
    ) -> String? {
        self.block(after: ms, [self.transaction(who, operation, maxFee: maxFee)])
        guard case .rejected(let code, _)? = self.receipts.first?.outcome else { return nil }
        return OperationCatalogue.name(ofCode: code)
    }

    /// The fee that the newest block's transaction paid.
    var fee: Amount { self.receipts.first?.burned ?? .zero }

    func expect(
        _ rejection: String?, _ name: String? = nil, location: SourceLocation = #_sourceLocation
    ) {
        #expect(rejection == name, sourceLocation: location)
    }

    // MARK: What the state says

    func read<T>(_ body: () throws -> T?, _ blank: T) -> T {
        do {
            return try body() ?? blank
        } catch {
            Issue.record("\(error)")
            return blank
        }
    }

    func job(_ id: JobID) -> JobEntry { self.read({ try self.reader.job(id) }, .blank) }

    func attempts(_ id: JobID) -> [AttemptEntry] {
        self.read({ try self.reader.attempts(of: self.job(id)) }, [])
    }

    func offer(_ id: OfferID) -> OfferEntry? { self.read({ try self.reader.offer(id) }, nil) }

    func offer(of provider: UInt8) -> OfferEntry? {
        let offers = self.read({ try self.reader.offers() }, [])
        return offers.first { $0.provider == Self.account(provider) }
    }

    func balance(_ account: AccountID) -> Amount {
        let holding = Holding(account, .star)
        return self.read({ try self.stack.read(LedgerTables.balances, holding) }, Balance()).amount
    }

    var burned: Amount {
        self.read({ try self.stack.read(LedgerTables.assets, .star)?.burned }, .zero)
    }

    func validator(_ seat: UInt32) -> Validator {
        self.read({ try self.stack.read(EconomyTable.validator, seat) }, .blank)
    }

    /// Of the newest block.
    func slashes() -> [SlashEvent] {
        self.receipts.flatMap(\.events).filter { $0.kind == SlashEvent.kind }.map { event in
            self.read({ try SlashEvent(canonical: event.bytes) }, .blank)
        }
    }

    // MARK: Roles of one job

    func provider(_ id: JobID) -> UInt8 {
        Self.providers.first { Self.account($0) == self.job(id).provider } ?? 0
    }

    func auditor(_ id: JobID) -> UInt8 {
        Self.auditors.first { Self.account($0) == self.job(id).auditor } ?? 0
    }

    /// The node key of a seat.
    func seatKey(_ seat: UInt32) -> SecretKey {
        let key = self.validator(seat).key
        let number = (UInt8(21)...23).first { Self.key($0).publicKey == key }
        return Self.key(number ?? 21)
    }

    /// The drawn auditor's own pre-image.
    func reveal(_ id: JobID) -> Digest {
        let job = self.job(id)
        let key = self.validator(job.auditorSeat).key
        guard let seat = (0..<3).first(where: { Self.key(21 + UInt8($0)).publicKey == key }) else {
            return .zero
        }
        return Self.audits[seat].reveal(job.auditIndex) ?? .zero
    }

    func sample(_ id: JobID) -> [UInt64] {
        let job = self.job(id)
        return Sample.leaves(
            job.leavesToAudit, of: job.leaves, reveal: self.reveal(id), mix: job.drawMix, job: id,
            self.salt)
    }
}
