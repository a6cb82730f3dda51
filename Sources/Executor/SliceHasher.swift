internal import Dispatch
internal import Glibc
internal import Kernels
internal import Primitives
internal import Synchronization

/// The slice roots of an output file, over all cores.
enum SliceHasher {
    /// One root per leaf.
    ///
    /// - Throws: ``ExecutorError/Code/output`` where the file cannot be read back.
    static func roots(of file: Descriptor, _ geometry: Geometry) throws(ExecutorError) -> [Digest] {
        let leaves = Int(clamping: geometry.leafCount)
        let starts = Self.starts(geometry)
        guard starts.last == geometry.outputBytes else {
            throw ExecutorError(.output, "the slices do not add up to the output")
        }
        // Pieces of leaves, several per core, so that no core waits long for another.
        let cores = max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1)
        let pieces = min(leaves, cores * 8)
        let parts = Mutex([[Digest]?](repeating: nil, count: pieces))
        let number = file.number
        DispatchQueue.concurrentPerform(iterations: pieces) { piece in
            let range = leaves * piece / pieces..<leaves * (piece + 1) / pieces
            var roots: [Digest] = []
            roots.reserveCapacity(range.count)
            for leaf in range {
                let size = Int(starts[leaf + 1] - starts[leaf])
                guard let slice = Self.read(number, at: starts[leaf], size) else { return }
                roots.append(Leaf.sliceRoot(slice))
            }
            parts.withLock { $0[piece] = roots }
        }
        let all = parts.withLock { $0 }.compactMap { $0 }
        guard all.count == pieces else {
            throw ExecutorError(.output, "the output file cannot be read back")
        }
        return all.flatMap { $0 }
    }

    /// Where each slice starts, and the end of the last.
    private static func starts(_ geometry: Geometry) -> [UInt64] {
        var starts: [UInt64] = [0]
        starts.reserveCapacity(Int(clamping: geometry.leafCount) + 1)
        for leaf in 0..<geometry.leafCount {
            starts.append(starts[starts.count - 1] + geometry.sliceBytes(leaf: leaf))
        }
        return starts
    }

    private static func read(_ file: Int32, at start: UInt64, _ size: Int) -> [UInt8]? {
        var isWhole = true
        let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = 0
            while count < size {
                let got = pread(
                    file, buffer.baseAddress?.advanced(by: count), size - count,
                    off_t(start) + off_t(count))
                guard got > 0 else {
                    isWhole = false
                    return
                }
                count += got
            }
        }
        return isWhole ? bytes : nil
    }
}
