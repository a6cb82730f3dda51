import Control
import Primitives
import Testing

/// A signer whose key the daemon never sees; it writes transactions by hand, from the page alone.
///
/// - Source: protocol/transaction.md, "Bytes".
struct Outside {
    let key: SecretKey
    let salt: ChainSalt
    let star: Digest
    /// Time until which its transactions are valid, milliseconds.
    let validUntil: UInt64

    /// What a transaction says before it is signed.
    struct Draft {
        var version: UInt8 = 1
        var nonce: UInt64 = 0
        var validUntil: UInt64
        var maxFee: UInt64 = 1_000_000_000
        var tip: UInt64 = 0
        var operations: [[UInt8]]
        /// Whether it shows the policy, as the first transaction of an account must.
        var showsPolicy = true
    }

    init(_ name: String, _ client: ControlClient) async throws {
        let seed = Blake2b.hash(.vector, .none, Array(name.utf8))
        self.key = try #require(SecretKey(seed: seed.bytes))
        let genesis = try await client.call("chain.genesis")
        self.salt = ChainSalt(
            GenesisID(try #require(Digest(hex: genesis["id"]?.stringValue ?? ""))))
        let supply = try await client.call("chain.supply")
        self.star = try #require(Digest(hex: supply["asset"]?.stringValue ?? ""))
        let block = try await client.call("block.get")
        self.validUntil = try #require(block["timeMs"]?.u64Value) + 60_000
    }

    /// One key alone: version, threshold, keys.
    private var policy: [UInt8] {
        var encoder = Encoder()
        encoder.u8(1)
        encoder.u32(1)
        encoder.length(1)
        encoder.raw(self.key.publicKey.bytes)
        encoder.u16(1)
        return encoder.bytes
    }

    var account: Digest { Blake2b.hash(.account, .none, self.policy) }

    /// A transfer of STAR.
    func transfer(_ amount: UInt64, to account: Digest) -> [UInt8] {
        var encoder = Encoder()
        encoder.u16(0x0101)
        encoder.raw(self.star.bytes)
        encoder.raw(account.bytes)
        encoder.u128(UInt128(amount))
        encoder.byteString([])
        return encoder.bytes
    }

    func draft(_ operations: [[UInt8]]) -> Draft {
        Draft(validUntil: self.validUntil, operations: operations)
    }

    /// Everything before the authorisation.
    func signedBytes(_ draft: Draft) -> [UInt8] {
        var encoder = Encoder()
        encoder.u8(draft.version)
        encoder.raw(self.account.bytes)
        encoder.u64(draft.nonce)
        encoder.u64(draft.validUntil)
        encoder.u128(UInt128(draft.maxFee))
        encoder.u128(UInt128(draft.tip))
        encoder.length(draft.operations.count)
        for operation in draft.operations { encoder.byteString(operation) }
        encoder.bool(draft.showsPolicy)
        if draft.showsPolicy { encoder.raw(self.policy) }
        return encoder.bytes
    }

    /// The bytes to send: signed with `key`, or its own.
    func signed(_ draft: Draft, by other: SecretKey? = nil) -> [UInt8] {
        let bytes = self.signedBytes(draft)
        let signature = (other ?? self.key).sign(Blake2b.hash(.txsign, self.salt, bytes))
        return bytes + self.authorisation(signers: 1, [signature.bytes])
    }

    func authorisation(signers: UInt16, _ signatures: [[UInt8]]) -> [UInt8] {
        var encoder = Encoder()
        encoder.u16(signers)
        encoder.length(signatures.count)
        for signature in signatures { encoder.raw(signature) }
        return encoder.bytes
    }
}
