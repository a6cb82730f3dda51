/// Arguments of an emitted kernel, in order.
///
/// 1. For each buffer, in the manifest's order: the buffer (`__global const T *` for `in`,
///    `__global T *` for `out`, whose cells are zero before the launch), then its length in scalars
///    (`ulong`).
/// 2. For each scalar parameter, in order: its value, in its type's bytes.
/// 3. Six `uint`: the first group of this part of the launch along x, y, z, and the groups of the
///    whole launch along x, y, z.
///
/// The local size must be the manifest's, the global offset zero; the global size is local size ×
/// groups of this part. Ids and counts that the kernel sees come from (3), so a launch may be cut
/// in any boxes of groups, and a lone re-run of one is identical. Build options: `-cl-std=CL1.2`,
/// and for ``ExactnessClass/exactFloat32`` also `-cl-fp32-correctly-rounded-divide-sqrt`; never a
/// fast-math one.
package enum KernelABI {
    /// Name of the kernel function in the emitted text.
    package static let entry = "sl_main"

    /// One argument.
    package enum Argument: Hashable, Sendable {
        case buffer(Int)
        /// `ulong`
        case elements(ofBuffer: Int)
        case scalar(Int)
        /// `uint`; axis 0, 1, 2.
        case firstGroup(axis: Int)
        /// `uint`; axis 0, 1, 2.
        case groups(axis: Int)
    }

    /// The arguments of a kernel.
    package static func arguments(of tree: Tree) -> [Argument] {
        var arguments: [Argument] = []
        for buffer in tree.buffers.indices {
            arguments.append(.buffer(buffer))
            arguments.append(.elements(ofBuffer: buffer))
        }
        arguments += tree.scalars.indices.map { .scalar($0) }
        arguments += (0..<3).map { .firstGroup(axis: $0) }
        return arguments + (0..<3).map { .groups(axis: $0) }
    }
}
