import Kernels
import Primitives
import Testing

/// A witness that is not the blobs' is refused, and no witness leads to another result.
@Suite struct WitnessRefusalTests {
    /// Leaf 0 reads chunks 0, 2 and 4 of `a`, which has a short chunk 5, and chunk 0 of `b`.
    private func rig(rounds: Int = 1) throws -> WitnessRig {
        var random = Generator(seed: .zero)
        return try WitnessRig(
            Rig(
                """
                __kernel void k(__global const int *a, __global const int *b, __global int *o,
                                __global const int *zeros) {
                    int i = (int)get_global_id(0);
                    int x = zeros[i];
                    for (int j = 0; j < \(rounds); j++) x = x * 5 + a[i % 3 * 2048] + b[i];
                    o[i] = x;
                }
                """,
                local: [8], groups: [2],
                buffers: [
                    .input("a", .int, random.bytes(5 * 4_096 + 8)),
                    .input("b", .int, random.bytes(3 * 4_096)),
                    .output("o", .int, block: 8, elements: 16),
                    Rig.Buffer(
                        layout: BufferLayout(name: "zeros", role: .in, element: .int),
                        elements: 16),
                ]))
    }

    @Test func onlyTheBlobsChunksLead() throws {
        let rig = try self.rig()
        let (run, good) = try rig.gather(0)
        #expect(good.indexes(of: 0) == [0, 2, 4] && good.indexes(of: 1) == [0])
        for (number, part) in good.buffers.enumerated() {
            for chunk in part.chunks.indices {
                for byte in [0, 1, 2_047, 4_095] {
                    var bad = good
                    bad.buffers[number].chunks[chunk].bytes[byte] ^= 0x10
                    #expect(rig.error(on: bad) == .doesNotLead(buffer: number))
                }
            }
            for sibling in part.siblings.indices {
                var bad = good
                bad.buffers[number].siblings[sibling] = .zero
                #expect(rig.error(on: bad) == .doesNotLead(buffer: number))
                bad = good
                bad.buffers[number].siblings.remove(at: sibling)
                #expect(rig.error(on: bad) == .doesNotLead(buffer: number))
            }
            var bad = good
            bad.buffers[number].siblings.append(.zero)
            #expect(rig.error(on: bad) == .doesNotLead(buffer: number))
        }
        var moved = good
        moved.buffers[0].chunks[0].index = 1
        #expect(rig.error(on: moved) == .doesNotLead(buffer: 0))
        // Chunks of another buffer's blob.
        var other = good
        other.buffers[1] = rig.part(0, [0])
        other.buffers[1].buffer = 1
        #expect(rig.error(on: other) == .doesNotLead(buffer: 1))
        // Everything there is, read or not.
        let all = LeafWitness(buffers: [
            rig.part(0, Array(0..<6)), rig.part(1, Array(0..<3)),
        ])
        #expect(all.buffers[0].siblings.isEmpty)
        #expect(try rig.run(0, on: all) == run)
    }

