import Chain
import Control
import Primitives

extension Service {
    /// Jobs that an explanation looks back at where nothing is said.
    private static let lookBack = 100

    func serveExplanations(_ table: inout MethodTable) {
        table.serve("job.why") { call throws(ControlError) in
            try await self.query(.jobWhy(try call.value("job")), missing: Self.noJob)
        }
        table.serve("provider.why") { call throws(ControlError) in
            let limit = call.int("limit") ?? Self.lookBack
            return try await self.query(.providerWhy(try self.provider(call), limit: limit))
        }
        table.serve("provider.earnings") { call throws(ControlError) in
            let limit = call.int("limit") ?? 1_000
            return try await self.query(.earnings(try self.provider(call), limit: limit))
        }
    }

    func serveGovernance(_ table: inout MethodTable) {
        table.serve("stake.get") { call throws(ControlError) in
            try await self.query(.stake(try self.account(call)))
        }
        table.serve("governance.list") { call throws(ControlError) in
            let page = try await self.query(
                .proposals(before: try Self.cursor(call), limit: call.int("limit") ?? 100))
            return Self.page("proposals", page["proposals"]?.arrayValue ?? [], next: page["next"])
        }
        table.serve("governance.get") { call throws(ControlError) in
            let missing = ControlError.product(
                "governance.notFound", "no proposal has this id",
                fix: "starling gov list shows those there are")
            return try await self.query(.proposal(try call.value("proposal")), missing: missing)
        }
    }

    /// The account asked about, or the one that this node provides for.
    private func provider(_ call: Call) throws(ControlError) -> AccountID {
        if call.params["account"] != nil { return try self.account(call) }
        guard let account = self.providerAccount else {
            throw .product(
                "provider.notHere", "this node provides for nobody",
                fix: "name an account: starling provider earnings --account NAME")
        }
        return account
    }
}
