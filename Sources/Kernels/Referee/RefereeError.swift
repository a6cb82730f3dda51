/// Why a leaf could not be run. None of these is the provider's fault.
package enum RefereeError: Error, Hashable, Sendable {
    /// The order has no such launch, or the geometry is of another one.
    case launchMismatch
    /// The launch has no such leaf.
    case noSuchLeaf(UInt64)
    /// Not one array per buffer.
    case inputCount(expected: Int, found: Int)
    /// An input is not as long as its binding says; an input bound to zeros may be empty.
    case inputBytes(buffer: Int, expected: UInt64, found: UInt64)
    /// The leaf's slice is over ``Limits/sliceBytes``.
    case sliceTooLarge(UInt64)
    /// The leaf costs more than the geometry's bound: the bound was wrong, a kernel fault.
    case gasExhausted(limit: UInt64)
    /// The processor does not round to nearest even, or flushes denormals.
    case floatEnvironment
}

/// What a re-run of one leaf gives.
package struct LeafRun: Hashable, Sendable {
    /// The leaf's slice, in the order of ``Geometry/slice(leaf:)``.
    package let slice: [UInt8]
    /// Gas used: see ``Gas``.
    package let gas: UInt64

    package init(slice: [UInt8], gas: UInt64) {
        self.slice = slice
        self.gas = gas
    }
}
