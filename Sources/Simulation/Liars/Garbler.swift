/// Flips a bit of one message in eight, and cuts one in sixteen short.
///
/// What arrives has passed a right session, so nothing but the decoders stands in its way.
enum Garbler {
    static func lie(_ bytes: [UInt8], _ chance: inout Chance) -> Lie {
        guard !bytes.isEmpty else { return Lie(messages: [bytes]) }
        var changed = bytes
        switch chance.index(16) {
        case 0: changed.removeLast(1 + chance.index(bytes.count))
        case 1, 2: changed[chance.index(bytes.count)] ^= 1 << UInt8(chance.index(8))
        default: break
        }
        return Lie(messages: [changed])
    }
}
