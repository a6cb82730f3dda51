import Chain
import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// What a client or a peer may try with transactions (ATTACKS 10, 59).
@Suite struct AttackTests {
    private func transaction(
        _ world: World, nonce: UInt64, valid: UInt64 = 60_000, maxFee: UInt64 = 1_000_000,
        tip: UInt64 = 0, amount: UInt64 = 5, salt: ChainSalt? = nil
    ) -> Transaction {
        let transfer = BankTransfer(
            asset: .star, to: World.account(World.provider), amount: Amount(amount))
        return self.signed(
            world, [OperationCatalogue.encode(transfer)], nonce: nonce, valid: valid,
            maxFee: maxFee, tip: tip, salt: salt)
    }

    private func signed(
        _ world: World, _ operations: [OperationBytes], nonce: UInt64, valid: UInt64 = 60_000,
        maxFee: UInt64 = 1_000_000, tip: UInt64 = 0, salt: ChainSalt? = nil
    ) -> Transaction {
        let key = World.requester
        let policy = Policy(key.publicKey)
        var transaction = Transaction(
            account: World.account(key), nonce: nonce,
            validUntil: LedgerTime(ms: 1_000_000 + valid), maxFee: Amount(maxFee),
            tip: Amount(tip), operations: operations, policy: policy)
        transaction.sign([key], under: policy, salt ?? world.genesis.salt)
        return transaction
    }

    /// Submits bytes; the refusal's name, or nil.
    private func submit(_ world: World, _ bytes: [UInt8]) -> String? {
        let token = world.fresh()
        world.send(.submit(transaction: bytes, token: token))
        if let refusal = world.refusals[token] { return refusal.name }
        return world.accepted[token] == nil ? "silence" : nil
    }

    @Test func aNonceIsUsedOnce() throws {
        let world = try World()
        let first = self.transaction(world, nonce: 0)
        #expect(self.submit(world, first.canonicalBytes) == nil)
        #expect(self.submit(world, first.canonicalBytes) == "chain.transactionKnown")
        world.block()
        #expect(world.final.map(\.succeeded) == [true])
        #expect(self.submit(world, first.canonicalBytes) == "transaction.nonceUsedOrVoid")
        let other = self.transaction(world, nonce: 0, amount: 6)
        #expect(self.submit(world, other.canonicalBytes) == "transaction.nonceUsedOrVoid")
        let far = self.transaction(world, nonce: 129)
        #expect(self.submit(world, far.canonicalBytes) == "transaction.nonceTooHigh")
        #expect(world.available(World.account(World.provider)) == 1_000 * Amount.motesPerStar + 5)
    }

    @Test func anotherNetworksTransactionIsRefused() throws {
        let world = try World()
        var other = world.genesis
        other.name = "other"
        let foreign = self.transaction(world, nonce: 0, salt: other.salt)
        #expect(self.submit(world, foreign.canonicalBytes) == "transaction.signatureInvalid")
    }

    @Test func aForgedSignatureIsRefused() throws {
        let world = try World()
        var forged = self.transaction(world, nonce: 0)
        forged.tip = Amount(1)
        #expect(self.submit(world, forged.canonicalBytes) == "transaction.signatureInvalid")
        var bare = self.transaction(world, nonce: 0)
        bare.authorisation = .blank
        #expect(self.submit(world, bare.canonicalBytes) == "transaction.weightBelowThreshold")
        #expect(!world.block(), "nothing of it waits")
    }

    @Test func expiredAndUnpayableAreRefused() throws {
        let world = try World()
        let old = self.transaction(world, nonce: 0, valid: 10)
        world.block(after: 100, heartbeat: true)
        #expect(self.submit(world, old.canonicalBytes) == "transaction.expired")
        let poor = self.transaction(world, nonce: 0, maxFee: 1)
        #expect(self.submit(world, poor.canonicalBytes) == "transaction.feeBelowMinimum")
        let rich = self.transaction(world, nonce: 0, maxFee: .max)
        #expect(self.submit(world, rich.canonicalBytes) == "transaction.feeNotFunded")
        // One that expires while it waits never reaches a block, and goes.
        let soon = self.transaction(world, nonce: 0, valid: 150)
        #expect(self.submit(world, soon.canonicalBytes) == nil)
        #expect(!world.block(after: 500))
        #expect(world.query(.status)["mempool"]?.u64Value == 0)
    }

