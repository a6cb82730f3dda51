/// What a hash or signature is for; the tag is BLAKE2b's personalisation, padded with zeros to 16
/// bytes.
///
/// - Source: protocol/constants.csv lists them all.
package enum Domain: String, CaseIterable, Sendable {
    case account = "sl/account/1"
    case node = "sl/node/1"
    case kernel = "sl/kernel/1"
    case blob = "sl/blob/1"
    case genesis = "sl/genesis/1"
    case block = "sl/block/1"
    case tx = "sl/tx/1"
    case txsign = "sl/txsign/1"
    case receipt = "sl/receipt/1"
    case receipts = "sl/receipts/1"
    case body = "sl/body/1"
    case statekey = "sl/statekey/1"
    case stateleaf = "sl/stateleaf/1"
    case statenode = "sl/statenode/1"
    case statebucket = "sl/statebkt/1"
    case history = "sl/history/1"
    case epoch = "sl/epoch/1"
    case vote = "sl/vote/1"
    case proposal = "sl/proposal/1"
    case reveal = "sl/reveal/1"
    case mix = "sl/mix/1"
    case draw = "sl/draw/1"
    case job = "sl/job/1"
    case leaf = "sl/leaf/1"
    case leaves = "sl/leaves/1"
    case slice = "sl/slice/1"
    case slices = "sl/slices/1"
    case launches = "sl/launches/1"
    case output = "sl/output/1"
    case audit = "sl/audit/1"
    case offer = "sl/offer/1"
    case asset = "sl/asset/1"
    case salt = "sl/salt/1"
    case order = "sl/order/1"
    case manifest = "sl/manifest/1"
    case vector = "sl/vector/1"
    case certificate = "sl/cert/1"
    case validators = "sl/vals/1"
    case handshake = "sl/handshake/1"
    case journal = "sl/journal/1"
    case module = "sl/module/1"
    case hold = "sl/hold/1"
    case generator = "sl/generator/1"
    case claim = "sl/claim/1"
    case mac = "sl/mac/1"
    case cookie = "sl/cookie/1"
    case opening = "sl/opening/1"
    case ballot = "sl/ballot/1"

    /// The 16 bytes of the personalisation.
    package var personal: [UInt8] { Self.personals[self.index] }

    // Made once: hashing looks them up without allocating.
    private static let personals: [[UInt8]] = Domain.allCases.map { domain in
        let tag = Array(domain.rawValue.utf8)
        return tag + [UInt8](repeating: 0, count: 16 - tag.count)
    }

    private var index: Int {
        // A case without payload is laid out as its ordinal, the order of `allCases`.
        Int(unsafeBitCast(self, to: UInt8.self))
    }
}

/// The salt that binds hashes to one chain: the first 16 bytes of its genesis id.
package struct ChainSalt: Hashable, Sendable {
    /// Zero bytes, for names that hold on every chain.
    package static let none = ChainSalt(bytes: [UInt8](repeating: 0, count: 16))

    /// 16 bytes.
    package let bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The salt of the chain with this genesis.
    package init(_ genesis: GenesisID) { self.bytes = Array(genesis.digest.bytes.prefix(16)) }
}
