package import Primitives

/// Two signed statements of one validator that an honest one never makes together.
///
/// Bytes: tag u8 (0 votes, 1 proposals) | first | second; the lower canonical bytes come first.
///
/// - Source: protocol/consensus.md, "Evidence".
package enum Evidence: Canonical, Hashable {
    /// Two notarizes or two finalizes of different blocks, or a nullify and a finalize, of one
    /// view.
    case votes(SignedVote, SignedVote)
    /// Two different proposals of one view.
    case proposals(SignedProposal, SignedProposal)

    /// The evidence that two votes of one signer make together; nil if they agree.
    package init?(_ one: SignedVote, _ other: SignedVote) {
        guard one.signer == other.signer, one.vote.epoch == other.vote.epoch,
            one.vote.view == other.vote.view, one.vote != other.vote
        else { return nil }
        let kinds = [one.vote.kind, other.vote.kind]
        let contradicts =
            one.vote.kind == other.vote.kind
            || (kinds.contains(.nullify) && kinds.contains(.finalize))
        guard contradicts else { return nil }
        let sorted = one.canonicalBytes.lexicographicallyPrecedes(other.canonicalBytes)
        self = sorted ? .votes(one, other) : .votes(other, one)
    }

    /// The evidence that two proposals of one signer make together; nil if they agree.
    package init?(_ one: SignedProposal, _ other: SignedProposal) {
        guard one.signer == other.signer, one.proposal.epoch == other.proposal.epoch,
            one.proposal.view == other.proposal.view, one.proposal != other.proposal
        else { return nil }
        let sorted = one.canonicalBytes.lexicographicallyPrecedes(other.canonicalBytes)
        self = sorted ? .proposals(one, other) : .proposals(other, one)
    }

    /// The accused validator's place in the set of ``epoch``.
    package var signer: UInt32 {
        switch self {
        case .votes(let one, _): one.signer
        case .proposals(let one, _): one.signer
        }
    }

    /// The two signatures that make it true; nil if the statements do not contradict each other.
    package func checks(_ epochs: Epochs) -> [VoteCheck]? {
        switch self {
        case .votes(let one, let other):
            guard Evidence(one, other) == self, let first = one.check(epochs),
                let second = other.check(epochs)
            else { return nil }
            return [first, second]
        case .proposals(let one, let other):
            guard Evidence(one, other) == self, let first = one.check(epochs),
                let second = other.check(epochs)
            else { return nil }
            return [first, second]
        }
    }

    package func encode(into encoder: inout Encoder) {
        switch self {
        case .votes(let one, let other):
            encoder.u8(0)
            one.encode(into: &encoder)
            other.encode(into: &encoder)
        case .proposals(let one, let other):
            encoder.u8(1)
            one.encode(into: &encoder)
            other.encode(into: &encoder)
        }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 0:
            self = .votes(try SignedVote(from: &decoder), try SignedVote(from: &decoder))
        case 1:
            self = .proposals(
                try SignedProposal(from: &decoder), try SignedProposal(from: &decoder))
        case let tag: throw .unknownTag(field: "evidence", tag: UInt64(tag), offset: offset)
        }
    }
}
