import ArgumentParser
import Economy
import Foundation
import Ledger
import Primitives

/// Makes the document that a network begins with.
struct GenesisCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "genesis", abstract: "Makes the genesis of a network out of seats and funds.",
        discussion: """
            Example: starlingd genesis --seat a/seat.json --seat b/seat.json:2000 \
            --fund-file owner=a --param windowMs=5000 --out genesis.json

            Parameters are those of `starling`'s chain.genesis, as fees.protocolFee=250 where \
            one lies in another; numbers in their smallest unit.
            """)

    @Option(
        parsing: .unconditionalSingleValue,
        help: "FILE or FILE:STAKE, a validator's seat.json and its stake in STAR; repeated.")
    var seat: [String] = []

    @Option(help: "STAR of each seat that names no stake of its own.")
    var stake = "1000"

    @Option(
        parsing: .unconditionalSingleValue,
        help: "ACCOUNT=STAR, an account that is born with money; may be repeated.")
    var fund: [String] = []

    @Option(
        parsing: .unconditionalSingleValue,
        help: "NAME=DIR, the wallet NAME of the data directory DIR; may be repeated.")
    var fundFile: [String] = []

    @Option(help: "STAR of each --fund-file.")
    var fundEach = "1000000"

    @Option(help: "The network's name.")
    var name = "starling-testnet"

    @Option(help: "now, or milliseconds since 1970.")
    var time = "now"

    @Option(
        parsing: .unconditionalSingleValue,
        help: "KEY=VALUE, a parameter of the chain; may be repeated.")
    var param: [String] = []

    @Option(help: "The file to write; it must not be there.")
    var out: String

    func run() throws {
        do {
            var builder = GenesisBuilder(name: self.name, timeMs: try self.timeMs())
            let stake = try GenesisBuilder.star(self.stake, "--stake")
            for text in self.seat { try builder.seat(text, stake) }
            for text in self.fund { try builder.fund(text) }
            let each = try GenesisBuilder.star(self.fundEach, "--fund-each")
            for text in self.fundFile { try builder.fund(wallet: text, each) }
            let file = try builder.build(self.param)
            guard !FileManager.default.fileExists(atPath: self.out) else {
                throw Network.Failure("\(self.out) is there already; a genesis is never replaced")
            }
            try Files.writeDurably(self.out, Array(file.text.utf8))
            print(builder.words(file))
        } catch {
            FileHandle.standardError.write(Data("starlingd genesis: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }

    private func timeMs() throws -> UInt64 {
        if self.time == "now" { return Clock.wallMs }
        guard let ms = UInt64(self.time) else {
            throw Network.Failure("--time: now, or milliseconds since 1970 expected")
        }
        return ms
    }
}

/// Puts a genesis together and says what cannot be.
struct GenesisBuilder {
    private struct Seated {
        let seat: Seat
        let stake: Amount
        let path: String
    }

    private let name: String
    private let timeMs: UInt64
    private var seats: [Seated] = []
    private var funds: [GenesisAccount] = []

    init(name: String, timeMs: UInt64) {
        self.name = name
        self.timeMs = timeMs
    }

    /// Adds a seat: `FILE` or `FILE:STAKE`.
    mutating func seat(_ text: String, _ stake: Amount) throws {
        var path = text
        var amount = stake
        if !FileManager.default.fileExists(atPath: text), let colon = text.lastIndex(of: ":") {
            path = String(text[..<colon])
            amount = try Self.star(String(text[text.index(after: colon)...]), "--seat \(text)")
        }
        let seat = try Seat.read(path)
        for other in self.seats {
            let pair = "\(other.path) and \(path)"
            guard other.seat.key != seat.key else {
                throw Network.Failure("\(pair) have the same node key: each seat is one node")
            }
            guard other.seat.anchor != seat.anchor, other.seat.auditAnchor != seat.auditAnchor
            else {
                throw Network.Failure("\(pair) have the same reveal anchor: one was copied")
            }
            guard seat.address == nil || other.seat.address != seat.address else {
                throw Network.Failure("\(pair) have the same address")
            }
        }
        guard amount > .zero else { throw Network.Failure("\(path): a stake is above zero") }
        self.seats.append(Seated(seat: seat, stake: amount, path: path))
    }

    /// Adds money: `ACCOUNT=STAR`.
    mutating func fund(_ text: String) throws {
        let (account, star) = try Self.pair(text, "--fund", "ACCOUNT=STAR")
        guard let id = AccountID(hex: account) else {
            throw Network.Failure("--fund \(text): an account has 64 hexadecimal digits")
        }
        try self.add(id, try Self.star(star, "--fund \(text)"), text)
    }

    /// Adds money for `NAME=DIR`, a wallet whose public key is in its file.
    mutating func fund(wallet text: String, _ amount: Amount) throws {
        let (name, directory) = try Self.pair(text, "--fund-file", "NAME=DIR")
        let path = "\(directory)/wallets/\(name).key"
        let key: PublicKey
        do {
            key = try KeyFile(bytes: try Files.read(path, max: KeyFile.count)).publicKey
        } catch {
            throw Network.Failure("--fund-file \(text): \(path) is no key file: \(error)")
        }
        try self.add(AccountID.of(policy: Policy(key)), amount, text)
    }

    private mutating func add(_ id: AccountID, _ amount: Amount, _ text: String) throws {
        guard !self.funds.contains(where: { $0.account == id }) else {
            throw Network.Failure("\(text): account \(id.hex) is funded twice")
        }
        guard self.funds.count < Genesis.accountsMax else {
            throw Network.Failure("more than \(Genesis.accountsMax) accounts")
        }
        self.funds.append(GenesisAccount(account: id, balance: amount))
    }

    /// The genesis, with the seats in the order of their keys.
    func build(_ changes: [String]) throws -> GenesisFile {
        guard !self.seats.isEmpty else { throw Network.Failure("no --seat: nobody would vote") }
        guard self.seats.count <= Int(EconomyState.validatorsMax) else {
            throw Network.Failure("more than \(EconomyState.validatorsMax) seats")
        }
        guard self.name.utf8.count <= Seat.nameMax else {
            throw Network.Failure("--name has more than \(Seat.nameMax) bytes")
        }
        var genesis = Genesis()
        genesis.name = self.name
        genesis.time = LedgerTime(ms: self.timeMs)
        genesis.parameters.drawProposers = self.seats.count >= 3 ? 3 : 1
        genesis.parameters.offerStandingMs = 5_000
        genesis.parameters.windowMs = 2_000
        genesis.parameters.kernelActivationMs = 1_000
        for change in changes { try Self.change(&genesis, change) }
        genesis.validators = self.seats.sorted { $0.seat.key < $1.seat.key }.map {
            GenesisValidator(
                key: $0.seat.key, stake: $0.stake, anchor: $0.seat.anchor,
                auditAnchor: $0.seat.auditAnchor, auditCount: $0.seat.auditCount,
                payout: $0.seat.payout)
        }
        genesis.accounts = self.funds.sorted { $0.account < $1.account }
        let peers = self.seats.compactMap { one in
            one.seat.address.map {
                try? PeerText.parse("\(one.seat.key.hex)@\($0)")
            } ?? nil
        }
        let file = GenesisFile(genesis: genesis, peers: peers)
        try file.check()
        return file
    }

    /// `KEY=VALUE` of the economy's parameters, or else of the ledger's.
    private static func change(_ genesis: inout Genesis, _ text: String) throws {
        let (key, value) = try self.pair(text, "--param", "KEY=VALUE")
        if let json = try self.changed(genesis.parameters.json, key, value, text) {
            genesis.parameters = try self.read(json, text)
        } else if let json = try self.changed(genesis.ledger.json, key, value, text) {
            genesis.ledger = try self.read(json, text)
        } else {
            let known = Self.names(genesis.parameters.json) + Self.names(genesis.ledger.json)
            throw Network.Failure(
                "--param \(text): no such parameter; there are \(known.joined(separator: ", "))")
        }
    }

    private static func names(_ json: JSON) -> [String] {
        guard case .object(let members) = json else { return [] }
        return members.flatMap { member in
            let inner = self.names(member.value).map { "\(member.name).\($0)" }
            return inner.isEmpty ? [member.name] : inner
        }
    }

    private static func read<T: FieldValue>(_ json: JSON, _ text: String) throws -> T {
        do throws(FieldError) { return try T(json: json, at: "") } catch {
            throw Network.Failure("--param \(text): \(error.expected) expected")
        }
    }

    /// The object with one member changed; nil if it has none of that name.
    ///
    /// - Parameter key: a member's name; `outer.inner` for a member of a member.
    private static func changed(
        _ json: JSON, _ key: String, _ value: String, _ text: String
    ) throws -> JSON? {
        let names = key.split(separator: ".", maxSplits: 1).map(String.init)
        guard case .object(var members) = json, let name = names.first,
            let index = members.firstIndex(where: { $0.name == name })
        else { return nil }
        if names.count == 2 {
            guard let inner = try self.changed(members[index].value, names[1], value, text)
            else { return nil }
            members[index] = JSON.Member(name: name, value: inner)
            return .object(members)
        }
        switch members[index].value {
        case .number:
            guard let number = Int64(value) else {
                throw Network.Failure("--param \(text): a number expected")
            }
            members[index] = JSON.Member(name: name, value: .number(number))
        case .null, .bool, .decimal, .string, .array, .object:
            members[index] = JSON.Member(name: name, value: .string(value))
        }
        return .object(members)
    }

    private static func pair(
        _ text: String, _ option: String, _ form: String
    ) throws -> (String, String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex,
            text.index(after: equals) < text.endIndex
        else { throw Network.Failure("\(option) \(text): \(form) expected") }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    /// A decimal number of STAR with at most nine decimals.
    static func star(_ text: String, _ place: String) throws -> Amount {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let isDecimal = parts.allSatisfy { part in
            !part.isEmpty && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        let digits = parts.first.map { $0 + fraction }.map {
            $0 + String(repeating: "0", count: max(0, 9 - fraction.utf8.count))
        }
        guard isDecimal, parts.count <= 2, fraction.utf8.count <= 9, let digits,
            let motes = UInt128(digits), let amount = Amount(motes)
        else { throw Network.Failure("\(place): an amount of STAR expected, such as 1000 or 0.5") }
        return amount
    }

    /// What to tell the person.
    func words(_ file: GenesisFile) -> String {
        let total = file.genesis.validators.reduce(UInt128(0)) { $0 + $1.stake.units }
        var lines = ["genesis \(file.genesis.id.hex)"]
        for (index, one) in file.genesis.validators.enumerated() {
            let name = self.seats.first { $0.seat.key == one.key }?.seat.name ?? ""
            let permille = total == 0 ? 0 : one.stake.units * 1000 / total
            lines.append(
                "seat \(index)  \(one.key.hex.prefix(12))  \(permille / 10).\(permille % 10) %  "
                    + String(name.unicodeScalars.map { $0.value < 0x20 ? "?" : Character($0) }))
        }
        lines.append("\(file.genesis.accounts.count) funded accounts")
        lines.append("each node: starlingd init --data DIR --genesis FILE")
        return lines.joined(separator: "\n")
    }
}
