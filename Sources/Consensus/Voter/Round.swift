import Primitives

/// What the voter knows of one view above the last final one.
struct Round: Hashable, Sendable {
    /// An answer that may take its time: "not yet" is never "no".
    enum Verdict: Hashable, Sendable {
        case unasked
        case asked
        case yes
        case no
    }

    let view: UInt64
    /// The leader's proposal.
    var proposal: Proposal?
    /// Whether the proposal is right.
    var verified = Verdict.unasked
    var notarization: Certificate?
    var nullification: Certificate?
    var finalization: Certificate?
    /// Whether the notarized block is executed, durable and right.
    var certified = Verdict.unasked

    init(view: UInt64) { self.view = view }

    /// The block that a quorum notarized.
    var block: BlockID? { self.finalization?.block ?? self.notarization?.block }

    /// True if the next view may be entered.
    var isPassed: Bool {
        self.certified == .yes || self.nullification != nil || self.finalization != nil
    }

    /// The certificates held.
    var certificates: [Certificate] {
        [self.notarization, self.nullification, self.finalization].compactMap { $0 }
    }

    /// Takes a certificate; the first of each kind stays.
    mutating func take(_ certificate: Certificate) {
        switch certificate.kind {
        case .notarize: self.notarization = self.notarization ?? certificate
        case .nullify: self.nullification = self.nullification ?? certificate
        case .finalize: self.finalization = self.finalization ?? certificate
        }
    }
}

/// Rounds by ascending view.
struct Rounds: Hashable, Sendable {
    private(set) var all: [Round] = []

    /// The round of a view; reading one that is not there gives an empty one.
    subscript(view: UInt64) -> Round {
        get {
            let at = self.position(view)
            return at < self.all.count && self.all[at].view == view
                ? self.all[at] : Round(view: view)
        }
        set {
            let at = self.position(view)
            if at < self.all.count && self.all[at].view == view {
                self.all[at] = newValue
            } else {
                self.all.insert(newValue, at: at)
            }
        }
    }

    /// Forgets all rounds up to a view.
    mutating func removeThrough(_ view: UInt64) {
        self.all.removeFirst(self.position(view == .max ? view : view + 1))
    }

    private func position(_ view: UInt64) -> Int {
        var low = 0
        var high = self.all.count
        while low < high {
            let middle = (low + high) / 2
            if self.all[middle].view < view { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
