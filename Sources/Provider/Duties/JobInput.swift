import Kernels
import Primitives

/// A blob that a job reads, and how many bytes the work order says it has.
struct JobInput: Hashable, Sendable {
    let blob: BlobID
    let bytes: UInt64

    /// The input blobs of an order, each once: elements times the element's size in the manifest.
    ///
    /// - Bounds: buffers of all launches, by ``WorkOrder``.
    static func all(of order: WorkOrder, _ package: KernelPackage) -> [JobInput] {
        var inputs: [JobInput] = []
        for launch in order.launches {
            for (binding, layout) in zip(launch.buffers, package.manifest.buffers) {
                guard case .blob(let blob) = binding.source else { continue }
                let width = UInt64(layout.element.bytes)
                // The ledger took the order only with sizes far below.
                let bytes = min(binding.elements, Limits.bufferBytes / width) * width
                if let index = inputs.firstIndex(where: { $0.blob == blob }) {
                    let most = max(inputs[index].bytes, bytes)
                    inputs[index] = JobInput(blob: blob, bytes: most)
                } else {
                    inputs.append(JobInput(blob: blob, bytes: bytes))
                }
            }
        }
        return inputs
    }
}