    @Test func aFailedTransactionCostsItsFeeAndNonceAlone() throws {
        let world = try World()
        let requester = World.account(World.requester)
        let before = world.available(requester)
        let failing = self.transaction(world, nonce: 0, amount: 2_000 * Amount.motesPerStar)
        #expect(self.submit(world, failing.canonicalBytes) == nil)
        world.block()
        let last = world.final.last
        #expect(last?.succeeded == false)
        #expect(last?.receipt["rejection"]?.stringValue == "transfer.insufficientFunds")
        let fee = last?.receipt["fee"]?.u64Value ?? 0
        let deposit = world.genesis.ledger.entryDeposit
        #expect(fee > 0 && fee <= 1_000_000)
        #expect(world.available(requester) == before - fee - deposit, "and its account's row")
        #expect(try world.faults() == [])
    }

    @Test func allOperationsOrNone() throws {
        let world = try World()
        let good = BankTransfer(asset: .star, to: World.account(World.provider), amount: Amount(5))
        var bad = good
        bad.amount = .zero
        let mixed = self.signed(
            world, [OperationCatalogue.encode(good), OperationCatalogue.encode(bad)], nonce: 0)
        #expect(self.submit(world, mixed.canonicalBytes) == nil)
        world.block()
        #expect(world.final.last?.receipt["rejection"]?.stringValue == "bank.transfer.amountIsZero")
        #expect(world.final.last?.receipt["outcome"]?["operation"] == .number(1))
        #expect(world.available(World.account(World.provider)) == 1_000 * Amount.motesPerStar)
    }

    @Test func theTableOfTransferRejections() throws {
        let world = try World()
        let requester = World.requester
        func refusal(_ change: (inout BankTransfer) -> Void) -> String? {
            var transfer = BankTransfer(
                asset: .star, to: World.account(World.provider), amount: Amount(1))
            change(&transfer)
            return world.submit(requester, World.named("bank.transfer", transfer))?.name
        }
        #expect(refusal { $0.amount = .zero } == "bank.transfer.amountIsZero")
        #expect(refusal { $0.to = .zero } == "bank.transfer.toIsZero")
        #expect(refusal { $0.to = World.account(requester) } == "bank.transfer.toIsSelf")
        #expect(refusal { $0.to = ModuleAccount.escrow } == "bank.transfer.toIsModule")
        #expect(refusal { $0.to = .issuance(of: .star) } == "transfer.targetIsModule")
        #expect(refusal { $0.asset = .zero } == "transfer.assetNotFound")
        #expect(refusal { $0.amount = .maxSupply } == "transfer.insufficientFunds")
        #expect(refusal { $0.memo = String(repeating: "x", count: 65) } == "chain.operationInvalid")
        #expect(refusal { _ in } == nil)
    }

