package import Primitives

/// A small launch with its inputs inside and the root of what it must give.
///
/// Published with a kernel: validators run it on the referee, providers on their device before they
/// may bid.
///
/// - Bounds: ``Limits/vectors`` of one kernel, ``Limits/vectorBytes`` of inputs in one vector,
///   ``Limits/vectorGas`` for all of a kernel together.
package struct TestVector: Record {
    package var groups: Extent
    /// One per scalar parameter, in order.
    package var scalars: [Scalar]
    /// One per global or constant pointer parameter, in order.
    package var buffers: [VectorBuffer]
    /// ``Leaf/outputRoot(_:)`` over all leaves.
    package var outputRoot: Digest

    package init(
        groups: Extent, scalars: [Scalar], buffers: [VectorBuffer], outputRoot: Digest = .zero
    ) {
        self.groups = groups
        self.scalars = scalars
        self.buffers = buffers
        self.outputRoot = outputRoot
    }

    package static var blank: TestVector { TestVector(groups: .blank, scalars: [], buffers: []) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("groups", &self.groups)
        try visitor.list("scalars", &self.scalars, max: Limits.scalars)
        try visitor.list("buffers", &self.buffers, max: Limits.buffers)
        try visitor.field("outputRoot", &self.outputRoot)
    }

    /// The launch that the vector stands for, without its data.
    package var launch: Launch {
        Launch(
            groups: self.groups, scalars: self.scalars,
            buffers: self.buffers.map { Binding(.zero, elements: $0.elements) })
    }

    /// The data, as ``Referee/run(leaf:launch:order:geometry:inputs:)`` takes it.
    package var inputs: [[UInt8]] { self.buffers.map(\.data) }
}

/// One buffer of a test vector.
package struct VectorBuffer: Record {
    /// Scalars of the buffer's element type.
    package var elements: UInt64
    /// Little-endian; empty: zeros, else exactly as long as the elements.
    package var data: [UInt8]

    package init(elements: UInt64, data: [UInt8] = []) {
        self.elements = elements
        self.data = data
    }

    package static var blank: VectorBuffer { VectorBuffer(elements: 0) }

    package mutating func visit<V: FieldVisitor>(_ visitor: inout V) throws(V.Failure) {
        try visitor.field("elements", &self.elements)
        try visitor.bytes("data", &self.data, max: Limits.vectorBytes)
    }
}

/// Why test vectors are refused; `vector` is the position in the list.
package enum VectorError: Error, Hashable, Sendable {
    /// More than ``Limits/vectors``.
    case tooMany(Int)
    /// Inputs over ``Limits/vectorBytes`` together, or an output over
    /// ``TestVector/outputBytesMax``.
    case tooLarge(vector: Int)
    /// The vector does not fit the kernel.
    case work(vector: Int, WorkError)
    /// A leaf cannot be run.
    case referee(vector: Int, RefereeError)
    /// All vectors together cost more.
    case gasExhausted(vector: Int, limit: UInt64)
    /// The kernel gives something else.
    case mismatch(vector: Int, expected: Digest, found: Digest)
}

extension TestVector {
    /// Bytes that one vector may write.
    package static let outputBytesMax: UInt64 = 1 << 20
}

extension Kernel {
    /// Runs all vectors on the referee and compares their output roots.
    ///
    /// - Parameter gasMax: for all of them together; never more than ``Limits/vectorGas``.
    /// - Returns: gas used by all of them.
    /// - Throws: the first ``VectorError``, in the order of the list.
    @discardableResult
    package func check(
        vectors: [TestVector], gasMax: UInt64 = Limits.vectorGas
    ) throws(VectorError) -> UInt64 {
        guard vectors.count <= Limits.vectors else { throw .tooMany(vectors.count) }
        var referee = Referee(self)
        var gas: UInt64 = 0
        for (number, vector) in vectors.enumerated() {
            let found = try self.run(
                vector, number: number, referee: &referee, gas: &gas,
                gasMax: min(gasMax, Limits.vectorGas))
            guard found == vector.outputRoot else {
                throw .mismatch(vector: number, expected: vector.outputRoot, found: found)
            }
        }
        return gas
    }

    /// What the vector's output root must be: how authors make vectors.
    ///
    /// - Throws: ``VectorError`` other than a mismatch.
    package func outputRoot(of vector: TestVector) throws(VectorError) -> Digest {
        var referee = Referee(self)
        var gas: UInt64 = 0
        return try self.run(
            vector, number: 0, referee: &referee, gas: &gas, gasMax: Limits.vectorGas)
    }

    private func run(
        _ vector: TestVector, number: Int, referee: inout Referee, gas: inout UInt64,
        gasMax: UInt64
    ) throws(VectorError) -> Digest {
        let bytes = vector.buffers.reduce(0) { $0 + $1.data.count }
        guard bytes <= Limits.vectorBytes else { throw .tooLarge(vector: number) }
        let geometry: Geometry
        do throws(WorkError) {
            geometry = try self.geometry(launch: vector.launch)
        } catch { throw .work(vector: number, error) }
        guard geometry.outputBytes <= TestVector.outputBytesMax else {
            throw .tooLarge(vector: number)
        }
        var roots: [Digest] = []
        for leaf in 0..<geometry.leafCount {
            do throws(RefereeError) {
                let left = gasMax - min(gas, gasMax)
                let run = try referee.run(
                    leaf: leaf, geometry: geometry, inputs: vector.inputs,
                    gasLimit: min(left, geometry.leafGas))
                gas += run.gas
                roots.append(Leaf.sliceRoot(run.slice))
            } catch {
                if case .gasExhausted(let limit) = error, limit < geometry.leafGas {
                    throw .gasExhausted(vector: number, limit: gasMax)
                }
                throw .referee(vector: number, error)
            }
        }
        return Leaf.outputRoot(roots)
    }
}
