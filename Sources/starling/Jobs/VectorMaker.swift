import Kernels
import Primitives

/// Makes the test vectors that publishing a kernel needs: small launches with scattered inputs, run
/// on the referee here; every validator and provider runs them again.
struct VectorMaker {
    let kernel: Kernel
    /// Scalars that the author or the order names; the others are tried.
    let scalars: [Scalar?]

    /// Sizes tried for an integer scalar that is not given, as multiples of the group: most kernels
    /// take extents.
    private static let extents: [Int64] = [2, 1, 3, 4, 8]

    /// The first vector that fits and writes something.
    ///
    /// - Throws: ``CommandFailure`` with the last reason.
    func make() throws -> [TestVector] {
        var reason = "no size was tried"
        for extent in Self.extents {
            guard let vector = self.candidate(extent: extent, reason: &reason) else { continue }
            return [vector]
        }
        throw CommandFailure(
            "no test vector could be made: \(reason)",
            fix: "give small scalars for it: --vector-set NAME=VALUE", code: "kernel.noVector")
    }

    private func candidate(extent: Int64, reason: inout String) -> TestVector? {
        let lanes = Int64(self.kernel.package.manifest.localSize.array.max() ?? 1)
        let scalars = zip(self.kernel.tree.scalars, self.scalars).map {
            parameter, given -> Scalar in
            if let given { return given }
            let value = min(lanes * extent, 1 << 12)
            return parameter.type.isInteger
                ? Scalar(parameter.type, text: String(value)) ?? Scalar(parameter.type, bits: 1)
                : Scalar(parameter.type, bits: parameter.type == .float ? 0x3F80_0000 : 0)
        }
        let shape: LaunchShape
        do {
            shape = try LaunchShape(self.kernel, scalars: scalars, groups: nil)
        } catch let failure as CommandFailure {
            reason = failure.message
            return nil
        } catch { return nil }
        let layouts = self.kernel.package.manifest.buffers
        let inputs = layouts.count { $0.role.isRead }
        let room = Limits.vectorBytes / 2 / max(inputs, 1)
        var buffers: [VectorBuffer] = []
        for (number, layout) in layouts.enumerated() {
            let written = shape.elements[number]
            let element = layout.element.bytes
            let count = written ?? UInt64(min(room / element, 1024))
            guard layout.role.isRead else {
                buffers.append(VectorBuffer(elements: count))
                continue
            }
            guard count <= UInt64(room / element) else {
                reason = "buffer \(layout.name) is too large for a vector"
                return nil
            }
            let seed = Blake2b.hash(.vector, .none, Array("\(layout.name) \(extent)".utf8))
            buffers.append(
                VectorBuffer(
                    elements: count,
                    data: Self.data(layout.element, count: Int(count), seed: seed)))
        }
        var vector = TestVector(groups: shape.groups, scalars: scalars, buffers: buffers)
        do throws(VectorError) {
            vector.outputRoot = try self.kernel.outputRoot(of: vector)
            try self.kernel.check(vectors: [vector])
            return vector
        } catch {
            reason = Self.words(error)
            return nil
        }
    }

    /// Scattered bytes; floats between -8 and 8, so that arithmetic stays finite.
    private static func data(_ element: ScalarType, count: Int, seed: Digest) -> [UInt8] {
        var generator = Generator(seed: seed)
        guard element.isFloat else { return generator.bytes(count * element.bytes) }
        var bytes: [UInt8] = []
        for _ in 0..<count {
            // Sign, exponent 120 to 129, any mantissa.
            let random = generator.u64()
            let exponent = 120 + (random >> 32) % 10
            let bits = (random & 0x8000_0000) | exponent << 23 | (random & 0x007F_FFFF)
            bytes += (0..<4).map { UInt8(truncatingIfNeeded: bits >> (8 * UInt64($0))) }
        }
        return bytes
    }

    private static func words(_ error: VectorError) -> String {
        switch error {
        case .work(_, let error): error.message
        case .gasExhausted: "a small launch costs more than \(Limits.vectorGas) gas"
        case .tooLarge: "a small launch reads or writes too much"
        case .tooMany, .referee, .mismatch: "\(error)"
        }
    }
}
