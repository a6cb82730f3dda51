import Ledger
import Primitives
import Testing

@Suite struct BlockTests {
    private func child(of parent: Header) -> Header {
        var header = parent
        header.height += 1
        header.view += 1
        header.timeMs += 20
        header.parent = parent.id
        return header
    }

    @Test func aHeaderFollowsItsParent() throws {
        var parent = Header.blank
        parent.timeMs = 1000
        let good = self.child(of: parent)
        try good.check(after: parent)
        let faults: [(Header.Fault, (inout Header) -> Void)] = [
            (.versionUnknown, { $0.version = 2 }),
            (.chainDiffers, { $0.chain = GenesisID(.last) }),
            (.heightNotNext, { $0.height = 0 }),
            (.parentDiffers, { $0.parent = .zero }),
            (.viewNotLater, { $0.view = 0 }),
            (.timeNotLater, { $0.timeMs = 1000 }),
        ]
        for (fault, change) in faults {
            var bad = good
            change(&bad)
            #expect(throws: fault) { try bad.check(after: parent) }
        }
        var late = good
        late.epoch = 1
        #expect(throws: Header.Fault.epochBackwards) {
            var bad = self.child(of: late)
            bad.epoch = 0
            try bad.check(after: late)
        }
    }

    /// A stall advances ledger time by ten seconds at most.
    @Test func ledgerTimeIsCapped() {
        var parent = Header.blank
        parent.timeMs = 1000
        var header = self.child(of: parent)
        #expect(header.elapsedMs(after: parent) == 20)
        header.timeMs = .max
        #expect(header.elapsedMs(after: parent) == 10_000)
        header.timeMs = 0
        #expect(header.elapsedMs(after: parent) == 0)
        var chain = ChainState(time: LedgerTime(ms: .max - 5))
        chain.advance(past: .zero, elapsedMs: 10_000, .standard, salt)
        #expect(chain.time.ms == .max && chain.height == 1)
        #expect(chain.historyRoot(salt) != .zero)
    }

    @Test func everyFieldIsInTheId() {
        let header = Header.blank
        let bytes = header.canonicalBytes
        #expect(bytes.count == 1 + 32 + 24 + 32 + 8 + 32 * 6 + 1 + 8 + 8 + 32 + 4)
        for index in bytes.indices where index != 289 {
            var changed = bytes
            changed[index] ^= 1
            do throws(DecodeError) {
                let other = try Header(canonical: changed)
                #expect(other.id != header.id && other.canonicalBytes == changed)
            } catch {}
        }
    }

    @Test func bodyRootTellsKindsAndOrderApart() {
        let a = transaction(0)
        let b = transaction(1)
        let roots = [
            Body(evidence: [], transactions: []), Body(evidence: [], transactions: [a]),
            Body(evidence: [], transactions: [a, b]), Body(evidence: [], transactions: [b, a]),
            Body(evidence: [EvidenceBytes([1])], transactions: [a, b]),
            Body(evidence: [EvidenceBytes(a.canonicalBytes)], transactions: []),
        ].map { $0.root(salt) }
        for (index, root) in roots.enumerated() {
            #expect(roots.firstIndex(of: root) == index)
        }
    }
}
