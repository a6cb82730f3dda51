import ArgumentParser
import Economy
import Foundation
import Gossip
import Primitives

/// Makes a node: its keys, wallets, configuration and, for a validator, its seat.
///
/// Run again it keeps the keys and the file's other lines, and changes what its options say.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Makes the keys and the configuration of a node.",
        discussion: """
            Writes DIR/starling.toml and, for a validator, DIR/seat.json: the public part, which \
            the maker of the genesis needs. Run it again with --genesis once there is one. \
            Keys that are there stay.
            """)

    @Option(help: "The data directory; made if it is not there.")
    var data: String

    @Option(help: "What people call this node; its host's name if left out.")
    var name: String?

    @Option(
        help: "HOST:PORT where peers are accepted, TCP and UDP; without it the node only dials.")
    var listen: String?

    @Option(help: "HOST:PORT that others dial, where that is not --listen.")
    var advertise: String?

    @Option(help: "The network's genesis file; it is copied into the data directory.")
    var genesis: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: "KEY@HOST:PORT to dial, beside the peers in the genesis file; may be repeated.")
    var peer: [String] = []

    @Flag(inversion: .prefixedNo, help: "Whether this node shall have a seat and vote.")
    var validator = true

    @Flag(inversion: .prefixedNo, help: "Whether this node runs jobs of others.")
    var provider: Bool?

    @Option(
        help:
            "The wallet that provides; a validator's payout wallet, so that it never audits itself."
    )
    var providerAccount: String?

    @Option(
        parsing: .unconditionalSingleValue,
        help: "A wallet to make beside `owner` and `provider`; may be repeated.")
    var wallet: [String] = []

    @Option(help: "The account that earns for the validator: a wallet of this node, or an id.")
    var payout: String?

    @Option(help: "Blocks that the seat's reveal chain serves; fixed with the first run.")
    var reveals: Int?

    @Option(help: "A file with the passphrase of the key files, which others cannot read.")
    var passphraseFile: String?

    @Flag(help: "Keys without a passphrase: for test networks alone.")
    var testnetKeys = false

    func run() throws {
        do {
            let node = try NodeSetup(self)
            print(try node.write())
        } catch let error as ExitCode {
            throw error
        } catch {
            FileHandle.standardError.write(Data("starlingd init: \(error)\n".utf8))
            throw ExitCode(1)
        }
    }
}

/// One run of `starlingd init`.
struct NodeSetup {
    private let options: InitCommand
    private let data: String
    private let keys: KeyStore
    private let listen: HostPort?
    private let advertise: HostPort?
    private let peers: [PeerAddress]
    private let seat: Seat?
    private let payout: String
    private let payoutAccount: AccountID
    private let genesis: GenesisFile?

    /// Checks every option, then makes what keys are missing.
    init(_ options: InitCommand) throws {
        self.options = options
        self.data = URL(fileURLWithPath: options.data).standardizedFileURL.path
        let seatPath = self.data + "/seat.json"
        self.seat =
            FileManager.default.fileExists(atPath: seatPath) ? try Seat.read(seatPath) : nil
        self.listen = try options.listen.map { try HostPort($0) }
        self.advertise = try options.advertise.map { try HostPort($0) }
        if let advertise, advertise.port == 0 || advertise.isWildcard {
            throw Network.Failure("--advertise \(advertise): nobody can be dialled there")
        }
        self.peers = try options.peer.map { try PeerText.parse($0) }
        self.genesis = try options.genesis.map { try GenesisFile.read($0) }
        let isKept = (try? KeyFile(bytes: Files.read(self.data + "/node.key", max: KeyFile.count)))
        if let reveals = options.reveals {
            guard (1...Network.revealsMax).contains(reveals) else {
                throw Network.Failure("--reveals: 1...\(Network.revealsMax) expected")
            }
        }
        // A second run opens the keys as the first one made them.
        let isTestnet = options.testnetKeys || isKept?.cost == .testnet
        let passphrase = try Settings.passphrase(
            file: options.passphraseFile ?? Self.configured(self.data)?.passphraseFile,
            isTestnet: isTestnet)
        self.keys = try KeyStore(
            directory: self.data, passphrase: passphrase, cost: isTestnet ? .testnet : .moderate)
        let wanted = options.payout ?? Self.configured(self.data)?.payout ?? "owner"
        self.payout = wanted
        self.payoutAccount =
            try AccountID(hex: wanted) ?? Self.wallet(wanted, self.keys).account
        _ = try Self.wallet("provider", self.keys)
        for name in options.wallet { _ = try Self.wallet(name, self.keys) }
    }

    private static func configured(_ data: String) -> Settings? {
        try? Settings(file: data + "/starling.toml", dev: false, data: nil, socket: nil, log: nil)
    }

