/// Every bound of the kernel language, of manifests and of work orders.
package enum Limits {
    // Source.
    /// Bytes of a published expansion.
    package static let sourceBytes = 65_536
    /// Bytes of an author's file before expansion.
    package static let authorBytes = 262_144
    /// Tokens of a source, before and after expansion.
    package static let tokens = 32_768
    /// Nested macro expansions.
    package static let macroDepth = 32
    package static let macros = 1_024
    package static let macroParameters = 32
    package static let conditionalDepth = 32
    package static let definitions = 64
    /// Bytes of one definition's name and of its value.
    package static let definitionBytes = 1_024
    /// Bytes of an identifier.
    package static let identifierBytes = 128

    // Tree.
    /// Nested blocks, expressions and parentheses that the parser follows.
    package static let nesting = 160
    /// Height of an expression.
    package static let expressionDepth = 96
    /// Calls of helpers inside helpers.
    package static let callDepth = 16
    /// Expression nodes and statements after inlining.
    package static let treeNodes = 65_536
    package static let variables = 4_096
    package static let functions = 256
    package static let parameters = 80
    package static let arrays = 64

    // Memory of a group and of a lane.
    /// Bytes of all local arrays: the least that OpenCL 1.2 guarantees.
    package static let localBytes = 32_768
    /// Bytes of private arrays and variables of one lane.
    package static let privateBytes = 16_384
    /// Elements of all constant tables.
    package static let constantElements = 16_384
    package static let groupLanes = 1_024

    // Manifest and work order.
    package static let buffers = 16
    package static let scalars = 64
    package static let localArguments = 16
    package static let axes = 8
    package static let titleBytes = 128
    package static let nameBytes = 128
    package static let expressionNodes = 64
    package static let scalarExpressionDepth = 12
    package static let fuelMax: UInt64 = 1 << 24
    package static let groupsPerLeafMax: UInt32 = 1 << 20
    package static let launches = 16
    package static let launchesAccepted = 1
    package static let groupsPerAxis: UInt32 = 1 << 24
    package static let leaves: UInt64 = 1 << 24
    package static let bufferBytes: UInt64 = 1 << 30
    /// Gas of one leaf: what a validator re-runs inside a block.
    package static let leafGas: UInt64 = 1 << 26
    package static let jobGas: UInt64 = 1 << 56
    /// Runs of bytes that one leaf's slice consists of.
    package static let sliceRuns: UInt64 = 65_536
    package static let sliceBytes: UInt64 = 1 << 24
    package static let groupCells: UInt64 = 1 << 24

    // Test vectors.
    package static let vectors = 16
    package static let vectorBytes = 65_536
    /// Half a window of the referee's lane: the other half is kept for proofs.
    package static let vectorGas: UInt64 = 1 << 23
}
