package import Kernels
package import Primitives

/// What a node wants said on the ledger.
package enum Intent: Hashable, Sendable {
    case commit(leafRoot: Digest, outputCommitment: Digest)
    /// The auditor vouches for the openings; the signature counts only where they are not on the
    /// ledger.
    case audit(reveal: Digest, salt: Digest, openings: LeafOpenings, signature: Signature)
    /// The auditor wants the openings on the ledger.
    case summon(reveal: Digest, commitment: Digest)
    /// The provider gives them; or, without any, what the auditor had bound itself to before, where
    /// that is not what it summons with.
    case open(LeafOpenings, earlier: Earlier?)
    /// A leaf of an attempt is wrong; the opening has no path to the output.
    case prove(attempt: UInt8, opening: LeafOpening, witness: LeafWitness)
    /// The provider gives a piece of its output: the digests of the slice's chunks, and the bytes.
    case answer(opening: LeafOpening, chunks: [Digest], bytes: [UInt8])
    case offer(OfferTerms)
    case withdraw(OfferID)
    /// The auditor cannot do its work; another one is to be drawn.
    case decline(DeclineReason)

    /// A request that the provider answered directly.
    package struct Earlier: Hashable, Sendable {
        package let commitment: Digest
        /// The auditor's node over ``Transcript/request(job:auditor:auditIndex:commitment:_:)``.
        package let signature: Signature

        /// What the auditor signed.
        package init(commitment: Digest, signature: Signature) {
            self.commitment = commitment
            self.signature = signature
        }
    }

    /// Why an auditor gives a draw back; the numbers are the ledger's.
    package enum DeclineReason: UInt8, Hashable, Sendable {
        /// The job cannot be re-run here: its inputs are not to be had.
        case inputsMissing = 0
        /// A leaf is wrong, and no proof of it can be made.
        case cannotProve = 1
    }

    /// Which of them, for the answer.
    package enum Kind: Hashable, Sendable {
        case commit
        case audit
        case summon
        case open
        case prove
        case answer
        case offer
        case withdraw
        case decline
    }

    /// Which of them.
    package var kind: Kind {
        switch self {
        case .commit: .commit
        case .audit: .audit
        case .summon: .summon
        case .open: .open
        case .prove: .prove
        case .answer: .answer
        case .offer: .offer
        case .withdraw: .withdraw
        case .decline: .decline
        }
    }
}

/// A standing offer as an operator configures it.
package struct OfferTerms: Hashable, Sendable {
    /// Motes for 10^9 gas.
    package var pricePerGigaGas: Amount
    /// Concurrent jobs.
    package var capacity: UInt16
    /// Exactness classes served, by code.
    package var classes: [UInt8]
    package var maxJobGas: UInt64
    /// Motes held while the offer stands.
    package var bond: Amount
    /// For people.
    package var device: String
    package var standsUntil: LedgerTime
    /// Whose key signs the openings of jobs that the offer gets.
    package var node: PublicKey

    /// Terms of an offer.
    package init(
        pricePerGigaGas: Amount, capacity: UInt16, classes: [UInt8], maxJobGas: UInt64,
        bond: Amount, device: String, standsUntil: LedgerTime, node: PublicKey
    ) {
        self.pricePerGigaGas = pricePerGigaGas
        self.capacity = capacity
        self.classes = classes
        self.maxJobGas = maxJobGas
        self.bond = bond
        self.device = device
        self.standsUntil = standsUntil
        self.node = node
    }
}
