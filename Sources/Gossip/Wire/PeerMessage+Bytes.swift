package import Primitives

extension PeerMessage: Canonical {
    package func encode(into encoder: inout Encoder) {
        encoder.u8(self.tag)
        switch self {
        case .hello(let hello): hello.encode(into: &encoder)
        case .status(let height): encoder.u64(height)
        case .peers(let addresses):
            encoder.length(addresses.count)
            for address in addresses { address.encode(into: &encoder) }
        case .consensus(let bytes), .block(let bytes), .transaction(let bytes):
            encoder.byteString(bytes)
        case .wantBlock(let id), .noBlock(let id): id.encode(into: &encoder)
        case .haveTransactions(let ids), .wantTransactions(let ids):
            encoder.length(ids.count)
            // The bytes stand in the id's own order.
            for id in ids { encoder.u64(id.byteSwapped) }
        case .direct(let account, let bytes):
            account.encode(into: &encoder)
            encoder.byteString(bytes)
        case .wantRange(let from, let count):
            encoder.u64(from)
            encoder.u16(count)
        case .range(let from, let blocks):
            encoder.u64(from)
            encoder.length(blocks.count)
            for block in blocks {
                encoder.byteString(block.block)
                encoder.byteString(block.certificate)
            }
        }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 0: self = .hello(try Hello(from: &decoder))
        case 1: self = .status(height: try decoder.u64())
        case 2: self = .peers(try Self.addresses(&decoder))
        case 3:
            self = .consensus(
                try decoder.byteString(max: Self.consensusBytesMax, field: "consensus"))
        case 4: self = .block(try decoder.byteString(max: Self.blockBytesMax, field: "block"))
        case 5: self = .wantBlock(try BlockID(from: &decoder))
        case 6: self = .noBlock(try BlockID(from: &decoder))
        case 7:
            self = .transaction(
                try decoder.byteString(max: Self.transactionBytesMax, field: "transaction"))
        case 8: self = .haveTransactions(try Self.ids(&decoder))
        case 9: self = .wantTransactions(try Self.ids(&decoder))
        case 10:
            let account = try AccountID(from: &decoder)
            self = .direct(
                to: account, try decoder.byteString(max: Self.directBytesMax, field: "direct"))
        case 11: self = try Self.wantRange(&decoder)
        case 12: self = .range(from: try decoder.u64(), try Self.blocks(&decoder))
        case let tag: throw .unknownTag(field: "message", tag: UInt64(tag), offset: offset)
        }
    }

    private var tag: UInt8 {
        switch self {
        case .hello: 0
        case .status: 1
        case .peers: 2
        case .consensus: 3
        case .block: 4
        case .wantBlock: 5
        case .noBlock: 6
        case .transaction: 7
        case .haveTransactions: 8
        case .wantTransactions: 9
        case .direct: 10
        case .wantRange: 11
        case .range: 12
        }
    }

    private static func addresses(_ decoder: inout Decoder) throws(DecodeError) -> [PeerAddress] {
        // Key, a host of one byte with its length, and the port.
        let count = try decoder.count(max: Self.peersMax, each: 36, field: "peers")
        var addresses: [PeerAddress] = []
        for _ in 0..<count { addresses.append(try PeerAddress(from: &decoder)) }
        return addresses
    }

    private static func ids(_ decoder: inout Decoder) throws(DecodeError) -> [UInt64] {
        let count = try decoder.count(max: Self.idsMax, each: 8, field: "ids")
        var ids: [UInt64] = []
        ids.reserveCapacity(count)
        for _ in 0..<count { ids.append(try decoder.u64().byteSwapped) }
        return ids
    }

    private static func wantRange(_ decoder: inout Decoder) throws(DecodeError) -> PeerMessage {
        let from = try decoder.u64()
        let offset = decoder.offset
        let count = try decoder.u16()
        guard count > 0, Int(count) <= Self.blocksMax else {
            throw .invalid(field: "count", offset: offset)
        }
        return .wantRange(from: from, count: count)
    }

    private static func blocks(_ decoder: inout Decoder) throws(DecodeError) -> [SyncedBlock] {
        let count = try decoder.count(max: Self.blocksMax, each: 2, field: "blocks")
        let single = count == 1
        var blockBytes = single ? Self.blockBytesMax : Self.rangeBytesMax
        var certificateBytes = Self.certificatesBytesMax
        var blocks: [SyncedBlock] = []
        for _ in 0..<count {
            let block = try decoder.byteString(
                max: min(blockBytes, Self.blockBytesMax), field: "block")
            let certificate = try decoder.byteString(
                max: min(certificateBytes, Self.consensusBytesMax), field: "certificate")
            blockBytes -= block.count
            certificateBytes -= certificate.count
            blocks.append(SyncedBlock(block: block, certificate: certificate))
        }
        return blocks
    }
}

