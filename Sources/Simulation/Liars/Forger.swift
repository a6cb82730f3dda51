import Chain
import Ledger
import Primitives

/// Proposes blocks whose header says what execution does not give, rightly hashed and signed.
enum Forger {
    /// What it makes of a block that its chain built; every third is left alone.
    static func forge(_ effect: Chain.Effect, _ chance: inout Chance) -> Chain.Effect {
        guard case .built(let view, _, let proposal) = effect else { return effect }
        let field = chance.index(9)
        var decoder = Decoder(proposal)
        do throws(DecodeError) {
            var header = try Header(from: &decoder)
            let body = try decoder.raw(decoder.remaining)
            let wrong = Digest(chance.bytes(32)) ?? .zero
            switch field {
            case 0: header.stateRoot = wrong
            case 1: header.receiptsRoot = wrong
            case 2: header.usedWeight += 1
            case 3: header.beaconReveal = wrong
            case 4: header.timeMs += 60_000
            case 5: header.bodyRoot = wrong
            default: return effect
            }
            return .built(view: view, header.id, proposal: header.canonicalBytes + body)
        } catch {
            return effect
        }
    }
}