    @Test func malformedParts() throws {
        let rig = try self.rig()
        let good = try rig.gather(0).witness
        func expect(
            _ buffer: Int, _ location: SourceLocation = #_sourceLocation,
            _ change: (inout LeafWitness) -> Void
        ) {
            var bad = good
            change(&bad)
            #expect(
                rig.error(on: bad) == .malformed(buffer: buffer), sourceLocation: location)
        }
        expect(0) { $0.buffers.reverse() }
        expect(0) { $0.buffers.insert($0.buffers[0], at: 0) }
        expect(0) { $0.buffers[0].chunks.reverse() }
        expect(0) { $0.buffers[0].chunks[1] = $0.buffers[0].chunks[0] }
        expect(0) { $0.buffers[0].chunks = [] }
        expect(0) { $0.buffers[0].chunks[2].index = 6 }
        expect(0) { $0.buffers[0].chunks[2].index = .max }
        expect(0) { $0.buffers[0].chunks[2].bytes.removeLast() }
        expect(0) { $0.buffers[0].chunks[2].bytes = [] }
        expect(0) {
            $0.buffers[0] = rig.part(0, [5])
            $0.buffers[0].chunks[0].bytes += [0]
        }
        // The short last chunk's bytes are not those of a full one.
        expect(0) { $0.buffers[0].chunks[2].index = 5 }
        // An output, a buffer of zeros and one that does not exist.
        for buffer in [UInt8(2), 3, 4, .max] {
            expect(Int(buffer)) { $0.buffers[1].buffer = buffer }
        }
    }

    @Test func missingChunksAreNamed() throws {
        let rig = try self.rig()
        let good = try rig.gather(0).witness
        for chunk in [UInt64(0), 2, 4] {
            let lacking = rig.without(chunk, of: 0, good)
            #expect(rig.error(on: lacking) == .incomplete(buffer: 0, chunk: chunk))
        }
        let lacking = rig.without(0, of: 1, good)
        #expect(lacking.buffers.count == 1)
        #expect(rig.error(on: lacking) == .incomplete(buffer: 1, chunk: 0))
        #expect(rig.error(on: LeafWitness()) == .incomplete(buffer: 0, chunk: 0))
        // The wrong chunk in place of the right one.
        var other = good
        other.buffers[0] = rig.part(0, [0, 2, 5])
        #expect(rig.error(on: other) == .incomplete(buffer: 0, chunk: 4))
    }

    @Test func tooLargeComesFirst() throws {
        let rig = try self.rig()
        let good = try rig.gather(0).witness
        let chunk = good.buffers[0].chunks[0]
        var bad = good
        bad.buffers[0].chunks = Array(repeating: chunk, count: 112)
        #expect(bad.byteCount > LeafWitness.bytesMax)
        #expect(rig.error(99, on: bad) == .tooLarge(bytes: bad.byteCount))
        bad = good
        let free = LeafWitness.bytesMax - good.byteCount
        bad.buffers[0].siblings += Array(repeating: .zero, count: free / 32 + 1)
        #expect(rig.error(99, on: bad) == .tooLarge(bytes: bad.byteCount))
        // One less fits, and does not lead.
        bad.buffers[0].siblings.removeLast(2)
        #expect(rig.error(on: bad) == .doesNotLead(buffer: 0))
        bad = LeafWitness(buffers: Array(repeating: good.buffers[1], count: 17))
        #expect(rig.error(on: bad) == .tooLarge(bytes: bad.byteCount))
    }

    /// A leaf that reads more than a witness may hold has none.
    @Test func leafThatReadsTooMuch() throws {
        func rig(chunks: Int) throws -> WitnessRig {
            try WitnessRig(
                Rig(
                    """
                    __kernel void k(__global const uchar *a, __global int *o) {
                        int i = (int)get_global_id(0);
                        int x = 0;
                        for (int j = i; j < \(chunks); j += 8) x += a[j * 4096];
                        o[i] = x;
                    }
                    """,
                    local: [8], groups: [1],
                    buffers: [
                        .input("a", .uchar, [UInt8](repeating: 3, count: 130 * 4_096)),
                        .output("o", .int, block: 8, elements: 8),
                    ]))
        }
        let fits = try rig(chunks: 111)
        let (run, witness) = try fits.gather(0)
        #expect(witness.byteCount <= LeafWitness.bytesMax)
        #expect(try fits.run(0, on: witness) == run)
        for chunks in [112, 113, 130] {
            let large = try rig(chunks: chunks)
            do throws(WitnessError) {
                _ = try large.gather(0)
                Issue.record("\(chunks) chunks fit")
            } catch {
                guard case .tooLarge(let bytes) = error else {
                    Issue.record("\(error)")
                    continue
                }
                #expect(bytes > LeafWitness.bytesMax)
            }
        }
    }

    @Test func refereeErrorsPass() throws {
        let rig = try self.rig()
        let good = try rig.gather(0).witness
        #expect(rig.error(2, on: good) == .referee(.noSuchLeaf(2)))
        var referee = Referee(rig.kernel)
        #expect(throws: WitnessError.referee(.launchMismatch)) {
            try referee.run(
                leaf: 0, launch: 1, order: rig.order, geometry: rig.geometry, witness: good)
        }
        #expect(throws: WitnessError.referee(.launchMismatch)) {
            try referee.witness(
                leaf: 0, launch: -1, order: rig.order, geometry: rig.geometry, inputs: rig.inputs)
        }
        #expect(throws: WitnessError.referee(.inputCount(expected: 4, found: 0))) {
            try referee.witness(
                leaf: 0, launch: 0, order: rig.order, geometry: rig.geometry, inputs: [])
        }
        // A kernel of the same shape under a bound that is too low for it.
        let costly = try self.rig(rounds: 50)
        let limit = rig.geometry.leafGas
        referee = Referee(costly.kernel)
        func run(_ witness: LeafWitness) throws {
            _ = try referee.run(
                leaf: 0, launch: 0, order: rig.order, geometry: rig.geometry, witness: witness)
        }
        #expect(throws: WitnessError.referee(.gasExhausted(limit: limit))) { try run(good) }
        // What a run without all of its bytes costs says nothing about the kernel.
        let lacking = rig.without(2, of: 0, good)
        #expect(throws: WitnessError.incomplete(buffer: 0, chunk: 2)) { try run(lacking) }
    }

    /// What is given for a buffer of zeros does not count.
    @Test func zerosStayZeros() throws {
        let rig = try self.rig()
        var inputs = rig.inputs
        inputs[3] = [UInt8](repeating: 9, count: 64)
        var referee = Referee(rig.kernel)
        let made = try referee.witness(
            leaf: 0, launch: 0, order: rig.order, geometry: rig.geometry, inputs: inputs)
        let (run, witness) = try rig.gather(0)
        #expect(made.run == run && made.witness == witness)
    }

    /// Whatever is done to a witness: it is refused, or the leaf's result is the same.
    @Test func damage() throws {
        let rig = try self.rig()
        let (run, good) = try rig.gather(0)
        let bytes = good.canonicalBytes
        var random = Generator(seed: .zero)
        var (decoded, accepted) = (0, 0)
        func judge(_ witness: LeafWitness) {
            do throws(WitnessError) {
                let found = try rig.run(0, on: witness)
                accepted += 1
                #expect(found == run)
            } catch { #expect(witness != good, "\(error)") }
        }
        for _ in 0..<400 {
            var bad = bytes
            for _ in 0...random.below(3) {
                // Half of the damage is where the lengths and indexes are.
                let place = random.below(2) == 0 ? random.below(16) : random.below(bytes.count64)
                let at = Int(min(place, UInt64(bad.count - 1)))
                switch random.below(4) {
                case 0: bad[at] = UInt8(truncatingIfNeeded: random.u64())
                case 1: bad.remove(at: at)
                case 2: bad.insert(UInt8(truncatingIfNeeded: random.below(3)), at: at)
                default: bad.removeLast(Int(random.below(bad.count64)) / 64)
                }
            }
            guard let witness = Self.decode(bad) else { continue }
            decoded += 1
            judge(witness)
        }
        #expect(decoded > 20)
        for _ in 0..<400 {
            var bad = good
            for _ in 0...random.below(2) { Self.damage(&bad, rig, &random) }
            judge(bad)
        }
        #expect(accepted > 20)
        for _ in 0..<400 { #expect(Self.decode(random.bytes(Int(random.below(300)))) != good) }
    }

    private static func decode(_ bytes: [UInt8]) -> LeafWitness? {
        do throws(DecodeError) { return try LeafWitness(canonical: bytes) } catch { return nil }
    }

    private static func damage(
        _ witness: inout LeafWitness, _ rig: WitnessRig, _ random: inout Generator
    ) {
        let numbers: [UInt64] = [0, 1, 5, 6, 255, 1 << 52, 1 << 63, .max - 1, .max]
        let number = numbers[Int(random.below(numbers.count64))]
        let part = Int(random.below(max(1, witness.buffers.count64)))
        switch random.below(7) {
        case 0: witness.buffers.append(rig.part(0, [number % 6]))
        case 1: witness.buffers.insert(rig.part(1, [number % 3]), at: 0)
        case 2:
            // Any chunks of the right blob.
            let chosen = (0..<UInt64(6)).filter { $0 % 2 == 0 || random.below(3) == 0 }
            if part < witness.buffers.count { witness.buffers[part] = rig.part(0, chosen) }
        default:
            guard part < witness.buffers.count, !witness.buffers[part].chunks.isEmpty else {
                return
            }
            let chunk = Int(random.below(witness.buffers[part].chunks.count64))
            switch random.below(5) {
            case 0: witness.buffers[part].buffer = UInt8(truncatingIfNeeded: number)
            case 1: witness.buffers[part].chunks[chunk].index = number
            case 2: witness.buffers[part].chunks.remove(at: chunk)
            case 3: witness.buffers[part].siblings.append(.zero)
            default:
                let count = Int(min(number, 9_000))
                witness.buffers[part].chunks[chunk].bytes = random.bytes(count)
            }
        }
    }
}

extension Array {
    fileprivate var count64: UInt64 { UInt64(self.count) }
}
