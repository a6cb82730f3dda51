import Economy
import Ledger
internal import OrderedCollections
import Primitives

extension Chain {
    /// Entries of one page of a list.
    static let pageMax = 200

    mutating func onQuery(_ query: Query, _ token: Token, _ outbox: inout Outbox<Effect>) {
        do throws(Refusal) {
            outbox.append(.answer(token: token, try self.answer(query)))
        } catch {
            outbox.append(.rejected(token: token, error))
        }
    }

    private func answer(_ query: Query) throws(Refusal) -> JSON {
        do throws(StateFault) {
            let found: JSON?
            switch query {
            case .status: found = try self.status()
            case .account(let id): found = try self.account(id)
            case .balances(let id): found = try self.balances(id)
            case .transaction(let id): found = self.transaction(id)
            case .block(let height): found = self.block(height)
            case .blockByID(let id): found = self.height(of: id).flatMap { self.block($0) }
            case .kernel(let id): found = try self.kernel(id)
            case .kernels(let before, let limit): found = try self.kernels(before, limit)
            case .offers(let before, let limit): found = try self.offers(before, limit)
            case .job(let id): found = try self.job(id)
            case .jobs(let before, let limit): found = try self.jobs(before, limit)
            case .jobReceipt(let id): found = try self.jobReceipt(id)
            case .jobWhy, .providerWhy, .earnings, .stake, .proposals, .proposal:
                found = try self.why(query)
            case .supply: found = try self.supply()
            case .parameters:
                found = .object(
                    ("ledger", self.genesis.ledger.json),
                    ("economy", try EconomyReader(self.tip.stack).parameters().json))
            case .operations: found = OperationCatalogue.json
            case .export(let after, let limit): found = try self.export(after, limit)
            }
            if let found { return found }
        } catch {
            throw Refusal(.stateUnreadable, "\(error)")
        }
        throw Refusal(.notFound, "there is no such thing in the final state")
    }

    // MARK: Chain and accounts

    private func status() throws(StateFault) -> JSON {
        let header = self.tip.header
        return .object(
            ("chain", self.genesis.id.json), ("name", .string(self.genesis.name)),
            ("height", header.height.json), ("block", self.tip.id.json),
            ("timeMs", header.timeMs.json), ("ledgerTime", self.tip.time.json),
            ("stateRoot", header.stateRoot.json), ("baseFee", header.baseFee.json),
            ("stored", self.stored.json), ("folded", self.folded.json),
            ("rows", self.tip.stack.tree.count.json),
            ("mempool", .number(Int64(clamping: self.mempool.count))),
            ("mempoolBytes", .number(Int64(clamping: self.mempool.bytes))),
            ("economy", try EconomyReader(self.tip.stack).counters().json),
            ("stalled", .bool(self.hasStalled)))
    }

    private func account(_ id: AccountID) throws(StateFault) -> JSON {
        let account = try self.tip.stack.read(LedgerTables.accounts, id)
        let star = try self.tip.stack.read(LedgerTables.balances, Holding(id, .star)) ?? Balance()
        return .object(
            ("account", id.json), ("star", star.json), ("available", star.available.json),
            ("kind", account?.kind.json ?? .null), ("policy", account?.policy?.json ?? .null),
            ("nonces", (account?.nonces ?? NonceWindow()).json),
            ("isLocal", .bool(self.wallets[id] != nil)))
    }

    /// STAR is the only asset there is yet; the list is ready for more.
    private func balances(_ id: AccountID) throws(StateFault) -> JSON {
        let star = try self.tip.stack.read(LedgerTables.balances, Holding(id, .star)) ?? Balance()
        return .object(
            ("account", id.json),
            (
                "balances",
                .array([
                    .object(
                        ("asset", AssetID.star.json), ("symbol", .string("STAR")),
                        ("amount", star.amount.json), ("held", star.held.json),
                        ("available", star.available.json))
                ])
            ))
    }

    /// supply = genesis + minted - burned = the sum of all balances (the ledger checks it per
    /// block).
    private func supply() throws(StateFault) -> JSON {
        let star = try self.tip.stack.read(LedgerTables.assets, .star)
        let issued = star?.issued ?? .zero
        var genesis = Amount.zero
        for part in self.genesis.accounts.map(\.balance) + self.genesis.validators.map(\.stake) {
            genesis = (genesis + part) ?? genesis
        }
        let counters = try EconomyReader(self.tip.stack).counters()
        var modules: [JSON.Member] = []
        for name in ModuleAccount.names {
            let holding = Holding(.module(name), .star)
            let balance = try self.tip.stack.read(LedgerTables.balances, holding)
            modules.append(.init(name: name, value: (balance?.amount ?? .zero).json))
        }
        return .object(
            ("asset", AssetID.star.json), ("issued", issued.json), ("genesis", genesis.json),
            ("minted", (((star?.minted ?? .zero) - genesis) ?? .zero).json),
            ("burned", (star?.burned ?? .zero).json),
            ("escrow", counters.escrow.json), ("prepaid", counters.prepaid.json),
            ("bonds", counters.bonds.json),
            ("modules", .object(modules)))
    }