    @Test func theTableOfJobPostRejections() throws {
        let world = try World()
        let kernel = world.openMarket()
        func refusal(_ change: (inout JobPost) -> Void) -> String? {
            var post = JobPost()
            post.order = TestKernel.order(kernel)
            post.maxPrice = Amount(5)
            post.assignMs = 1_000
            post.runMs = 1_000
            post.auditMs = 5_000
            change(&post)
            return world.submit(World.requester, World.named("job.post", post))?.name
        }
        #expect(refusal { $0.assignMs = 0 } == "job.post.deadlineOutOfRange")
        #expect(refusal { $0.runMs = .max } == "job.post.deadlineOutOfRange")
        #expect(refusal { $0.order.kernel = .zero } == "job.post.kernelNotFound")
        #expect(refusal { $0.order.launches = [] } == "job.post.orderInvalid")
        #expect(
            refusal { $0.order.launches[0].groups.x = .max } == "job.post.orderInvalid")
        #expect(refusal { $0.leavesToAudit = 17 } == "job.post.auditOutOfRange")
        #expect(
            refusal {
                $0.maxPrice = .maxSupply
                $0.auditFee = .maxSupply
            }
                == "job.post.escrowOverflows")
        #expect(refusal { $0.maxPrice = .maxSupply } == "transfer.insufficientFunds")
        #expect(refusal { _ in } == nil)
    }

    @Test func theTableOfPublishAndOfferRejections() throws {
        let world = try World()
        func publish(_ change: (inout KernelPublish) -> Void) -> String? {
            var publish = TestKernel.publish(fee: 1)
            change(&publish)
            return world.submit(World.requester, World.named("kernel.publish", publish))?.name
        }
        #expect(
            publish { $0.fee = BasisPoints(5_001).proven("") } == "kernel.publish.feeTooHigh")
        #expect(publish { $0.vectors = [] } == "kernel.publish.noVectors")
        #expect(publish { $0.kernel.source = "while" } == "kernel.publish.kernelInvalid")
        #expect(
            publish { $0.vectors[0].outputRoot = .zero } == "kernel.publish.vectorsFail")
        #expect(publish { $0.vectors[0].scalars = [] } == "kernel.publish.vectorsFail")
        #expect(publish { _ in } == nil)
        world.block()
        #expect(publish { _ in } == "kernel.publish.alreadyPublished")

        func offer(_ change: (inout OfferPost) -> Void) -> String? {
            var offer = OfferPost()
            offer.capacity = 1
            offer.classes = [1]
            offer.maxJobGas = 1
            offer.bond = Amount(Amount.motesPerStar)
            offer.standsUntil = LedgerTime(ms: 9_000_000)
            change(&offer)
            return world.submit(World.provider, World.named("offer.post", offer))?.name
        }
        #expect(offer { $0.capacity = 0 } == "offer.post.capacityOutOfRange")
        #expect(offer { $0.capacity = 65 } == "offer.post.capacityOutOfRange")
        #expect(offer { $0.classes = [] } == "offer.post.noClasses")
        #expect(offer { $0.maxJobGas = 0 } == "offer.post.maxJobGasIsZero")
        #expect(offer { $0.bond = Amount(1) } == "offer.post.bondBelowMin")
        #expect(offer { $0.standsUntil = .zero } == "offer.post.standsUntilIsPast")
        #expect(offer { $0.bond = .maxSupply } == "hold.ownerHasTooLittle")
        #expect(offer { _ in } == nil)
    }

    @Test func aHigherTipReplacesAndGoesFirst() throws {
        let world = try World()
        let low = self.transaction(world, nonce: 0, tip: 100)
        let same = self.transaction(world, nonce: 0, tip: 110, amount: 7)
        let high = self.transaction(world, nonce: 0, tip: 113, amount: 8)
        #expect(self.submit(world, low.canonicalBytes) == nil)
        #expect(self.submit(world, same.canonicalBytes) == "chain.replacementTooCheap")
        #expect(self.submit(world, high.canonicalBytes) == nil)
        world.block()
        #expect(world.final.map(\.id) == [high.id(world.genesis.salt)])
        #expect(world.query(.status)["mempool"]?.u64Value == 0)
    }

    @Test func oneAccountCannotFillTheMempool() throws {
        let world = try World()
        for nonce in 0..<UInt64(96) {
            let one = self.transaction(world, nonce: nonce, maxFee: 500_000)
            #expect(self.submit(world, one.canonicalBytes) == nil, "nonce \(nonce)")
        }
        let more = self.transaction(world, nonce: 96)
        #expect(self.submit(world, more.canonicalBytes) == "chain.tooManyOfAccount")
        for _ in 0..<3 { world.block() }
        // The window holds 64 above its base, and slides as the low ones are used.
        #expect(world.final.count == 96)
        #expect(try world.faults() == [])
    }

    @Test func preparedBytesAreSignedOutside() throws {
        let world = try World()
        let outsider = World.key(77)
        let salt = world.genesis.salt
        let account = World.account(outsider)
        #expect(world.submit(World.requester, World.transfer(outsider, 50_000_000)) == nil)
        world.block()
        let token = world.fresh()
        world.keys.append(outsider)
        world.send(.wallets(world.keys.map(\.publicKey)))
        world.send(
            .prepare(
                .init(
                    account: account, operations: [World.transfer(World.provider, 1)],
                    mode: .bytes),
                token: token))
        let answer = world.answers[token] ?? .null
        var transaction = try Transaction(
            canonical: Hex.decode(answer["transaction"]?.stringValue ?? "").proven("hex"))
        #expect(answer["digest"]?.stringValue == transaction.signingDigest(salt).hex)
        transaction.sign([outsider], under: Policy(outsider.publicKey), salt)
        #expect(self.submit(world, transaction.canonicalBytes) == nil)
        world.block()
        #expect(world.final.last?.succeeded == true)
    }

    @Test func simulationChangesNothing() throws {
        let world = try World()
        let root = world.root()
        let token = world.fresh()
        world.send(
            .prepare(
                .init(
                    account: World.account(World.requester),
                    operations: [World.transfer(World.provider, 5)], mode: .simulate),
                token: token))
        #expect(world.answers[token]?["outcome"]?["kind"]?.stringValue == "ok")
        #expect(world.root() == root)
        #expect(!world.block())
    }

    /// Random bytes, mutated transactions, and rightly signed nonsense: refusals, never a trap.
    @Test func hostileTransactionsNeverTrap() throws {
        let world = try World()
        let kernel = world.openMarket()
        let id = world.post(kernel)
        var generator = Generator(seed: Blake2b.hash(.generator, .none, [42]))
        var seeds: [[UInt8]] = [
            OperationCatalogue.encode(
                BankTransfer(
                    asset: .star, to: World.account(World.provider), amount: Amount(1))
            ).bytes,
            OperationCatalogue.encode(JobCancel(job: id)).bytes,
            OperationCatalogue.encode(
                JobCommit(job: id, leafRoot: .zero, outputCommitment: .zero)
            ).bytes,
            OperationCatalogue.encode(TestKernel.publish(fee: 1)).bytes,
        ]
        var post = JobPost()
        post.order = TestKernel.order(kernel)
        post.assignMs = 1
        post.runMs = 1
        post.auditMs = 1
        seeds.append(OperationCatalogue.encode(post).bytes)
        var audit = JobAudit()
        audit.job = id
        audit.openings.leaves = [LeafOpening(), LeafOpening()]
        seeds.append(OperationCatalogue.encode(audit).bytes)
        let chunk = LeafWitness.Chunk(index: 0, bytes: [1, 2])
        let witness = LeafWitness(buffers: [.init(buffer: 0, chunks: [chunk], siblings: [.zero])])
        seeds += [
            OperationCatalogue.encode(JobSummon(job: id, reveal: .zero, commitment: .zero)),
            OperationCatalogue.encode(JobOpen(job: id, openings: audit.openings)),
            OperationCatalogue.encode(
                JobProve(job: id, attempt: 0, opening: LeafOpening(), witness: witness)),
            OperationCatalogue.encode(JobChallenge(job: id, leaf: 1, chunk: 0)),
            OperationCatalogue.encode(
                JobAnswer(job: id, opening: LeafOpening(), chunks: [.zero], bytes: [1])),
            OperationCatalogue.encode(KernelRetire(kernel: kernel)),
        ].map(\.bytes)
        var offer = OfferPost()
        offer.capacity = 1
        seeds.append(OperationCatalogue.encode(offer).bytes)
        var nonce: UInt64 = 4
        for round in 0..<400 {
            var bytes = seeds[Int(generator.below(UInt64(seeds.count)))]
            for _ in 0...generator.below(4) where !bytes.isEmpty {
                let at = Int(generator.below(UInt64(bytes.count)))
                switch generator.below(4) {
                case 0: bytes[at] = UInt8(generator.below(256))
                case 1: bytes[at] ^= 1 << UInt8(generator.below(8))
                case 2: bytes.removeLast(Int(generator.below(UInt64(min(40, bytes.count)))))
                default: bytes[at] = generator.below(2) == 0 ? 0 : 255
                }
            }
            let transaction = self.signed(
                world, [OperationBytes(bytes)], nonce: nonce, maxFee: 20_000_000)
            if self.submit(world, transaction.canonicalBytes) == nil { nonce += 1 }
            var wire = transaction.canonicalBytes
            let at = Int(generator.below(UInt64(wire.count)))
            wire[at] ^= UInt8(1 + generator.below(255))
            _ = self.submit(world, wire)
            _ = self.submit(world, generator.bytes(Int(generator.below(300))))
            if round % 8 == 7 { world.block() }
        }
        world.block()
        #expect(world.final.count > 300, "most were included, and failed or not")
        #expect(world.stalled == nil)
        #expect(try world.faults() == [])
    }
}
