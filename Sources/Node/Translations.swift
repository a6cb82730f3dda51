import Chain
import Primitives
import Provider

// The ledger's words and the provider's: each core names its own types, and Node translates.

extension Duty {
    /// Decodes a duty of the ledger; its bytes were checked when they entered the ledger.
    init(_ duty: Chain.Duty) throws(DecodeError) {
        switch duty {
        case .run(let run):
            self = .run(
                try Run(
                    job: run.job, attempt: run.attempt, provider: run.provider, order: run.order,
                    package: run.kernel))
        case .open(let open):
            self = .open(
                Open(
                    job: open.job, attempt: open.attempt, auditor: open.auditor,
                    auditorNode: open.auditorNode, auditIndex: open.auditIndex,
                    provider: open.provider, draw: Draw(open.draw),
                    summons: open.summons.map {
                        Summons(reveal: $0.reveal, commitment: $0.commitment)
                    }))
        case .audit(let audit): self = .audit(try Audit(audit))
        case .answer(let answer):
            self = .answer(
                try Answer(
                    job: answer.job, provider: answer.provider, leaf: answer.leaf,
                    chunk: answer.chunk, order: answer.order, package: answer.kernel))
        }
    }
}

extension Duty.Audit {
    fileprivate init(_ audit: Chain.Duty.Audit) throws(DecodeError) {
        var isSummoned = false
        var openings: [UInt8]?
        switch audit.stage {
        case .drawn: break
        case .summoned: isSummoned = true
        case .opened(let bytes): openings = bytes
        }
        try self.init(
            job: audit.job, attempt: audit.attempt, auditor: audit.auditor,
            auditIndex: audit.auditIndex, auditorMs: audit.auditorMs, provider: audit.provider,
            providerNode: audit.providerNode, order: audit.order, package: audit.kernel,
            draw: Draw(audit.draw), leafRoot: audit.leafRoot,
            outputCommitment: audit.outputCommitment, isSummoned: isSummoned,
            openings: openings, reveal: audit.reveal)
    }
}

extension Draw {
    fileprivate init(_ draw: Chain.Duty.Draw) {
        self.init(
            leavesToAudit: draw.leavesToAudit, leaves: draw.leaves, mix: draw.mix,
            link: draw.link, steps: draw.steps)
    }
}

extension Intent {
    /// The same wish in the ledger's words.
    func forLedger(_ job: JobID) -> Chain.Intent {
        switch self {
        case .commit(let leafRoot, let outputCommitment):
            .commit(job: job, leafRoot: leafRoot, outputCommitment: outputCommitment)
        case .audit(let reveal, let salt, let openings, let signature):
            .audit(
                job: job, reveal: reveal, salt: salt, openings: openings.canonicalBytes,
                signature: signature)
        case .summon(let reveal, let commitment):
            .summon(job: job, reveal: reveal, commitment: commitment)
        case .open(let openings, let earlier):
            .open(
                job: job, openings: openings.canonicalBytes,
                earlier: earlier.map {
                    Chain.Intent.Earlier(commitment: $0.commitment, signature: $0.signature)
                })
        case .prove(let attempt, let opening, let witness):
            .prove(
                job: job, attempt: attempt, opening: opening.canonicalBytes,
                witness: witness.canonicalBytes)
        case .answer(let opening, let chunks, let bytes):
            .answer(job: job, opening: opening.canonicalBytes, chunks: chunks, bytes: bytes)
        case .offer(let terms): .offer(Chain.OfferTerms(terms))
        case .withdraw(let offer): .withdrawOffer(offer)
        case .decline(let reason): .decline(job: job, reason: reason.rawValue)
        }
    }
}

extension Chain.OfferTerms {
    fileprivate init(_ terms: OfferTerms) {
        self.init(
            pricePerGigaGas: terms.pricePerGigaGas, capacity: terms.capacity,
            classes: terms.classes, maxJobGas: terms.maxJobGas, bond: terms.bond,
            device: terms.device, node: terms.node, standsUntil: terms.standsUntil)
    }
}
