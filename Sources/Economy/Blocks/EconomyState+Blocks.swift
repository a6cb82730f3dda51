import Ledger
import Primitives

// The economy's part of a block: what happens before, in and after its transactions.
extension EconomyState {
    /// Validators of the genesis at most.
    package static let validatorsMax: UInt32 = 100

    /// All validators, in the order of the genesis.
    package mutating func validators() -> [Validator] {
        var list: [Validator] = []
        for index in 0..<Self.validatorsMax {
            guard let one = self.read(EconomyTable.validator, index) else { break }
            list.append(one)
        }
        return list
    }

    /// Takes the reveal, mixes the beacon, does what is due, draws.
    ///
    /// - Returns: the account that tips go to.
    mutating func openBlock(_ plan: BlockPlan) throws(BlockFault) -> AccountID {
        let validators = self.validators()
        if let fault = self.ledger.fault { throw .stateUnreadable(fault) }
        guard let index = validators.firstIndex(where: { $0.node == plan.proposer }) else {
            throw .proposerUnknown
        }
        var validator = validators[index]
        guard RevealChain.step(plan.reveal) == validator.lastReveal else { throw .revealWrong }
        validator.lastReveal = plan.reveal
        validator.reveals += 1
        validator.proposed = self.moment
        self.write(EconomyTable.validator, UInt32(clamping: index), validator)
        let mix = self.mixBeacon(plan)
        self.openLane()
        let posted = self.counters.drawTail - self.counters.drawHead
        self.runDue()
        self.runDraws(posted: posted, mix: mix)
        return validator.payout
    }

    /// The start of a block that is only simulated: no reveal, no draws; due work as it would be.
    mutating func openSimulation() -> AccountID {
        self.openLane()
        self.runDue()
        return self.validators().first?.payout ?? ModuleAccount.treasury
    }

    /// mix = H(.mix | mix | reveal).
    private mutating func mixBeacon(_ plan: BlockPlan) -> Digest {
        var beacon = self.beacon
        beacon.mix = Blake2b.pair(.mix, self.salt, beacon.mix, plan.reveal)
        beacon.proposer = plan.proposer
        beacon.count = beacon.count &+ 1
        self.write(EconomyTable.beacon, 0, beacon)
        return beacon.mix
    }

    private mutating func openLane() {
        let window = self.now.ms / self.parameters.laneMs
        let stored = self.read(EconomyTable.lane, 0) ?? RefereeLane()
        self.lane = stored.window == window ? stored : RefereeLane()
        self.lane.window = window
    }

    /// Writes what publishing used, failed ones included.
    mutating func closeLane() {
        let stored = self.read(EconomyTable.lane, 0) ?? RefereeLane()
        if self.lane.used > 0, stored != self.lane {
            self.write(EconomyTable.lane, 0, self.lane)
        }
    }

    /// Runs the operations of the transaction that the ledger has begun, and ends it.
    mutating func run(_ transaction: Transaction) -> Receipt {
        self.explanation = ""
        self.origin.transaction = transaction.id(self.salt)
        for (index, bytes) in transaction.operations.enumerated() {
            self.origin.operation = UInt8(clamping: index)
            self.ledger.beginOperation(bytes: bytes.bytes.count)
            do throws(Failure) {
                try self.apply(bytes, by: transaction.account)
            } catch {
                return self.ledger.finishTransaction(
                    .rejected(code: error.code.number, operation: self.origin.operation))
            }
            do throws(ExecutionRejection) {
                try self.ledger.commitOperation()
            } catch {
                return self.ledger.finishTransaction(
                    .rejected(code: error.rawValue, operation: self.origin.operation))
            }
        }
        return self.ledger.finishTransaction(.ok)
    }

    private mutating func apply(
        _ bytes: OperationBytes, by account: AccountID
    ) throws(Failure) {
        let operation = try OperationCatalogue.decode(bytes)
        try operation.apply(to: &self, by: account)
    }
}