    // MARK: Blocks and transactions

    func json(_ receipt: Receipt) -> JSON {
        guard case .object(let members) = receipt.json else { return receipt.json }
        guard case .rejected(let code, _) = receipt.outcome else { return receipt.json }
        let name = OperationCatalogue.name(ofCode: code)
        return .object(members + [.init(name: "rejection", value: .string(name))])
    }

    func json(_ trial: Trial) -> JSON {
        guard case .object(let members) = self.json(trial.receipt) else { return .null }
        guard !trial.explanation.isEmpty else { return .object(members) }
        return .object(members + [.init(name: "explanation", value: .string(trial.explanation))])
    }

    private func record(_ height: UInt64) -> BlockRecord? {
        if let one = self.unfolded.first(where: { $0.record.height == height }) {
            return one.record
        }
        return height <= self.folded ? self.archive.block(at: height) : nil
    }

    func height(of id: BlockID) -> UInt64? {
        if let one = self.unfolded.first(where: { $0.record.id == id }) {
            return one.record.height
        }
        return self.archive.index(Self.key(2, id.digest)).flatMap { Self.number($0.prefix(8)) }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64? {
        bytes.count == 8 ? bytes.reduce(0) { $0 << 8 | UInt64($1) } : nil
    }

    private struct Parts {
        let header: Header
        let body: Body
        let receipts: [Receipt]
    }

    private static func parts(_ record: BlockRecord) -> Parts? {
        do throws(DecodeError) {
            var decoder = Decoder(record.receipts)
            let count = try decoder.length(max: Body.transactionsMax + 64, field: "receipts")
            var receipts: [Receipt] = []
            for _ in 0..<count { receipts.append(try Receipt(from: &decoder)) }
            return Parts(
                header: try Header(canonical: record.header),
                body: try Body(canonical: record.body), receipts: receipts)
        } catch {
            return nil
        }
    }

    private func block(_ height: UInt64) -> JSON? {
        if height == 0 { return .object(("height", height.json), ("genesis", self.genesis.json)) }
        guard let record = self.record(height), let parts = Self.parts(record) else { return nil }
        return .object(
            ("height", height.json), ("id", record.id.json), ("header", parts.header.json),
            (
                "transactions",
                .array(parts.body.transactions.map { self.json($0, withOperations: false) })
            ),
            ("receipts", .array(parts.receipts.map { self.json($0) })),
            ("headerBytes", .string(Hex.encode(record.header))),
            ("bodyBytes", .string(Hex.encode(record.body))),
            ("receiptsBytes", .string(Hex.encode(record.receipts))),
            ("certificate", .string(Hex.encode(record.certificate))))
    }

    private func json(_ transaction: Transaction, withOperations: Bool) -> JSON {
        let operations = transaction.operations.map { bytes in
            let json = OperationCatalogue.json(bytes)
            return withOperations ? json : json["operation"] ?? .null
        }
        return .object(
            ("id", transaction.id(self.salt).json), ("account", transaction.account.json),
            ("nonce", transaction.nonce.json), ("validUntil", transaction.validUntil.json),
            ("maxFee", transaction.maxFee.json), ("tip", transaction.tip.json),
            ("operations", .array(operations)))
    }

    private func transaction(_ id: TransactionID) -> JSON? {
        if let waiting = self.mempool[id] {
            return .object(
                ("status", .string("waiting")),
                ("transaction", self.json(waiting.transaction, withOperations: true)))
        }
        guard let (record, index) = self.place(id), let parts = Self.parts(record),
            index < parts.body.transactions.count, index < parts.receipts.count
        else { return nil }
        let leaves = parts.receipts.map { $0.leaf(self.salt) }
        let path = Merkle.path(leaves, index, .receipts, self.salt)
        return .object(
            ("status", .string("final")), ("height", record.height.json),
            ("index", .number(Int64(clamping: index))),
            ("transaction", self.json(parts.body.transactions[index], withOperations: true)),
            ("receipt", self.json(parts.receipts[index])),
            (
                "proof",
                .object(
                    ("receipt", .string(Hex.encode(parts.receipts[index].canonicalBytes))),
                    ("count", .number(Int64(clamping: leaves.count))),
                    ("path", .array(path.map(\.json))),
                    ("header", .string(Hex.encode(record.header))),
                    ("certificate", .string(Hex.encode(record.certificate))))
            ))
    }

    private func place(_ id: TransactionID) -> (BlockRecord, Int)? {
        for one in self.unfolded.reversed() {
            if let index = one.transactions.firstIndex(of: id) { return (one.record, index) }
        }
        guard let row = self.archive.index(Self.key(1, id.digest)), row.count == 12,
            let height = Self.number(row.prefix(8)), let record = self.record(height)
        else { return nil }
        return (record, row.suffix(4).reduce(0) { $0 << 8 | Int($1) })
    }

    // MARK: Kernels, offers, jobs

    private func kernel(_ id: KernelID) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        guard let entry = try reader.kernel(id) else { return nil }
        return .object(
            ("kernel", id.json), ("entry", entry.json),
            ("package", .string(Hex.encode(try reader.package(of: entry)))))
    }

