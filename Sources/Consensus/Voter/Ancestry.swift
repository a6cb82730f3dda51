import Primitives

/// What a proposal may stand on: a certified block of an earlier view, all views between nullified.
extension Voter {
    /// How a proposal stands with what this node knows.
    enum Standing: Hashable {
        case ready
        /// A certificate or an execution is still missing.
        case pending
        /// It contradicts what a quorum decided.
        case wrong
    }

    /// Where a block may be built.
    enum Parent: Hashable {
        case ready(BlockID, view: UInt64)
        case pending
    }

    /// Missing views are asked for so many at a time.
    private static let missingMax = 16

    /// Whether the proposal's parent is certified and every view between is nullified.
    func standing(of proposal: Proposal) -> Standing {
        guard proposal.parentView >= self.tip.view else { return .wrong }
        if proposal.parentView == self.tip.view {
            guard proposal.parent == self.tip.block else { return .wrong }
        } else {
            let parent = self.rounds[proposal.parentView]
            if let block = parent.block, block != proposal.parent { return .wrong }
            guard parent.certified == .yes else {
                return parent.certified == .no ? .wrong : .pending
            }
        }
        return self.gaps(of: proposal).isEmpty ? .ready : .pending
    }

    /// The highest block to build on; pending while a view below is neither certified nor
    /// nullified.
    func parent() -> Parent {
        var below = self.view - 1
        while below > self.tip.view {
            let round = self.rounds[below]
            if round.certified == .yes, let block = round.block {
                return .ready(block, view: below)
            }
            guard round.nullification != nil, round.finalization == nil else { return .pending }
            below -= 1
        }
        return .ready(self.tip.block, view: self.tip.view)
    }

    /// The views whose certificates this node needs from somebody to go on.
    var missing: [UInt64] {
        guard self.view > 0 else { return [] }
        if let proposal = self.rounds[self.view].proposal {
            guard proposal.parentView > self.tip.view,
                self.rounds[proposal.parentView].block == nil
            else { return self.gaps(of: proposal) }
            return [proposal.parentView] + self.gaps(of: proposal)
        }
        guard self.isLeader else { return [] }
        var below = self.view - 1
        while below > self.tip.view {
            let round = self.rounds[below]
            if round.block != nil && round.certified != .no { return [] }
            if round.nullification == nil { return [below] }
            below -= 1
        }
        return []
    }

    private func gaps(of proposal: Proposal) -> [UInt64] {
        var gaps: [UInt64] = []
        var view = max(proposal.parentView, self.tip.view) + 1
        while view < proposal.view && gaps.count < Self.missingMax {
            if self.rounds[view].nullification == nil { gaps.append(view) }
            view += 1
        }
        return gaps
    }
}