    private static func wallet(_ name: String, _ keys: KeyStore) throws -> KeyStore.Wallet {
        try keys.wallet(named: name) ?? keys.create(name)
    }

    /// Writes the files; answers what to tell the person.
    func write() throws -> String {
        let seat = self.options.validator ? try self.newSeat() : nil
        if let seat { try Files.writeDurably(self.data + "/seat.json", Array(seat.text.utf8)) }
        if let genesis {
            try Files.writeDurably(self.data + "/genesis.json", Array(genesis.text.utf8))
        }
        try Files.writeDurably(
            self.data + "/starling.toml", Array(try self.configuration(seat).utf8))
        return self.words(seat)
    }

    private func newSeat() throws -> Seat {
        let me = self.keys.node.publicKey
        let count = self.options.reveals ?? self.seat?.reveals ?? Network.revealsDefault
        let rounded = (count + 255) / 256 * 256
        var anchor = self.seat?.anchor
        if self.seat?.key != me || self.seat?.reveals != rounded { anchor = nil }
        // A seat that is there keeps its chains: a genesis may name them.
        let audits = self.seat.flatMap { $0.key == me ? Int($0.auditCount) : nil }
        let chain = Network.audits(self.keys.node, count: audits ?? Network.auditsDefault)
        let reachable = self.advertise ?? self.listen
        let address = reachable.flatMap { $0.port == 0 || $0.isWildcard ? nil : $0 }
        return Seat(
            name: self.options.name ?? self.seat?.name ?? ProcessInfo.processInfo.hostName, key: me,
            anchor: anchor ?? Network.reveals(self.keys.node, count: rounded).anchor,
            reveals: rounded, auditAnchor: chain.anchor,
            auditCount: UInt32(clamping: chain.count), payout: self.payoutAccount,
            address: address ?? self.seat?.address)
    }

    private func configuration(_ seat: Seat?) throws -> String {
        let path = self.data + "/starling.toml"
        let reveals = seat?.reveals ?? Network.revealsDefault
        var file: ConfigFile
        let isNew = !FileManager.default.fileExists(atPath: path)
        if !isNew {
            file = ConfigFile(text: try String(contentsOfFile: path, encoding: .utf8))
        } else {
            file = ConfigFile(reveals: reveals)
            file.set("testnet_keys", in: "wallet", to: "\(self.options.testnetKeys)")
        }
        let quote = ConfigFile.quote
        if let listen { file.set("listen", to: quote(listen.description)) }
        if let advertise { file.set("advertise", to: quote(advertise.description)) }
        if !self.peers.isEmpty {
            file.set("peers", to: ConfigFile.list(self.peers.map(\.description)))
        }
        if self.genesis != nil { file.set("genesis", to: quote("genesis.json")) }
        file.set("payout", to: quote(self.payout))
        file.set("enabled", in: "validator", to: "\(self.options.validator)")
        file.set("reveals", in: "validator", to: "\(reveals)")
        if let provider = self.options.provider {
            file.set("enabled", in: "provider", to: "\(provider)")
        }
        if let account = self.providerAccount(isNew: isNew) {
            file.set("account", in: "provider", to: quote(account))
        }
        if let path = self.options.passphraseFile {
            let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
            file.set("passphrase_file", in: "wallet", to: quote(absolute))
        }
        return file.text
    }

    /// The account to provide for, where the configuration should change: with one account for
    /// both, the ledger's draw never has a validator audit its own jobs.
    private func providerAccount(isNew: Bool) -> String? {
        if let named = self.options.providerAccount { return named }
        let isHere = self.keys.wallet(named: self.payout) != nil
        return isNew && self.options.validator && isHere ? self.payout : nil
    }

    private func words(_ seat: Seat?) -> String {
        var lines = ["node      \(self.keys.node.publicKey.hex)"]
        for wallet in self.keys.all {
            lines.append(
                wallet.name.padding(
                    toLength: max(10, wallet.name.count + 1), withPad: " ", startingAt: 0)
                    + wallet.account.hex)
        }
        lines.append("config    \(self.data)/starling.toml")
        if seat != nil { lines.append("seat      \(self.data)/seat.json") }
        if let address = seat?.address {
            lines.append("peers dial \(self.keys.node.publicKey.hex)@\(address)")
        }
        if self.options.testnetKeys {
            lines.append("These keys have no passphrase: they are for a test network alone.")
        }
        let hasGenesis = FileManager.default.fileExists(atPath: self.data + "/genesis.json")
        lines.append("next:")
        if !hasGenesis {
            if seat != nil {
                lines.append(
                    "  starlingd genesis --seat \(self.data)/seat.json --seat ... "
                        + "--out genesis.json"
                )
            }
            lines.append("  starlingd init --data \(self.data) --genesis genesis.json")
        }
        lines.append("  starlingd run --data \(self.data)")
        return lines.joined(separator: "\n")
    }
}
