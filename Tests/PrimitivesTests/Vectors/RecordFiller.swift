import Primitives

/// A small fast generator (Steele, Lea, Flood 2014): millions of fields are filled.
struct SplitMix {
    var state: UInt64

    mutating func u64() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }

    mutating func below(_ bound: UInt64) -> UInt64 { self.u64() % bound }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(count)
        var word: UInt64 = 0
        for index in 0..<count {
            if index.isMultiple(of: 8) { word = self.u64() }
            out.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
        }
        return out
    }
}

/// Fills records with seeded values, so that a hash over many of them pins their encoding.
///
/// A field of fixed size gets random bytes of that size until its decoder takes them; small codes
/// and flags get small bytes. Lists, bytes and texts stay short.
struct RecordFiller: FieldVisitor {
    typealias Failure = Never
    var random: SplitMix
    // Asking the runtime what a type conforms to is slow; it is asked once a type.
    private var fills: [ObjectIdentifier: Fill] = [:]

    /// Fills the value of one type that is at the address.
    private typealias Fill = (inout RecordFiller, UnsafeMutableRawPointer) -> Void

    init(seed: Digest) { self.random = SplitMix(state: seed.leadingWord) }

    mutating func field<T: FieldValue>(_ name: StaticString, _ value: inout T) {
        let fill = self.fill(for: T.self)
        withUnsafeMutablePointer(to: &value) { fill(&self, UnsafeMutableRawPointer($0)) }
    }

    private mutating func fill<T: FieldValue>(for type: T.Type) -> Fill {
        let key = ObjectIdentifier(type)
        if let known = self.fills[key] { return known }
        let fill: Fill
        if let record = type as? any Record.Type {
            fill = Self.visit(record)
        } else if let code = type as? any CodeEnum.Type {
            fill = Self.pick(code)
        } else {
            fill = Self.plain(type)
        }
        self.fills[key] = fill
        return fill
    }

    private static func visit<R: Record>(_ type: R.Type) -> Fill {
        { filler, place in place.assumingMemoryBound(to: type).pointee.visit(&filler) }
    }

    private static func pick<E: CodeEnum>(_ type: E.Type) -> Fill {
        let cases = Array(E.allCases)
        return { filler, place in
            let index = Int(filler.random.below(UInt64(cases.count)))
            place.assumingMemoryBound(to: type).pointee = cases[index]
        }
    }

    private static func plain<T: FieldValue>(_ type: T.Type) -> Fill {
        let blank = T.blank.canonicalBytes.count
        return { filler, place in
            filler.plain(&place.assumingMemoryBound(to: type).pointee, blank)
        }
    }

    private mutating func plain<T: FieldValue>(_ value: inout T, _ blank: Int) {
        for attempt in 0..<64 {
            // A blank may be shorter than most values, such as an optional's: later draws have
            // room for any, and what the decoder leaves is dropped.
            let size = attempt < 8 ? blank : Self.roomBytes
            var bytes = self.random.bytes(size)
            // Most tags are small, and a test pays dearly for every error that is thrown.
            if size == 1 || attempt >= 8 { bytes[0] %= attempt.isMultiple(of: 2) ? 2 : 8 }
            if size == 16 { for index in 12..<16 { bytes[index] = 0 } }  // Amounts: below 2^112.
            if size == 2, attempt >= 4 { bytes[1] %= 0x27 }  // Basis points: at most 10,000.
            var decoder = Decoder(bytes)
            do throws(DecodeError) {
                value = try T(from: &decoder)
                return
            } catch {}
        }
    }

    mutating func list<T: FieldValue>(_ name: StaticString, _ value: inout [T], max: Int) {
        value = []
        for _ in 0..<min(max, Int(self.random.below(4))) {
            var element = T.blank
            self.field(name, &element)
            value.append(element)
        }
    }

    mutating func bytes(_ name: StaticString, _ value: inout [UInt8], max: Int) {
        value = self.random.bytes(min(max, Int(self.random.below(20))))
    }

    mutating func text(_ name: StaticString, _ value: inout String, max: Int) {
        let letters = ["a", "Z", "0", " ", "\"", "\\", "é", "星", "\u{1f426}"]
        value = ""
        for _ in 0..<self.random.below(6) {
            let letter = letters[Int(self.random.below(UInt64(letters.count)))]
            if value.utf8.count + letter.utf8.count <= max { value += letter }
        }
    }

    /// Values in one conformance hash.
    static let count = 65_536
    /// Bytes drawn for a value whose size is not known.
    private static let roomBytes = 40

    /// The hash over `count` seeded values of a type; the name seeds the generator.
    ///
    /// Each value must survive decode(encode(x)); every 64th also its JSON form.
    static func conformance<R: Record>(_ name: String, _ type: R.Type) throws -> String {
        var filler = RecordFiller(seed: Blake2b.hash(.vector, .none, Array(name.utf8)))
        var hash = Blake2b(.vector, .none)
        for index in 0..<Self.count {
            var value = R.blank
            value.visit(&filler)
            let bytes = value.canonicalBytes
            guard try R(canonical: bytes) == value else {
                return "\(name) \(index) does not return"
            }
            if index.isMultiple(of: 64), try R(json: value.json, at: name) != value {
                return "\(name) \(index) does not return from JSON"
            }
            hash.update(u32: UInt32(bytes.count))
            hash.update(bytes)
        }
        return hash.finish().hex
    }
}
