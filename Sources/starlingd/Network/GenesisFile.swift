import Consensus
import Control
import Economy
import Foundation
import Gossip
import Ledger
import Primitives

/// A genesis on disk: `{"id", "genesis", "peers"}`, or the canonical bytes alone.
///
/// `peers` says where the first validators listen; it is no part of the genesis and of no id.
///
/// - Bounds: `bytesMax` bytes; as many peers as validators.
struct GenesisFile: Sendable {
    /// Ten thousand accounts fit.
    static let bytesMax = 8 << 20

    let genesis: Genesis
    let peers: [PeerAddress]

    init(genesis: Genesis, peers: [PeerAddress]) {
        self.genesis = genesis
        self.peers = peers
    }

    /// Reads and checks a file that somebody else may have written.
    ///
    /// - Throws: ``Network/Failure`` naming the file and what is wrong with it.
    static func read(_ path: String) throws(Network.Failure) -> GenesisFile {
        let bytes: [UInt8]
        do throws(Files.Failure) {
            bytes = try Files.read(path, max: Self.bytesMax)
        } catch {
            throw Network.Failure("the genesis cannot be read: \(error)")
        }
        do {
            let file =
                bytes.first == UInt8(ascii: "{") || bytes.first?.isSpace == true
                ? try Self.parse(bytes)
                : GenesisFile(genesis: try Genesis(canonical: bytes), peers: [])
            try file.check()
            return file
        } catch let error as JSONTextError {
            throw Network.Failure("\(path) is no JSON: \(error.problem), byte \(error.offset)")
        } catch let error as FieldError {
            throw Network.Failure("\(path): \(error.path): \(error.expected) expected")
        } catch {
            throw Network.Failure("\(path): \(error)")
        }
    }

    private static func parse(_ bytes: [UInt8]) throws -> GenesisFile {
        let json = try JSONText.parse(bytes)
        let genesis = try Genesis(json: json["genesis"] ?? .null, at: "genesis")
        if let id = json["id"]?.stringValue, id != genesis.id.hex {
            throw Network.Failure("it says id \(id), but the genesis in it has \(genesis.id.hex)")
        }
        let listed = json["peers"]?.arrayValue ?? []
        guard listed.count <= Int(EconomyState.validatorsMax) else {
            throw Network.Failure("more than \(EconomyState.validatorsMax) peers")
        }
        let peers = try listed.enumerated().map { index, entry in
            guard let text = entry.stringValue else {
                throw FieldError(path: "peers[\(index)]", expected: "a string", found: entry.kind)
            }
            return try PeerText.parse(text)
        }
        return GenesisFile(genesis: genesis, peers: peers)
    }

    /// Whether a chain can start from it here.
    func check() throws {
        _ = try self.genesis.epochs()
        do throws(Genesis.Fault) {
            _ = try self.genesis.build()
        } catch {
            throw Network.Failure("the genesis cannot start a chain: \(error.text)")
        }
    }

    /// The file's text.
    var text: String {
        JSON.object(
            ("id", self.genesis.id.json), ("genesis", self.genesis.json),
            ("peers", .array(self.peers.map { .string($0.description) }))
        ).prettyText + "\n"
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { [0x20, 0x09, 0x0A, 0x0D].contains(self) }
}

extension Genesis {
    /// The validators that vote, in the order of their keys.
    ///
    /// - Throws: ``Network/Failure`` if a stake is no weight or the seats are not sorted by key.
    func epochs() throws(Network.Failure) -> Epochs {
        var seats: [Consensus.Validator] = []
        for (index, one) in self.validators.enumerated() {
            guard let weight = UInt64(exactly: one.stake.units) else {
                throw Network.Failure("the stake of validator \(index) exceeds 2^64 motes")
            }
            seats.append(Consensus.Validator(key: one.key, weight: weight))
        }
        do throws(ValidatorSet.Flaw) {
            return Epochs(
                genesis: try ValidatorSet(seats), seed: self.id.digest, salt: self.salt)
        } catch {
            switch error {
            case .empty: throw Network.Failure("the genesis seats no validator")
            case .tooMany(let count): throw Network.Failure("\(count) validators are too many")
            case .notSorted(let index):
                throw Network.Failure(
                    "validator \(index) of the genesis is not after the one before it in the order "
                        + "of keys: one is there twice, or they are not sorted")
            case .weightIsZero(let index):
                throw Network.Failure("validator \(index) of the genesis has no stake")
            }
        }
    }
}