    private func page(
        _ before: UInt64?, _ limit: Int, of count: UInt64
    ) -> (range: [UInt64], next: JSON) {
        let end = min(before ?? count, count)
        let size = UInt64(clamping: max(1, min(limit, Self.pageMax)))
        let start = end > size ? end - size : 0
        return ((start..<end).reversed(), start > 0 ? start.json : .null)
    }

    private func kernels(_ before: UInt64?, _ limit: Int) throws(StateFault) -> JSON {
        let reader = EconomyReader(self.tip.stack)
        let (range, next) = self.page(before, limit, of: try reader.counters().kernels)
        var list: [JSON] = []
        for sequence in range {
            guard let id = try self.tip.stack.read(EconomyTable.kernelSequence, sequence),
                let entry = try reader.kernel(id)
            else { continue }
            list.append(entry.json)
        }
        return .object(("kernels", .array(list)), ("next", next))
    }

    private func offers(_ before: UInt64?, _ limit: Int) throws(StateFault) -> JSON {
        let all = try EconomyReader(self.tip.stack).offers().sorted { $0.sequence > $1.sequence }
        let size = max(1, min(limit, Self.pageMax))
        let page = all.filter { $0.sequence < before ?? .max }.prefix(size)
        let isLast = page.count < size
        return .object(
            (
                "offers",
                .array(
                    page.map { offer in
                        guard case .object(let members) = offer.json else { return offer.json }
                        return .object([.init(name: "offer", value: offer.id.json)] + members)
                    })
            ), ("next", isLast ? .null : page.last?.sequence.json ?? .null))
    }

    private func job(_ id: JobID) throws(StateFault) -> JSON? {
        let reader = EconomyReader(self.tip.stack)
        guard let job = try reader.job(id) else { return nil }
        return .object(
            ("job", job.json), ("order", .string(Hex.encode(try reader.order(of: job)))))
    }

    private func jobs(_ before: UInt64?, _ limit: Int) throws(StateFault) -> JSON {
        let reader = EconomyReader(self.tip.stack)
        let (range, next) = self.page(before, limit, of: try reader.counters().jobs)
        var list: [JSON] = []
        for sequence in range {
            guard let id = try self.tip.stack.read(EconomyTable.jobSequence, sequence),
                let job = try reader.job(id)
            else { continue }
            list.append(job.json)
        }
        return .object(("jobs", .array(list)), ("next", next))
    }

    /// The receipt, and the proof that its job's row is in the state of the newest final header.
    private func jobReceipt(_ id: JobID) throws(StateFault) -> JSON? {
        let key = EconomyTable.job.keyBytes(id)
        let path = StateRow.path(of: key, salt: self.salt)
        let reader = EconomyReader(self.tip.stack)
        guard let row = try self.tip.stack.row(at: path), let job = try reader.job(id) else {
            return nil
        }
        let receipt = JobReceipt(job, attempts: try reader.attempts(of: job), self.salt)
        return .object(
            ("receipt", receipt.json),
            (
                "proof",
                .object(
                    ("key", .string(Hex.encode(key))), ("value", .string(Hex.encode(row.value))),
                    ("state", try self.tip.stack.prove(key: key).json),
                    ("header", .string(Hex.encode(self.tip.header.canonicalBytes))),
                    ("block", self.tip.id.json),
                    (
                        "certificate",
                        .string(Hex.encode(self.record(self.tip.header.height)?.certificate ?? []))
                    ))
            ))
    }

    /// Rows in path order; the checker rebuilds the state root from all of them.
    private func export(_ after: Digest?, _ limit: Int) throws(StateFault) -> JSON {
        let size = max(1, min(limit, 1_000))
        // One more, because the range begins at `after` itself.
        let rows = try self.tip.stack.rows(from: after ?? .zero, through: .last, limit: size + 1)
            .filter { $0.path != after }.prefix(size)
        return .object(
            ("height", self.tip.header.height.json), ("root", self.tip.stack.root.json),
            (
                "rows",
                .array(
                    rows.map {
                        .object(
                            ("path", $0.path.json), ("key", .string(Hex.encode($0.row.key))),
                            ("value", .string(Hex.encode($0.row.value))))
                    })
            ), ("next", rows.count == size ? rows.last?.path.json ?? .null : .null))
    }
}
