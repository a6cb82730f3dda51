import Consensus
internal import OrderedCollections
import Primitives

/// Watches what is signed: only what the disk has, and nothing against what was said before.
struct VoteWatch {
    /// Everything that each machine's key signed, across restarts, by view.
    private var said: OrderedDictionary<Int, OrderedDictionary<UInt64, [Said]>> = [:]
    private(set) var count = 0

    /// A machine asks for a signature; `durable` is the record that a crash now would leave.
    mutating func signs(
        _ statement: Statement, _ host: (index: Int, name: String, isHonest: Bool),
        durable: [UInt8]?, at ns: UInt64, _ verdicts: inout Verdicts
    ) {
        guard host.isHonest else { return }
        let said = Self.said(statement)
        self.count += 1
        let record = durable.flatMap { Said.all(inRecord: $0) } ?? []
        if !record.contains(said) {
            verdicts.add(.voteDurable, "\(host.name) signs \(Self.words(said)) too early", at: ns)
        }
        let before = self.said[host.index]?[statement.view] ?? []
        for old in before where old.contradicts(said) {
            verdicts.add(
                .doubleVote, "\(host.name) signs \(Self.words(said)) after \(Self.words(old))",
                at: ns)
        }
        if !before.contains(said) {
            self.said[host.index, default: [:]][statement.view, default: []].append(said)
        }
    }

    private static func said(_ statement: Statement) -> Said {
        switch statement {
        case .proposal(let proposal):
            .proposal(view: proposal.view, block: proposal.block.digest)
        case .vote(let vote):
            switch vote.kind {
            case .notarize: .notarize(view: vote.view, block: vote.block.digest)
            case .nullify: .nullify(view: vote.view)
            case .finalize: .finalize(view: vote.view, block: vote.block.digest)
            }
        }
    }

    /// A statement in words.
    static func words(_ said: Said) -> String {
        switch said {
        case .proposal(let view, let block): "proposal \(block.short) of view \(view)"
        case .notarize(let view, let block): "notarize \(block.short) in view \(view)"
        case .nullify(let view): "nullify of view \(view)"
        case .finalize(let view, let block): "finalize \(block.short) in view \(view)"
        }
    }

    /// A statement in words.
    static func words(_ statement: Statement) -> String { Self.words(Self.said(statement)) }
}
