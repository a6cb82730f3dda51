package import Ledger
package import Primitives

/// A validator that a chain is born with.
package struct GenesisValidator: Record {
    /// Signs votes and proposals; names the node.
    package var key: PublicKey = .blank
    /// Weight in consensus and in draws; motes, issued to the payout account and held there.
    package var stake: Amount = .zero
    /// The last value of its reveal chain.
    package var anchor: Digest = .zero
    /// The last value of the chain that names the leaves it audits.
    package var auditAnchor: Digest = .zero
    /// Values in that chain: the audits that the validator can be drawn for.
    package var auditCount: UInt32 = 0
    /// Gets tips and audit fees, and signs audits.
    package var payout: AccountID = .zero

    package init() {}

    package init(
        key: PublicKey, stake: Amount, anchor: Digest, auditAnchor: Digest, auditCount: UInt32,
        payout: AccountID
    ) {
        self.key = key
        self.stake = stake
        self.anchor = anchor
        self.auditAnchor = auditAnchor
        self.auditCount = auditCount
        self.payout = payout
    }

    package static var blank: GenesisValidator { GenesisValidator() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("key", &self.key)
        try visitor.field("stake", &self.stake)
        try visitor.field("anchor", &self.anchor)
        try visitor.field("auditAnchor", &self.auditAnchor)
        try visitor.field("auditCount", &self.auditCount)
        try visitor.field("payout", &self.payout)
    }
}

/// An account that a chain is born with.
package struct GenesisAccount: Record {
    package var account: AccountID = .zero
    package var balance: Amount = .zero

    package init() {}

    package init(account: AccountID, balance: Amount) {
        self.account = account
        self.balance = balance
    }

    package static var blank: GenesisAccount { GenesisAccount() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("account", &self.account)
        try visitor.field("balance", &self.balance)
    }
}

