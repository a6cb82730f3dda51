import Primitives

/// What both sides of a handshake hash and mix: Noise's SymmetricState over its CipherState.
///
/// - Source: the Noise protocol framework, revision 34, sections 5.1 and 5.2.
struct SymmetricState: Sendable {
    /// The hash of everything both sides have seen.
    private(set) var hash: [UInt8]
    private var chaining: SecretBytes
    private var key: SecretBytes?
    private var counter: UInt64 = 0

    /// The start of a protocol whose name is no longer than a hash.
    init(protocolName: String, prologue: [UInt8]) {
        var name = Array(protocolName.utf8)
        precondition(name.count <= NoiseHash.count, "longer names would be hashed")
        name += [UInt8](repeating: 0, count: NoiseHash.count - name.count)
        self.hash = name
        self.chaining = SecretBytes(name)
        self.mix(hash: prologue)
    }

    mutating func mix(hash bytes: [UInt8]) {
        self.hash = NoiseHash.hash(self.hash + bytes)
    }

    mutating func mix(key input: [UInt8]) {
        let (chaining, key) = NoiseHash.hkdf(chaining: self.chaining, input)
        self.chaining = chaining
        self.key = key.prefix(Sealing.keyCount)
        self.counter = 0
    }

    /// `plain` sealed and mixed; nil before the first key, which the pattern excludes.
    mutating func seal(_ plain: [UInt8]) -> [UInt8]? {
        guard let key = self.key else { return nil }
        let sealed = Sealing.seal(plain, key: key, counter: self.counter, data: self.hash)
        self.counter += 1  // A handshake seals a handful of times.
        self.mix(hash: sealed)
        return sealed
    }

    /// What `sealed` says, mixed; nil for a forgery.
    mutating func open(_ sealed: [UInt8]) -> [UInt8]? {
        guard let key = self.key,
            let plain = Sealing.open(
                sealed[...], key: key, counter: self.counter, data: self.hash)
        else { return nil }
        self.counter += 1
        self.mix(hash: sealed)
        return plain
    }

    /// The keys of the two directions: the initiator's first.
    func split() -> (initiator: SecretBytes, responder: SecretBytes) {
        let (first, second) = NoiseHash.hkdf(chaining: self.chaining, [])
        return (first.prefix(Sealing.keyCount), second.prefix(Sealing.keyCount))
    }
}
