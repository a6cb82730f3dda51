package import Primitives

/// What validators say to each other. Block bytes travel beside a proposal, never in here.
///
/// Bytes: tag u8 (0 proposal, 1 vote, 2 certificate, 3 want) | the value.
///
/// - Source: protocol/consensus.md, "Messages".
package enum Message: Canonical, Hashable {
    /// A leader's block.
    case proposal(SignedProposal)
    /// A vote.
    case vote(SignedVote)
    /// A quorum's votes.
    case certificate(Certificate)
    /// "What certificates do you have for this view?"
    case want(epoch: UInt64, view: UInt64)

    /// The view spoken of.
    var view: UInt64 {
        switch self {
        case .proposal(let signed): signed.proposal.view
        case .vote(let signed): signed.vote.view
        case .certificate(let certificate): certificate.view
        case .want(_, let view): view
        }
    }

    package func encode(into encoder: inout Encoder) {
        switch self {
        case .proposal(let proposal):
            encoder.u8(0)
            proposal.encode(into: &encoder)
        case .vote(let vote):
            encoder.u8(1)
            vote.encode(into: &encoder)
        case .certificate(let certificate):
            encoder.u8(2)
            certificate.encode(into: &encoder)
        case .want(let epoch, let view):
            encoder.u8(3)
            encoder.u64(epoch)
            encoder.u64(view)
        }
    }

    package init(from decoder: inout Decoder) throws(DecodeError) {
        let offset = decoder.offset
        switch try decoder.u8() {
        case 0: self = .proposal(try SignedProposal(from: &decoder))
        case 1: self = .vote(try SignedVote(from: &decoder))
        case 2: self = .certificate(try Certificate(from: &decoder))
        case 3: self = .want(epoch: try decoder.u64(), view: try decoder.u64())
        case let tag: throw .unknownTag(field: "message", tag: UInt64(tag), offset: offset)
        }
    }
}
