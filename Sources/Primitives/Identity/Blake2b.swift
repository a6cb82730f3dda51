internal import CSodium

/// BLAKE2b-256 with a domain as personalisation and a chain as salt.
///
/// - Source: RFC 7693; protocol/encoding.md, "Hashes".
package struct Blake2b: Sendable {
    private var state = starling_blake2b_state()

    /// An empty hash.
    package init(_ domain: Domain, _ salt: ChainSalt) {
        let rc = starling_blake2b_init(&self.state, salt.bytes, domain.personal)
        precondition(rc == 0, "BLAKE2b takes a 16-byte salt and personalisation")
    }

    /// Appends bytes.
    package mutating func update<C: Collection<UInt8>>(_ bytes: C) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { buffer in
            guard let base = buffer.baseAddress else { return }
            starling_blake2b_update(&self.state, base, UInt64(buffer.count))
        }
        if done == nil { self.update(Array(bytes)) }
    }

    /// Appends a digest's 32 bytes.
    package mutating func update(_ digest: Digest) {
        digest.withBytes { self.update(raw: $0) }
    }

    /// Appends one byte.
    package mutating func update(u8 value: UInt8) {
        withUnsafeBytes(of: value) { self.update(raw: $0) }
    }

    /// Appends four bytes, little-endian.
    package mutating func update(u32 value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { self.update(raw: $0) }
    }

    /// Appends eight bytes, little-endian.
    package mutating func update(u64 value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { self.update(raw: $0) }
    }

    private mutating func update(raw buffer: UnsafeRawBufferPointer) {
        guard let base = buffer.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
        starling_blake2b_update(&self.state, base, UInt64(buffer.count))
    }

    /// The digest of everything appended.
    package consuming func finish() -> Digest {
        let state = self.state
        return Digest { out in
            withUnsafePointer(to: state) { starling_blake2b_final($0, out) }
        }
    }

    /// The digest of `bytes`.
    package static func hash(_ domain: Domain, _ salt: ChainSalt, _ bytes: [UInt8]) -> Digest {
        Digest { out in
            _ = crypto_generichash_blake2b_salt_personal(
                out, Digest.count, bytes, UInt64(bytes.count), nil, 0, salt.bytes, domain.personal)
        }
    }

    /// The digest of two digests, left then right.
    package static func pair(
        _ domain: Domain, _ salt: ChainSalt, _ left: Digest, _ right: Digest
    ) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 8) { buffer in
            left.withBytes { buffer.copyMemory(from: $0) }
            right.withBytes {
                UnsafeMutableRawBufferPointer(rebasing: buffer[32...]).copyMemory(from: $0)
            }
            return Digest { out in
                _ = crypto_generichash_blake2b_salt_personal(
                    out, Digest.count, buffer.assumingMemoryBound(to: UInt8.self).baseAddress, 64,
                    nil, 0, salt.bytes, domain.personal)
            }
        }
    }
}