extension PeerMessage {
    /// The bytes to send, or nil for a message that others would refuse; a range is cut to fit.
    var sendable: [UInt8]? {
        switch self {
        case .range(let from, let blocks):
            let cut = Self.fitting(blocks)
            guard cut.count == min(blocks.count, 1) || cut.count > 1 else { return nil }
            return PeerMessage.range(from: from, cut).canonicalBytes
        case .hello, .status, .peers, .consensus, .block, .wantBlock, .noBlock, .transaction,
            .haveTransactions, .wantTransactions, .direct, .wantRange:
            return self.isInBounds ? self.canonicalBytes : nil
        }
    }

    private var isInBounds: Bool {
        switch self {
        case .hello(let hello):
            hello.claims.count <= Hello.claimsMax && hello.address?.isValid != false
        case .peers(let peers):
            peers.count <= Self.peersMax && peers.allSatisfy(\.isValid)
        case .consensus(let bytes): bytes.count <= Self.consensusBytesMax
        case .block(let bytes): bytes.count <= Self.blockBytesMax
        case .transaction(let bytes): bytes.count <= Self.transactionBytesMax
        case .haveTransactions(let ids), .wantTransactions(let ids): ids.count <= Self.idsMax
        case .direct(_, let bytes): bytes.count <= Self.directBytesMax
        case .wantRange(_, let count): count > 0 && Int(count) <= Self.blocksMax
        case .status, .wantBlock, .noBlock: true
        case .range(_, let blocks): Self.fitting(blocks).count == blocks.count
        }
    }

    /// The first blocks that fit one range.
    package static func fitting(_ blocks: [SyncedBlock]) -> [SyncedBlock] {
        var blockBytes = 0
        var certificateBytes = 0
        var cut: [SyncedBlock] = []
        for block in blocks.prefix(Self.blocksMax) {
            blockBytes += block.block.count
            certificateBytes += block.certificate.count
            let most = cut.isEmpty ? Self.blockBytesMax : Self.rangeBytesMax
            guard blockBytes <= most, certificateBytes <= Self.certificatesBytesMax,
                block.certificate.count <= Self.consensusBytesMax
            else { break }
            cut.append(block)
        }
        return cut
    }
}

extension Hello: Canonical {
    package func encode(into encoder: inout Encoder) {
        encoder.u16(self.version)
        self.genesis.encode(into: &encoder)
        encoder.u64(self.height)
        encoder.bool(self.address != nil)
        self.address?.encode(into: &encoder)
        encoder.length(self.claims.count)
        for claim in self.claims { claim.encode(into: &encoder) }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let version = try decoder.u16()
        let genesis = try GenesisID(from: &decoder)
        let height = try decoder.u64()
        let address = try decoder.bool() ? try PeerAddress(from: &decoder) : nil
        let size = 2 * Digest.count + Signature.count
        let count = try decoder.count(max: Self.claimsMax, each: size, field: "claims")
        var claims: [AccountClaim] = []
        for _ in 0..<count { claims.append(try AccountClaim(from: &decoder)) }
        self.init(
            version: version, genesis: genesis, height: height, address: address, claims: claims)
    }

    /// The version that a first message speaks, read before all that a version may change.
    static func version(of bytes: [UInt8]) -> UInt16? {
        guard bytes.count >= 3, bytes[0] == 0 else { return nil }
        return UInt16(bytes[1]) | UInt16(bytes[2]) << 8
    }
}
