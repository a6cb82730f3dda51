import Ledger
import Primitives

let salt = ChainSalt(GenesisID(Digest([UInt8](repeating: 7, count: 32)).proven("32 bytes")))

/// A generator that the test's seed starts.
func generator(_ seed: UInt64) -> Generator {
    var encoder = Encoder()
    encoder.u64(seed)
    return Generator(seed: Blake2b.hash(.generator, .none, encoder.bytes))
}

/// A key that the number names.
func key(_ number: UInt8) -> SecretKey {
    SecretKey(seed: [UInt8](repeating: number, count: 32)).proven("32 bytes")
}

let alice = key(1)
let bob = key(2)
let carol = key(3)
let aliceID = AccountID.of(key: alice.publicKey)
let bobID = AccountID.of(key: bob.publicKey)
let carolID = AccountID.of(key: carol.publicKey)
let gold = AssetID(Blake2b.hash(.asset, .none, Array("gold".utf8)))

/// A table of a room above the ledger.
struct Note: Record {
    var bytes: [UInt8] = []
    static var blank: Note { Note() }
    mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.bytes("bytes", &self.bytes, max: 4096)
    }
}

let notes = Table<UInt64, Note>(tag: 900, name: "notes")

let parameters = LedgerParameters(
    feeRate: 500, feeDoubling: 30_000_000, feePriceMin: FeePrice(motes: 1_000_000),
    feePriceMax: FeePrice(motes: 1 << 60), entryDeposit: 100)

let price = FeePrice(motes: 1_000_000)

/// A sealed state: the coin and gold exist, alice has 1,000,000 motes and 500 gold.
func genesis(_ parameters: LedgerParameters = parameters) throws -> StateStack {
    var state = LedgerState(
        on: StateStack(salt: salt), parameters: parameters, time: LedgerTime(ms: 1000))
    let issuer = state.openModule("bank")
    try state.createAsset(
        .star,
        Asset(kind: .coin, issuer: issuer, decimals: 9, symbol: "STAR", supplyMax: .maxSupply))
    try state.createAsset(
        gold,
        Asset(kind: .token, issuer: aliceID, decimals: 0, symbol: "GOLD", supplyMax: Amount(1000)))
    try state.mint(Amount(1_000_000), of: .star, to: aliceID)
    try state.mint(Amount(500), of: gold, to: aliceID)
    return try state.seal().stack
}

/// The deposits in all rows, in motes.
func deposits(_ stack: StateStack) throws -> UInt64 {
    var sum: UInt64 = 0
    for placed in try stack.rows(from: .zero, through: .last, limit: 10_000) {
        var decoder = Decoder(placed.row.value)
        guard try decoder.bool() else { continue }
        _ = try AccountID(from: &decoder)
        sum += try decoder.u64()
    }
    return sum
}

/// A state on `stack` at one second and a bit.
func block(
    on stack: StateStack, _ parameters: LedgerParameters = parameters, ms: UInt64 = 2000
) -> LedgerState {
    LedgerState(on: stack, parameters: parameters, time: LedgerTime(ms: ms))
}

/// A signed transaction of alice with one empty operation.
func transaction(
    _ nonce: UInt64, maxFee: UInt64 = 10_000, tip: UInt64 = 10, from signer: SecretKey = alice
) -> Transaction {
    let policy = Policy(signer.publicKey)
    var transaction = Transaction(
        account: .of(policy: policy), nonce: nonce, validUntil: LedgerTime(ms: 5000),
        maxFee: Amount(maxFee), tip: Amount(tip), operations: [OperationBytes([1])], policy: policy)
    transaction.sign([signer], under: policy, salt)
    return transaction
}
