import Chain
import Control
import Economy
import Foundation
import Ledger
import Primitives
import Store

extension Service {
    /// Bytes of one page of `chain.export`, but for its last block: hexadecimal digits double them.
    static let chainPageBytesMax = 2 << 20

    func serveChain(_ table: inout MethodTable) {
        table.serve("block.get") { call throws(ControlError) in
            self.shown(try await self.block(call))
        }
        table.serve("ledger.header") { call throws(ControlError) in
            let block = try await self.block(call)
            return .object(
                ("id", block["id"] ?? .null), ("height", block["height"] ?? .null),
                ("header", block["headerBytes"] ?? .null),
                ("certificate", block["certificate"] ?? .string("")))
        }
        table.serve("chain.genesis") { _ throws(ControlError) in
            .object(("id", self.genesis.id.json), ("genesis", self.genesis.json))
        }
        table.serve("chain.supply") { _ throws(ControlError) in
            let supply = try await self.query(.supply)
            let status = try await self.query(.status)
            let ever =
                (supply["genesis"]?.u128Value ?? 0) + (supply["minted"]?.u128Value ?? 0)
            return .object(
                ("height", status["height"] ?? .null), ("asset", supply["asset"] ?? .null),
                ("issued", ever.json), ("burned", supply["burned"] ?? .null),
                ("circulating", supply["issued"] ?? .null))
        }
        table.serve("state.export") { call throws(ControlError) in try await self.export(call) }
        table.serve("chain.export") { call throws(ControlError) in try self.blocks(call) }
        table.serve("account.get") { call throws(ControlError) in
            let id = try self.account(call)
            let account = try await self.query(.account(id))
            let balances = try await self.query(.balances(id))
            let list = (balances["balances"]?.arrayValue ?? []).map { balance in
                JSON.object(
                    ("asset", balance["asset"] ?? .null), ("symbol", balance["symbol"] ?? .null),
                    ("available", balance["available"] ?? .null), ("held", balance["held"] ?? .null)
                )
            }
            var members: [JSON.Member] = [.init(name: "account", value: id.json)]
            if let wallet = self.keys.wallet(of: id) {
                members.append(.init(name: "wallet", value: .string(wallet.name)))
            }
            members += [
                .init(name: "nonce", value: Self.nextNonce(account["nonces"]).json),
                .init(name: "balances", value: .array(list)),
                .init(name: "policy", value: account["policy"] ?? .null),
            ]
            return .object(members)
        }
    }

    /// The lowest nonce of the window that is still free.
    private static func nextNonce(_ window: JSON?) -> UInt64 {
        let base = window?["base"]?.u64Value ?? 0
        let used = window?["used"]?.u64Value ?? 0
        return base &+ UInt64((~used).trailingZeroBitCount)
    }

    private func block(_ call: Call) async throws(ControlError) -> JSON {
        let missing = ControlError.product(
            "block.notFound", "no final block has this height or id",
            fix: "starling status shows the height; block 0 is the genesis and has no body")
        let query: Chain.Query
        if let id = try call.optional("id", BlockID.self) {
            query = .blockByID(id)
        } else if let height = try call.optional("height", UInt64.self) {
            query = .block(height: height)
        } else {
            let status = try await self.query(.status)
            query = .block(height: status["height"]?.u64Value ?? 0)
        }
        let block = try await self.query(query, missing: missing)
        guard block["headerBytes"] != nil else { throw missing }
        return block
    }

    private func shown(_ block: JSON) -> JSON {
        let transactions = block["transactions"]?.arrayValue ?? []
        let receipts = block["receipts"]?.arrayValue ?? []
        let rows = zip(transactions, receipts).map { transaction, receipt in
            JSON.object(
                ("transaction", transaction["id"] ?? .null),
                ("account", transaction["account"] ?? .null),
                ("operations", transaction["operations"] ?? .array([])),
                ("fee", receipt["fee"] ?? .null), ("rejection", receipt["rejection"] ?? .null))
        }
        return .object(
            ("id", block["id"] ?? .null), ("height", block["height"] ?? .null),
            ("timeMs", block["header"]?["timeMs"] ?? .null), ("header", block["header"] ?? .null),
            ("certificate", self.certificate(block["certificate"])), ("transactions", .array(rows)))
    }

