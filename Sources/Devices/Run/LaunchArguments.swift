internal import Kernels
internal import Primitives

/// The arguments of the emitted kernel, in the order of ``KernelABI``.
struct LaunchArguments {
    let kernel: Kernel
    let scalars: [Scalar]
    /// Scalars in each buffer.
    let elements: [UInt64]
    /// Groups of the whole launch.
    let groups: [UInt32]

    /// Binds what all pieces of a launch share.
    func bind(_ program: DeviceProgram, _ buffers: [DeviceBuffer]) throws(WorkerFailure) {
        for (index, argument) in KernelABI.arguments(of: self.kernel.tree).enumerated() {
            switch argument {
            case .buffer(let number): try program.set(index, buffer: buffers[number])
            case .elements(let number):
                try program.set(index, bytes: Self.bytes(self.elements[number]))
            case .scalar(let number):
                let scalar = self.scalars[number]
                let bytes = Self.bytes(scalar.bits).prefix(scalar.type.bytes)
                try program.set(index, bytes: Array(bytes))
            case .groups(let axis): try program.set(index, bytes: Self.bytes(self.groups[axis]))
            case .firstGroup: break
            }
        }
    }

    /// Binds the place of one piece.
    func bind(_ program: DeviceProgram, window: GroupWindows.Window) throws(WorkerFailure) {
        for (index, argument) in KernelABI.arguments(of: self.kernel.tree).enumerated() {
            guard case .firstGroup(let axis) = argument else { continue }
            try program.set(index, bytes: Self.bytes(window.base[axis]))
        }
    }

    private static func bytes<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
}
