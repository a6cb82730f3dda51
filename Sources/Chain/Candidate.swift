import Economy
import Ledger
import Primitives

extension Chain {
    /// A block that is not final yet.
    struct Candidate: Sendable {
        let proposal: Proposal
        let id: BlockID
        let bytes: [UInt8]
        var state: Phase
        /// Consensus waits for the verdict.
        var isWanted = false
        /// It is wanted, or an ancestor of one that is.
        var isNeeded = false

        enum Phase: Sendable {
            /// The body is the header's; the parent's header is not here to compare.
            case orphan
            /// Header and body fit; not executed.
            case known
            /// Executed and equal; the signatures of this batch are being checked.
            case checking(ExecutedBlock, batch: UInt64)
            /// Right, and handed to the journal.
            case right(ExecutedBlock)
            case wrong
        }

        var executed: ExecutedBlock? {
            switch self.state {
            case .right(let block), .checking(let block, _): block
            case .orphan, .known, .wrong: nil
            }
        }
    }

    /// What waits for the wallet.
    struct Request: Sendable {
        var transaction: Transaction
        let policy: Policy
    }

    /// What waits for the verification pool.
    enum Batch: Sendable {
        case transaction(
            Transaction, TransactionID, bytes: Int, checks: [SignatureCheck], token: Token)
        case block(BlockID)
    }
}
