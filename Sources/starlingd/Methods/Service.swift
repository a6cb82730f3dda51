import Chain
import Control
import Economy
import Foundation
import Ledger
import Node
import Primitives
import Store
import Synchronization
import Transport

/// What the handlers of the control socket work with.
struct Service: Sendable {
    let requests: Requests
    let keys: KeyStore
    let store: DataStore
    let uploads: Uploads
    let work: WorkDriver
    let events: Events
    /// Nil for a node without a network.
    let transport: Transport?
    let network: Network
    let started: Date
    /// Begins the end of the daemon.
    let stop: @Sendable () -> Void
    /// Tells the node that a wallet was added.
    let walletsChanged: @Sendable () -> Void

    var genesis: Genesis { self.network.genesis }
    var isDev: Bool { self.network.isDev }
    var providerAccount: AccountID? { self.network.provider?.account }

    /// The version of the daemon.
    static let version = "0.1.0"

    /// Every method of the socket.
    var methods: MethodTable {
        var table = MethodTable()
        self.serveNode(&table)
        self.serveChain(&table)
        self.serveWallets(&table)
        self.serveTransactions(&table)
        self.serveKernels(&table)
        self.serveJobs(&table)
        self.serveBlobs(&table)
        self.serveExplanations(&table)
        self.serveGovernance(&table)
        precondition(table.missing.isEmpty, "unserved: \(table.missing)")
        return table
    }

    /// Asks the node; a refusal becomes an error of the socket.
    func ask(_ request: Node.Request) async throws(ControlError) -> JSON {
        switch await self.requests.ask(request) {
        case .json(let json): return json
        case .accepted(let id): return id.json
        case .refused(let refusal): throw Self.error(refusal)
        }
    }

    /// Asks the chain; `missing` is the error for something that is not there.
    func query(
        _ query: Chain.Query, missing: ControlError? = nil
    ) async throws(ControlError) -> JSON {
        switch await self.requests.ask(.query(query)) {
        case .json(let json): return json
        case .accepted(let id): return id.json
        case .refused(let refusal):
            if let missing, refusal.name == "chain.notFound" { throw missing }
            throw Self.error(refusal)
        }
    }

    static func error(_ refusal: Node.Refusal) -> ControlError {
        .product(refusal.name, refusal.text, fix: Self.fix(refusal.name))
    }

    private static func fix(_ name: String) -> String {
        switch name {
        case "chain.accountNotInWallet":
            "sign elsewhere: transaction.prepare, then transaction.send"
        case "chain.mempoolFull", "node.busy": "try again in a moment, or raise the tip"
        case "node.stopping": "start the daemon again"
        case "job.notYet": "ask again in a moment: the audit comes first"
        default: ""
        }
    }

    /// The account that a name or an id means.
    func account(_ call: Call, _ name: String = "account") throws(ControlError) -> AccountID {
        let text = try call.text(name)
        if let wallet = self.keys.wallet(named: text) { return wallet.account }
        if let id = AccountID(hex: text) { return id }
        throw .product(
            "account.notFound",
            "no wallet of this daemon is named \"\(text)\", and it is no account id",
            fix: "starling wallet list shows the names; an id has 64 hexadecimal digits")
    }

    /// The members of an object, for putting others beside them.
    static func members(_ json: JSON?) -> [JSON.Member] {
        guard case .object(let members)? = json else { return [] }
        return members
    }

    /// A page's cursor as the number that the chain wants.
    static func cursor(_ call: Call) throws(ControlError) -> UInt64? {
        guard let text = call.params["cursor"]?.stringValue else { return nil }
        guard let value = UInt64(text) else {
            throw .invalidParams(
                FieldError(path: "cursor", expected: "`next` of the page before", found: text))
        }
        return value
    }

    /// A list and, unless it is the last page, its `next`.
    static func page(_ name: String, _ list: [JSON], next: JSON?) -> JSON {
        var members = [JSON.Member(name: name, value: .array(list))]
        if let next = next?.u64Value { members.append(.init(name: "next", value: next.json)) }
        return .object(members)
    }
}