/// What a chain starts from; its hash names the network and salts every other hash.
///
/// id = H(.genesis, zero salt, canonical bytes).
///
/// - Source: protocol/genesis.md.
package struct Genesis: Record {
    package static let version: UInt8 = 1
    package static let accountsMax = 10_000

    package var version: UInt8 = Genesis.version
    package var name: String = ""
    /// Ledger time of the genesis, milliseconds since 1970.
    package var time: LedgerTime = .zero
    package var ledger: LedgerParameters = .standard
    package var parameters: Parameters = Parameters()
    package var validators: [GenesisValidator] = []
    package var accounts: [GenesisAccount] = []

    package init() {}

    package static var blank: Genesis { Genesis() }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("version", &self.version)
        try visitor.text("name", &self.name, max: 64)
        try visitor.field("time", &self.time)
        try visitor.field("ledger", &self.ledger)
        try visitor.field("parameters", &self.parameters)
        try visitor.list("validators", &self.validators, max: Int(EconomyState.validatorsMax))
        try visitor.list("accounts", &self.accounts, max: Self.accountsMax)
    }

    package var id: GenesisID {
        GenesisID(Blake2b.hash(.genesis, .none, self.canonicalBytes))
    }

    /// What binds every hash to this chain.
    package var salt: ChainSalt { ChainSalt(self.id) }

    /// H(.validators | ULEB128 count | node key 32 bytes, stake u64 in motes, each): the hash that
    /// consensus gives its validator set, which is in the same order.
    package var validatorsHash: Digest {
        var encoder = Encoder()
        encoder.length(self.validators.count)
        for one in self.validators {
            one.key.encode(into: &encoder)
            encoder.u64(UInt64(clamping: one.stake.units))  // raw: a weight; `build` bounds it.
        }
        return Blake2b.hash(.validators, self.salt, encoder.bytes)
    }

    /// One validator, instant deadlines' worth of patience for nobody, and funded accounts.
    ///
    /// - Bounds: the payout account must not be the provider's: nobody audits itself.
    package static func dev(
        key: PublicKey, anchor: Digest, auditAnchor: Digest, auditCount: UInt32 = 65_536,
        payout: AccountID, time: LedgerTime, accounts: [GenesisAccount],
        name: String = "starling-dev"
    ) -> Genesis {
        var genesis = Genesis()
        genesis.name = name
        genesis.time = time
        genesis.parameters.drawProposers = 1
        genesis.parameters.offerStandingMs = 0
        genesis.parameters.kernelActivationMs = 0
        genesis.parameters.windowMs = 200
        genesis.parameters.unbondingMs = 60_000
        genesis.parameters.ballot.votingMs = 20_000
        genesis.parameters.ballot.timelockMs = 5_000
        genesis.parameters.ballot.deposit = Amount(Amount.motesPerStar)
        genesis.parameters.ballot.powerMin = Amount(Amount.motesPerStar)
        genesis.validators = [
            GenesisValidator(
                key: key, stake: Amount(1_000 * Amount.motesPerStar), anchor: anchor,
                auditAnchor: auditAnchor, auditCount: auditCount, payout: payout)
        ]
        genesis.accounts = accounts
        return genesis
    }

    /// Why a genesis cannot start a chain.
    package struct Fault: Error, Hashable, Sendable {
        package let text: String

        package init(_ text: String) { self.text = text }
    }

    /// The genesis block: its header and the state that it leaves.
    ///
    /// - Throws: ``Fault`` for numbers that cannot be.
    package func build() throws(Fault) -> (header: Header, layer: StateLayer, stack: StateStack) {
        guard self.version == Self.version else { throw Fault("version is not 1") }
        if let fault = self.parameters.fault { throw Fault(fault) }
        guard self.ledger.isValid else { throw Fault("ledger parameters are invalid") }
        guard !self.validators.isEmpty else { throw Fault("no validators") }
        guard Int(self.parameters.drawProposers) <= self.validators.count else {
            throw Fault("drawProposers exceeds the number of validators")
        }
        let salt = self.salt
        var state = LedgerState(
            on: StateStack(salt: salt), parameters: self.ledger, time: self.time)
        try self.issue(&state)
        self.stake(&state)
        state[EconomyTable.parameters, 0] = self.parameters
        state[EconomyTable.counters, 0] = Counters()
        var beacon = Beacon()
        beacon.mix = Blake2b.hash(.mix, salt, self.id.digest.bytes)
        state[EconomyTable.beacon, 0] = beacon
        for (index, one) in self.validators.enumerated() {
            state[EconomyTable.validator, UInt32(clamping: index)] = Validator(
                key: one.key, stake: one.stake, payout: one.payout, anchor: one.anchor,
                auditAnchor: one.auditAnchor, auditCount: one.auditCount)
        }
        state[LedgerTables.chain, 0] = ChainState(time: self.time)
        let sealed: SealedBlock
        do throws(SealFault) {
            sealed = try state.seal()
        } catch {
            throw Fault("the state does not add up: \(error)")
        }
        var header = Header.blank
        header.chain = self.id
        header.timeMs = self.time.ms
        header.stateRoot = sealed.stack.root
        header.validatorsHash = self.validatorsHash
        header.baseFee = BaseFee().price(self.ledger)
        return (header, sealed.layer, sealed.stack)
    }

    private func issue(_ state: inout LedgerState) throws(Fault) {
        let star = Asset(
            kind: .coin, issuer: .issuance(of: .star), decimals: 9, symbol: "STAR",
            supplyMax: .maxSupply)
        do throws(Asset.Rejection) {
            try state.createAsset(.star, star)
        } catch {
            throw Fault("STAR: \(error.code.name)")
        }
        for module in ModuleAccount.names { state.openModule(module) }
        for account in self.accounts where account.balance > .zero {
            // What a module has is what it owes; nobody is owed this.
            guard !ModuleAccount.owns(account.account) else {
                throw Fault("\(account.account.short) is a module's account")
            }
            try Self.mint(account.balance, to: account.account, &state)
        }
        for (index, one) in self.validators.enumerated() {
            guard one.stake > .zero else { throw Fault("validator \(index) has no stake") }
            guard one.stake.units <= UInt64.max else {  // raw: compared with a weight's bound.
                throw Fault("the stake of validator \(index) exceeds 2^64 - 1 motes")
            }
            guard index == 0 || self.validators[index - 1].key < one.key else {
                throw Fault("validator \(index): keys ascend, and each is there once")
            }
            guard one.auditAnchor != .zero else {
                throw Fault("validator \(index) has no audit anchor")
            }
            guard one.auditCount > 0 else { throw Fault("validator \(index) has no audits") }
            guard !ModuleAccount.owns(one.payout) else {
                throw Fault("validator \(index) pays out to a module's account")
            }
            try Self.mint(one.stake, to: one.payout, &state)
            do throws(Hold.Rejection) {
                try state.placeHold(
                    Self.stakeHold(one.key, state.salt),
                    Hold(
                        owner: one.payout, asset: .star, amount: one.stake,
                        purpose: EconomyState.validatorPurpose))
            } catch {
                throw Fault("stake of validator \(index): \(error.code.name)")
            }
        }
    }

    /// Every validator's payout has its stake: it earns and votes as bonded coins do.
    ///
    /// The sums were minted before, so that they are part of the supply.
    private func stake(_ state: inout LedgerState) {
        var pool = StakePool()
        for one in self.validators {
            var entry = state[EconomyTable.stake, one.payout] ?? StakeEntry()
            entry.locked = (entry.locked + one.stake).proven("minted coins are in the supply")
            PowerHistory.note(entry.power, at: 0, in: &entry.points, snapshots: [])
            state[EconomyTable.stake, one.payout] = entry
            pool.locked = (pool.locked + one.stake).proven("minted coins are in the supply")
        }
        PowerHistory.note(pool.power, at: 0, in: &pool.points, snapshots: [])
        state[EconomyTable.stakePool, 0] = pool
    }

    /// Names the hold on the stake of the validator with that key.
    package static func stakeHold(_ key: PublicKey, _ salt: ChainSalt) -> HoldID {
        HoldID.of(
            EconomyState.validatorPurpose, Blake2b.hash(.node, .none, key.canonicalBytes), salt)
    }

    private static func mint(
        _ amount: Amount, to account: AccountID, _ state: inout LedgerState
    ) throws(Fault) {
        do throws(Transfer.Rejection) {
            try state.mint(amount, of: .star, to: account)
        } catch {
            throw Fault("\(account.short): \(error.code.name)")
        }
    }
}
