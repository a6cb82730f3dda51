package import Primitives

extension Voter {
    /// Time-outs and bounds.
    package struct Config: Hashable, Sendable {
        /// The time-out of a view after a certified one, milliseconds. Guess: 1000.
        package var timeoutMs: UInt64 = 1000
        /// Time-outs double with each consecutive nullified view, at most so often.
        package var doublingsMax: UInt64 = 6
        /// Proposals and votes further ahead are dropped.
        package var viewsAhead: UInt64 = 64

        /// The defaults.
        package init() {}
    }

    /// The last final block.
    package struct Tip: Hashable, Sendable {
        /// The view of its finalization; 0 for the genesis.
        package let view: UInt64
        /// The block.
        package let block: BlockID
        /// What finalized it; nil for the genesis.
        package let certificate: Certificate?

        /// A block that a certificate finalized.
        package init(_ certificate: Certificate) {
            self.view = certificate.view
            self.block = certificate.block
            self.certificate = certificate
        }

        /// The genesis.
        package init(genesis block: BlockID) {
            self.view = 0
            self.block = block
            self.certificate = nil
        }
    }
}
