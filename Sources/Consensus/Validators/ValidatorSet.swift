package import Primitives

/// One seat of an epoch.
package struct Validator: Record {
    /// The node key that votes.
    package var key: PublicKey
    /// Its stake in units of the genesis' choosing, above zero.
    package var weight: UInt64

    /// A seat.
    package init(key: PublicKey, weight: UInt64) {
        self.key = key
        self.weight = weight
    }

    /// Nobody's seat.
    package static var blank: Validator { Validator(key: .blank, weight: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("key", &self.key)
        try visitor.field("weight", &self.weight)
    }
}

/// Who votes in an epoch: sorted by key, each key once, each weight above zero.
///
/// Bytes: count | (key 32 bytes | weight u64) each. Its hash, H(.validators, salt, bytes), is in
/// block headers.
///
/// - Bounds: 1...`membersMax` seats.
package struct ValidatorSet: Canonical, Hashable {
    /// The most seats.
    package static let membersMax = 512

    /// Why a list is no validator set.
    package enum Flaw: Error, Hashable, Sendable {
        /// There is no seat.
        case empty
        /// There are more than `membersMax` seats.
        case tooMany(Int)
        /// A key is out of order or there twice.
        case notSorted(index: Int)
        /// A seat has no weight.
        case weightIsZero(index: Int)
    }

    /// The seats in the order of their keys; a signer's number is its place here.
    package let members: [Validator]
    /// The sum of all weights.
    package let total: UInt128

    /// A checked set.
    package init(_ members: [Validator]) throws(Flaw) {
        guard !members.isEmpty else { throw .empty }
        guard members.count <= Self.membersMax else { throw .tooMany(members.count) }
        for index in members.indices {
            guard members[index].weight > 0 else { throw .weightIsZero(index: index) }
            guard index == 0 || members[index - 1].key < members[index].key else {
                throw .notSorted(index: index)
            }
        }
        self.members = members
        self.total = members.reduce(0) { $0 + UInt128($1.weight) }
    }

    package func encode(into encoder: inout Encoder) {
        encoder.length(self.members.count)
        for member in self.members { member.encode(into: &encoder) }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        let count = try decoder.length(max: Self.membersMax, field: "validators")
        var members: [Validator] = []
        for _ in 0..<count { members.append(try Validator(from: &decoder)) }
        do throws(Flaw) { try self.init(members) } catch {
            throw .invalid(field: "validators", offset: offset)
        }
    }

    /// The hash that headers carry.
    package func hash(_ salt: ChainSalt) -> Digest {
        Blake2b.hash(.validators, salt, self.canonicalBytes)
    }

    /// The seat of a signer; nil beyond the set.
    package func validator(_ signer: UInt32) -> Validator? {
        signer < UInt32(self.members.count) ? self.members[Int(signer)] : nil
    }

    /// The place of a key; nil if it has no seat.
    package func index(of key: PublicKey) -> UInt32? {
        self.members.firstIndex { $0.key == key }.map { UInt32($0) }
    }

    /// True above two thirds of all weight, exactly.
    package func isQuorum(_ weight: UInt128) -> Bool { weight * 3 > self.total * 2 }

    /// The weight of some distinct seats.
    package func weight(of signers: [UInt32]) -> UInt128 {
        signers.reduce(0) { $0 + UInt128(self.validator($1)?.weight ?? 0) }
    }

    /// The seats that a bitmap names, ascending; nil unless it has the one right length, names
    /// somebody and nobody beyond the set.
    package func members(_ bitmap: [UInt8]) -> [UInt32]? {
        guard bitmap.count == (self.members.count + 7) / 8 else { return nil }
        var signers: [UInt32] = []
        for index in 0..<bitmap.count * 8 where bitmap[index / 8] >> (index % 8) & 1 == 1 {
            guard index < self.members.count else { return nil }
            signers.append(UInt32(index))
        }
        return signers.isEmpty ? nil : signers
    }

    /// The bitmap of some seats.
    package func bitmap(_ signers: [UInt32]) -> [UInt8] {
        var bitmap = [UInt8](repeating: 0, count: (self.members.count + 7) / 8)
        for signer in signers where signer < UInt32(self.members.count) {
            bitmap[Int(signer) / 8] |= 1 << (signer % 8)
        }
        return bitmap
    }
}
