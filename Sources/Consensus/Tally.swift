/// Counts the votes of all validators, one's own among them, and turns quorums into certificates.
///
/// Votes come with their signature verified. Counting one twice changes nothing.
///
/// - Bounds: per view three votes and one proposal of each validator, in views above the last final
///   one and at most `viewsAhead` beyond the current one.
/// - Source: protocol/consensus.md, "Counting".
package struct Tally: Hashable, Sendable {
    /// What a vote led to.
    package enum Outcome: Hashable, Sendable {
        /// Its quorum is there, for the first time.
        case certificate(Certificate)
        /// Its author contradicts itself.
        case evidence(Evidence)
    }

    private struct Count: Hashable, Sendable {
        let view: UInt64
        /// At most one of each kind and signer, sorted by both.
        var votes: [SignedVote] = []
        var proposal: SignedProposal?
        /// Votes whose certificate is known.
        var settled: [Vote] = []
        /// Authors already accused; one piece of evidence is enough.
        var accused: [UInt32] = []

        mutating func insert(_ signed: SignedVote) {
            let key = (signed.vote.kind.rawValue, signed.signer)
            let at = self.votes.firstIndex { ($0.vote.kind.rawValue, $0.signer) > key }
            self.votes.insert(signed, at: at ?? self.votes.count)
        }
    }

    private let epochs: Epochs
    private let viewsAhead: UInt64
    private var floor: UInt64 = 0
    private var counts: [Count] = []

    /// An empty tally.
    package init(_ epochs: Epochs, viewsAhead: UInt64) {
        self.epochs = epochs
        self.viewsAhead = viewsAhead
    }

    /// True if the vote could still matter: a cheap question before its signature is verified.
    package func wants(_ signed: SignedVote, at view: UInt64) -> Bool {
        signed.vote.isWellFormed && signed.vote.view > self.floor
            && (signed.vote.view <= view || signed.vote.view - view <= self.viewsAhead)
            && self.epochs.known(signed.vote.epoch)?.validator(signed.signer) != nil
    }

    /// True if exactly this vote was counted already.
    func has(_ signed: SignedVote) -> Bool {
        self.counts.first { $0.view == signed.vote.view }?.votes.contains(signed) ?? false
    }

    /// The first proposal seen of a view.
    func proposal(_ view: UInt64) -> SignedProposal? {
        self.counts.first { $0.view == view }?.proposal
    }

    /// Counts one verified vote.
    package mutating func add(_ signed: SignedVote, at view: UInt64) -> [Outcome] {
        guard self.wants(signed, at: view), let set = self.epochs.known(signed.vote.epoch) else {
            return []
        }
        let index = self.index(signed.vote.view)
        var outcomes: [Outcome] = []
        let same = self.counts[index].votes.filter { $0.signer == signed.signer }
        if let evidence = same.lazy.compactMap({ Evidence($0, signed) }).first {
            outcomes += self.accuse(evidence, index)
        }
        guard !same.contains(where: { $0.vote.kind == signed.vote.kind }) else { return outcomes }
        self.counts[index].insert(signed)
        guard !self.counts[index].settled.contains(signed.vote) else { return outcomes }
        let votes = self.counts[index].votes.filter { $0.vote == signed.vote }
        let signers = votes.map(\.signer)
        guard set.isQuorum(set.weight(of: signers)) else { return outcomes }
        self.counts[index].settled.append(signed.vote)
        let certificate = Certificate(
            signed.vote, signers: set.bitmap(signers), signatures: votes.map(\.signature))
        return outcomes + [.certificate(certificate)]
    }

    /// Remembers a verified proposal of a leader.
    package mutating func add(_ signed: SignedProposal, at view: UInt64) -> [Outcome] {
        let proposed = signed.proposal.view
        guard proposed > self.floor, proposed <= view || proposed - view <= self.viewsAhead,
            self.epochs.leader(of: proposed) == signed.signer
        else { return [] }
        let index = self.index(proposed)
        guard let first = self.counts[index].proposal else {
            self.counts[index].proposal = signed
            return []
        }
        return Evidence(first, signed).map { self.accuse($0, index) } ?? []
    }

    /// A certificate came from elsewhere: it need not be made again.
    package mutating func settle(_ certificate: Certificate, at view: UInt64) {
        guard certificate.view > self.floor,
            certificate.view <= view || certificate.view - view <= self.viewsAhead
        else { return }
        let index = self.index(certificate.view)
        if !self.counts[index].settled.contains(certificate.vote) {
            self.counts[index].settled.append(certificate.vote)
        }
    }

    /// Forgets all views up to a final one.
    package mutating func prune(through view: UInt64) {
        self.floor = max(self.floor, view)
        self.counts.removeAll { $0.view <= self.floor }
    }

    private mutating func accuse(_ evidence: Evidence, _ index: Int) -> [Outcome] {
        guard !self.counts[index].accused.contains(evidence.signer) else { return [] }
        self.counts[index].accused.append(evidence.signer)
        return [.evidence(evidence)]
    }

    private mutating func index(_ view: UInt64) -> Int {
        let at = self.counts.firstIndex { $0.view >= view } ?? self.counts.count
        if at == self.counts.count || self.counts[at].view != view {
            self.counts.insert(Count(view: view), at: at)
        }
        return at
    }
}
