import Economy
import Kernels
import Ledger
import Primitives
import Testing

/// One hash over 65,536 seeded values of each record that is hashed or stored.
@Suite struct ConformanceTests {
    @Test func ledger() throws {
        try VectorFile.expect(
            "conformance-ledger",
            .object(
                try self.hash("Transaction", Transaction.self),
                try self.hash("Receipt", Receipt.self), try self.hash("Header", Header.self),
                try self.hash("Policy", Policy.self), try self.hash("Account", Account.self),
                try self.hash("Balance", Balance.self), try self.hash("Hold", Hold.self),
                try self.hash("Asset", Asset.self), try self.hash("Fact", Fact.self),
                try self.hash("ChainState", ChainState.self),
                try self.hash("LedgerParameters", LedgerParameters.self),
                try self.hash("StateBucket", StateBucket.self),
                try self.hash("StateProof", StateProof.self)))
    }

    @Test func kernels() throws {
        try VectorFile.expect(
            "conformance-kernels",
            .object(
                try self.hash("WorkOrder", WorkOrder.self),
                try self.hash("KernelPackage", KernelPackage.self),
                try self.hash("TestVector", TestVector.self),
                try self.hash("LeafWitness", LeafWitness.self)))
    }

    @Test func economy() throws {
        try VectorFile.expect(
            "conformance-economy",
            .object(
                try self.hash("Genesis", Genesis.self),
                try self.hash("Parameters", Parameters.self),
                try self.hash("BankTransfer", BankTransfer.self),
                try self.hash("KernelPublish", KernelPublish.self),
                try self.hash("OfferPost", OfferPost.self),
                try self.hash("OfferWithdraw", OfferWithdraw.self),
                try self.hash("JobPost", JobPost.self), try self.hash("JobCancel", JobCancel.self),
                try self.hash("JobCommit", JobCommit.self),
                try self.hash("JobAudit", JobAudit.self), try self.hash("JobEntry", JobEntry.self),
                try self.hash("JobReceipt", JobReceipt.self),
                try self.hash("OfferEntry", OfferEntry.self),
                try self.hash("KernelEntry", KernelEntry.self),
                try self.hash("Counters", Counters.self), try self.hash("Beacon", Beacon.self),
                try self.hash("RefereeLane", RefereeLane.self),
                try self.hash("Validator", Validator.self),
                try self.hash("OfferPage", OfferPage.self), try self.hash("Piece", Piece.self),
                try self.hash("DuePage", DuePage.self)))
    }

    private func hash<R: Record>(_ name: String, _ type: R.Type) throws -> (String, JSON) {
        (name, .string(try RecordFiller.conformance(name, type)))
    }
}
