internal import CSodium

/// 24 words that say a 32-byte seed, with 8 bits of checksum.
///
/// - Source: BIP-39, "Generating the mnemonic", 256 bits; the words encode the seed itself.
package enum Mnemonic {
    /// Words in a phrase.
    package static let count = 24

    /// Why words are not a backup phrase.
    package enum Failure: Error, Hashable, Sendable {
        /// Not 24 words.
        case wordCount(Int)
        /// A word that is not in the list; `position` counts from 1.
        case unknownWord(position: Int)
        /// The words exist but do not belong together: one is wrong or out of order.
        case checksum
    }

    /// The phrase of a 32-byte seed; nil for another length.
    package static func words(of seed: [UInt8]) -> [String]? {
        guard seed.count == 32 else { return nil }
        let bytes = seed + [Self.checksum(seed)]
        return (0..<Self.count).map { word in
            var index = 0
            for bit in word * 11..<word * 11 + 11 {
                index = index << 1 | Int(bytes[bit >> 3] >> UInt8(7 - bit & 7) & 1)
            }
            return WordList.words[index]
        }
    }

    /// The seed that a phrase says.
    package static func seed(of words: [String]) throws(Failure) -> [UInt8] {
        guard words.count == Self.count else { throw .wordCount(words.count) }
        var bytes = [UInt8](repeating: 0, count: 33)
        for (position, word) in words.enumerated() {
            guard let index = WordList.words.firstIndex(of: word) else {
                throw .unknownWord(position: position + 1)
            }
            for bit in 0..<11 where index >> (10 - bit) & 1 == 1 {
                let place = position * 11 + bit
                bytes[place >> 3] |= 1 << UInt8(7 - place & 7)
            }
        }
        let seed = Array(bytes[..<32])
        guard bytes[32] == Self.checksum(seed) else { throw .checksum }
        return seed
    }

    private static func checksum(_ seed: [UInt8]) -> UInt8 {
        var digest = [UInt8](repeating: 0, count: Int(crypto_hash_sha256_BYTES))
        _ = crypto_hash_sha256(&digest, seed, UInt64(seed.count))
        return digest[0]
    }
}