    /// One page of rows; the cursor names the height, so that pages of two states never mix.
    private func export(_ call: Call) async throws(ControlError) -> JSON {
        var height: String?
        var after: Digest?
        if let cursor = call.params["cursor"]?.stringValue {
            let parts = cursor.split(separator: ":").map(String.init)
            guard parts.count == 2, let path = Digest(hex: parts[1]) else {
                throw .invalidParams(
                    FieldError(path: "cursor", expected: "`next` of the page before", found: cursor)
                )
            }
            (height, after) = (parts[0], path)
        }
        let page = try await self.query(.export(after: after, limit: call.int("limit") ?? 100))
        let now = page["height"]?.stringValue ?? ""
        guard height == nil || height == now else {
            throw .product(
                "state.cursorGone", "the state moved on from height \(height ?? "") to \(now)",
                fix: "start again from the first page")
        }
        let rows = (page["rows"]?.arrayValue ?? []).map { row in
            JSON.object(("key", row["key"] ?? .null), ("value", row["value"] ?? .null))
        }
        var members: [JSON.Member] = [
            .init(name: "height", value: page["height"] ?? .null),
            .init(name: "stateRoot", value: page["root"] ?? .null),
            .init(name: "rows", value: .array(rows)),
        ]
        if let next = page["next"]?.stringValue {
            members.append(.init(name: "next", value: .string("\(now):\(next)")))
        }
        return .object(members)
    }

    /// Final blocks from the segments, as many as fit one page.
    private func blocks(_ call: Call) throws(ControlError) -> JSON {
        let first = max(1, try call.optional("from", UInt64.self) ?? 1)
        let limit = call.int("limit") ?? 100
        let last = self.store.chain.last ?? 0
        var blocks: [JSON] = []
        var bytes = 0
        var next = first
        while next <= last, blocks.count < limit, bytes < Self.chainPageBytesMax {
            let block: StoredBlock?
            do throws(StoreError) { block = try self.store.chain.block(at: next) } catch {
                throw .product(
                    "chain.damaged", "block \(next): \(error)",
                    fix: "take the chain from another node")
            }
            guard let block else { break }
            blocks.append(
                .object(
                    ("height", block.height.json), ("header", .string(Hex.encode(block.header))),
                    ("body", .string(Hex.encode(block.body))),
                    ("receipts", .string(Hex.encode(block.receipts))),
                    ("certificate", .string(Hex.encode(block.certificate)))))
            bytes += block.header.count + block.body.count + block.receipts.count
            bytes += block.certificate.count
            next += 1
        }
        let genesis: Header
        do throws(Genesis.Fault) { genesis = try self.genesis.build().header } catch {
            throw .internalError("\(error)")
        }
        var members: [JSON.Member] = [
            .init(name: "genesisHeader", value: .string(Hex.encode(genesis.canonicalBytes))),
            .init(name: "last", value: last.json), .init(name: "blocks", value: .array(blocks)),
        ]
        if !blocks.isEmpty, next <= last { members.append(.init(name: "next", value: next.json)) }
        return .object(members)
    }

    func serveWallets(_ table: inout MethodTable) {
        table.serve("wallet.list") { _ throws(ControlError) in
            var list: [JSON] = []
            for wallet in self.keys.all { list.append(try await self.shown(wallet)) }
            return .object(("wallets", .array(list)))
        }
        table.serve("wallet.create") { call throws(ControlError) in
            let name = try call.text("name")
            let wallet: KeyStore.Wallet
            do throws(KeyStore.Failure) {
                wallet = try self.keys.create(name)
            } catch {
                if case .nameTaken = error {
                    throw .product("wallet.nameTaken", "\(error)", fix: "choose another name")
                }
                throw .product("wallet.notMade", "\(error)")
            }
            self.walletsChanged()
            return try await self.shown(wallet)
        }
    }

    private func shown(_ wallet: KeyStore.Wallet) async throws(ControlError) -> JSON {
        let account = try await self.query(.account(wallet.account))
        return .object(
            ("name", .string(wallet.name)), ("account", wallet.account.json),
            ("publicKey", wallet.key.publicKey.json),
            ("available", account["available"] ?? Amount.zero.json),
            ("held", account["star"]?["held"] ?? Amount.zero.json))
    }
}
