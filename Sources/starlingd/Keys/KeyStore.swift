import Foundation
import Ledger
import Primitives
import Synchronization

/// The key files of a data directory: the node key and the wallets, opened once at start.
///
/// - Source: protocol/identity.md, "Key files".
final class KeyStore: Sendable {
    /// One wallet whose key this daemon keeps.
    struct Wallet: Sendable {
        let name: String
        let key: SecretKey
        let policy: Policy
        let account: AccountID

        init(name: String, key: SecretKey) {
            self.name = name
            self.key = key
            self.policy = Policy(key.publicKey)
            self.account = AccountID.of(policy: self.policy)
        }
    }

    enum Failure: Error, CustomStringConvertible {
        case cannotRead(path: String, reason: String)
        case cannotWrite(path: String, reason: String)
        case cannotOpen(path: String, KeyFile.Failure)
        case nameTaken(String)
        case badName(String)

        var description: String {
            switch self {
            case .cannotRead(let path, let reason): "cannot read \(path): \(reason)"
            case .cannotWrite(let path, let reason): "cannot write \(path): \(reason)"
            case .cannotOpen(let path, let failure):
                "key file \(path) does not open (\(failure)); is the passphrase right?"
            case .nameTaken(let name): "a wallet named \(name) exists already"
            case .badName(let name):
                "\"\(name)\" is no wallet name: 1 to 32 of a-z, 0-9, - and _, a letter first"
            }
        }
    }

    let node: SecretKey
    private let directory: String
    private let passphrase: [UInt8]
    private let cost: KeyFile.Cost
    private let wallets: Mutex<[Wallet]>

    /// Opens the keys under `directory`; makes the node key if there is none.
    init(directory: String, passphrase: [UInt8], cost: KeyFile.Cost) throws(Failure) {
        self.directory = directory
        self.passphrase = passphrase
        self.cost = cost
        Files.makeDirectory(directory + "/wallets")
        let nodePath = directory + "/node.key"
        if FileManager.default.fileExists(atPath: nodePath) {
            self.node = try Self.open(nodePath, passphrase)
        } else {
            self.node = try Self.create(nodePath, passphrase, cost)
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory + "/wallets")
        } catch {
            throw .cannotRead(path: directory + "/wallets", reason: "\(error)")
        }
        var found: [Wallet] = []
        for name in names.sorted() where name.hasSuffix(".key") {
            let key = try Self.open(directory + "/wallets/" + name, passphrase)
            found.append(Wallet(name: String(name.dropLast(4)), key: key))
        }
        self.wallets = Mutex(found)
    }

    /// Every wallet, by name.
    var all: [Wallet] { self.wallets.withLock { $0 } }

    /// The wallet of that name.
    func wallet(named name: String) -> Wallet? { self.all.first { $0.name == name } }

    /// The wallet of that account.
    func wallet(of account: AccountID) -> Wallet? { self.all.first { $0.account == account } }

    /// Makes a key and keeps it encrypted.
    func create(_ name: String) throws(Failure) -> Wallet {
        let allowed = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
        }
        guard allowed, (1...32).contains(name.utf8.count), name.first?.isLetter == true else {
            throw .badName(name)
        }
        guard self.wallet(named: name) == nil else { throw .nameTaken(name) }
        let key = try Self.create(
            self.directory + "/wallets/\(name).key", self.passphrase, self.cost)
        let wallet = Wallet(name: name, key: key)
        self.wallets.withLock {
            $0.append(wallet)
            $0.sort { $0.name < $1.name }
        }
        return wallet
    }

    private static func open(
        _ path: String, _ passphrase: [UInt8]
    ) throws(Failure) -> SecretKey {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, max: KeyFile.count) } catch {
            throw .cannotRead(path: path, reason: "\(error)")
        }
        do throws(KeyFile.Failure) {
            return try KeyFile(bytes: bytes).open(passphrase: passphrase)
        } catch { throw .cannotOpen(path: path, error) }
    }

    private static func create(
        _ path: String, _ passphrase: [UInt8], _ cost: KeyFile.Cost
    ) throws(Failure) -> SecretKey {
        let key = SecretKey(seed: SystemRandom.bytes(SecretKey.seedCount)).proven("32 bytes")
        let file: KeyFile
        do throws(KeyFile.Failure) {
            file = try KeyFile(
                sealing: key, passphrase: passphrase, cost: cost,
                random: SystemRandom.bytes(KeyFile.randomCount))
        } catch { throw .cannotOpen(path: path, error) }
        do { try Files.writeDurably(path, file.bytes) } catch {
            throw .cannotWrite(path: path, reason: "\(error)")
        }
        return key
    }
}
