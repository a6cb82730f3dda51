internal import COpenCL
internal import Glibc
internal import Primitives

/// Landlock: an unprivileged process gives up every file outside a few trees.
///
/// Debian's headers are older than the kernels in use, so numbers and layouts stand here.
///
/// - Source: Linux Documentation/userspace-api/landlock.rst, ABI 1 to 7.
enum Landlock {
    private static let createRuleset = 444
    private static let addRule = 445
    private static let restrictSelf = 446

    private static let execute: UInt64 = 1 << 0
    private static let writeFile: UInt64 = 1 << 1
    private static let readFile: UInt64 = 1 << 2
    private static let readDirectory: UInt64 = 1 << 3
    private static let ioctlDevice: UInt64 = 1 << 15

    /// Restricts this process and all it starts.
    static func apply(stage: WorkerStage, scratch: String) -> MechanismState {
        let version = starling_syscall(Self.createRuleset, 0, 0, 1, 0, 0)
        guard version >= 1 else {
            return MechanismState(
                .landlock, isOn: false, "the kernel has no Landlock (Linux 5.13, lsm=landlock)")
        }
        let handled = Self.handled(version)
        // Fields of struct landlock_ruleset_attr: files, TCP bind and connect, scopes.
        let attributes: [UInt64] = [handled, version >= 4 ? 3 : 0, version >= 6 ? 3 : 0]
        let size = version >= 6 ? 24 : version >= 4 ? 16 : 8
        let ruleset = attributes.withUnsafeBytes {
            starling_syscall(Self.createRuleset, Int(bitPattern: $0.baseAddress), size, 0, 0, 0)
        }
        guard ruleset >= 0 else {
            return MechanismState(.landlock, isOn: false, "no ruleset: errno \(errno)")
        }
        defer { close(Int32(truncatingIfNeeded: ruleset)) }
        let read = Self.readFile | Self.readDirectory
        let program = stage == .compile ? read | Self.execute : read
        for path in ["/usr", "/lib", "/lib64"] { Self.allow(path, program & handled, ruleset) }
        for path in ["/etc/OpenCL", "/etc/alternatives", "/sys/devices", "/proc"] {
            Self.allow(path, read & handled, ruleset)
        }
        Self.allow("/dev", (read | Self.writeFile | Self.ioctlDevice) & handled, ruleset)
        Self.allow(scratch, handled & ~(Self.execute | Self.ioctlDevice), ruleset)
        guard starling_syscall(Self.restrictSelf, ruleset, 0, 0, 0, 0) == 0 else {
            return MechanismState(.landlock, isOn: false, "not applied: errno \(errno)")
        }
        return MechanismState(.landlock, isOn: true, "ABI \(version)")
    }

    /// The file rights that this version of Landlock knows.
    private static func handled(_ version: Int) -> UInt64 {
        let bits: UInt64 = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13
        return (1 << bits) - 1
    }

    /// Adds one tree; a path that is not there needs no rule.
    private static func allow(_ path: String, _ access: UInt64, _ ruleset: Int) {
        let directory = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard directory >= 0 else { return }
        defer { close(directory) }
        // struct landlock_path_beneath_attr is packed: u64 rights, s32 descriptor.
        var attribute: [UInt8] = []
        withUnsafeBytes(of: access) { attribute.append(contentsOf: $0) }
        withUnsafeBytes(of: directory) { attribute.append(contentsOf: $0) }
        _ = attribute.withUnsafeBytes {
            starling_syscall(Self.addRule, ruleset, 1, Int(bitPattern: $0.baseAddress), 0, 0)
        }
    }
}
