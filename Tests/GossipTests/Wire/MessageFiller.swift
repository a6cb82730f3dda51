import Gossip
import Primitives

/// Seeded messages of every kind, for round trips and for the hash that pins their bytes.
struct MessageFiller {
    var random: Generator

    init(seed: Digest) { self.random = Generator(seed: seed) }

    private mutating func digest() -> Digest { Digest(self.random.bytes(32)).proven("32 bytes") }

    private mutating func key() -> PublicKey {
        PublicKey(self.random.bytes(32)).proven("32 bytes")
    }

    private mutating func some(_ max: UInt64) -> [UInt8] {
        self.random.bytes(Int(self.random.below(max)))
    }

    private mutating func list<T>(_ max: UInt64, _ make: (inout MessageFiller) -> T) -> [T] {
        var out: [T] = []
        for _ in 0..<self.random.below(max) { out.append(make(&self)) }
        return out
    }

    private mutating func address() -> PeerAddress {
        let hosts = ["example.org", "192.0.2.7", "2001:db8::1", "a", "node-1.test"]
        let key = self.key()
        let host = hosts[Int(self.random.below(UInt64(hosts.count)))]
        return PeerAddress(
            key: key, host: host, port: UInt16(1 + self.random.below(65_535)))
    }

    private mutating func claim() -> AccountClaim {
        let account = AccountID(self.digest())
        let key = self.key()
        let signature = Signature(self.random.bytes(64)).proven("64 bytes")
        return AccountClaim(account: account, key: key, signature: signature)
    }

    private mutating func hello() -> Hello {
        let version = UInt16(truncatingIfNeeded: self.random.u64())
        let genesis = GenesisID(self.digest())
        let height = self.random.u64()
        let address = self.random.below(2) == 0 ? nil : self.address()
        return Hello(
            version: version, genesis: genesis, height: height, address: address,
            claims: self.list(4) { $0.claim() })
    }

    /// Each kind in turn of chance.
    mutating func peerMessage() -> PeerMessage {
        switch self.random.below(13) {
        case 0: return .hello(self.hello())
        case 1: return .status(height: self.random.u64())
        case 2: return .peers(self.list(5) { $0.address() })
        case 3: return .consensus(self.some(200))
        case 4: return .block(self.some(300))
        case 5: return .wantBlock(BlockID(self.digest()))
        case 6: return .noBlock(BlockID(self.digest()))
        case 7: return .transaction(self.some(200))
        case 8: return .haveTransactions(self.list(9) { $0.random.u64() })
        case 9: return .wantTransactions(self.list(9) { $0.random.u64() })
        case 10:
            let account = AccountID(self.digest())
            return .direct(to: account, self.some(100))
        case 11:
            let from = self.random.u64()
            return .wantRange(from: from, count: UInt16(1 + self.random.below(64)))
        default:
            let from = self.random.u64()
            return .range(
                from: from,
                self.list(5) { filler in
                    let block = filler.some(90)
                    return SyncedBlock(block: block, certificate: filler.some(40))
                })
        }
    }

    mutating func blobMessage() -> BlobMessage {
        let blob = BlobID(self.digest())
        switch self.random.below(5) {
        case 0: return .describe(blob, from: self.random.u64())
        case 1:
            let bytes = self.random.u64()
            let from = self.random.u64()
            return .description(blob, bytes: bytes, from: from, self.list(6) { $0.digest() })
        case 2: return .want(blob, group: self.random.u64())
        case 3:
            let group = self.random.u64()
            return .group(blob, group: group, self.some(100))
        default: return .absent(blob)
        }
    }

    mutating func datagram() -> PeerDatagram {
        guard self.random.below(4) > 0 else { return .noOffer }
        let account = AccountID(self.digest())
        let price = self.random.u64()
        let capacity = UInt16(truncatingIfNeeded: self.random.u64())
        let devices = ["", "pocl", "NVIDIA H100", "星"]
        let device = devices[Int(self.random.below(UInt64(devices.count)))]
        return .offer(
            OfferAdvert(
                account: account, pricePerGigaGas: price, capacity: capacity,
                classes: self.some(5), device: device))
    }
}
