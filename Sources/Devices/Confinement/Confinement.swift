internal import COpenCL
internal import Primitives

/// What a worker takes away from itself before it looks at any request.
///
/// Called once, while the process has one thread. Nothing here can be undone.
///
/// - Units: bytes and seconds; a limit of 0 leaves the system's.
/// - Source: docs/ARCHITECTURE.md, the worker; prlimit(2), prctl(2), landlock(7),
///   seccomp(2).
package struct Confinement {
    /// Compile may start programs under /usr; run may not.
    package var stage: WorkerStage
    /// Address space.
    package var memoryBytes: UInt64
    /// Processor seconds over all threads.
    package var processorSeconds: UInt64
    /// The largest file that can be written.
    package var fileBytes: UInt64
    /// The most processes and threads; only told inside a user name space of its own, where it
    /// counts nobody else's.
    package var processes: UInt64
    /// The one directory that can be written.
    package var scratch: String

    /// The limits of one worker.
    package init(
        stage: WorkerStage, memoryBytes: UInt64, processorSeconds: UInt64, fileBytes: UInt64,
        processes: UInt64, scratch: String
    ) {
        self.stage = stage
        self.memoryBytes = memoryBytes
        self.processorSeconds = processorSeconds
        self.fileBytes = fileBytes
        self.processes = processes
        self.scratch = scratch
    }

    /// Applies everything the system offers and says what holds.
    package func apply() -> [MechanismState] {
        var states: [MechanismState] = []
        let locked = Self.control(38, 1)  // PR_SET_NO_NEW_PRIVS
        states.append(
            MechanismState(.noNewPrivileges, isOn: locked, locked ? "set" : "prctl refused it"))
        _ = Self.control(1, 9)  // PR_SET_PDEATHSIG, SIGKILL: no worker outlives its supervisor.
        _ = Self.control(4, 0)  // PR_SET_DUMPABLE: no core, no tracing by the same user.
        states.append(contentsOf: self.limit())
        states.append(Landlock.apply(stage: self.stage, scratch: self.scratch))
        states.append(SystemCallFilter.apply(stage: self.stage))
        return states
    }

    private func limit() -> [MechanismState] {
        // Resource numbers of the kernel: CPU 0, FSIZE 1, CORE 4, NPROC 6, NOFILE 7, AS 9.
        let filesHold =
            Self.limit(4, 0) && Self.limit(7, 256)
            && (self.fileBytes == 0 || Self.limit(1, self.fileBytes))
        return [
            MechanismState(
                .fileLimits, isOn: filesHold,
                filesHold
                    ? "files of \(self.fileBytes) bytes at most, 256 open, no core" : "refused"),
            Self.state(.memoryLimit, 9, self.memoryBytes, "bytes of address space"),
            Self.state(.processorLimit, 0, self.processorSeconds, "processor seconds"),
            Self.state(.processLimit, 6, self.processes, "processes and threads"),
        ]
    }

    private static func state(
        _ mechanism: Mechanism, _ resource: Int, _ value: UInt64, _ unit: String
    ) -> MechanismState {
        guard value > 0 else { return MechanismState(mechanism, isOn: false, "not asked for") }
        let holds = Self.limit(resource, value)
        return MechanismState(mechanism, isOn: holds, holds ? "\(value) \(unit)" : "refused")
    }

    /// Sets both the soft and the hard limit.
    private static func limit(_ resource: Int, _ value: UInt64) -> Bool {
        let pair = [value, value]
        return pair.withUnsafeBytes {
            starling_syscall(
                Int(SYS_prlimit64), 0, resource, Int(bitPattern: $0.baseAddress), 0, 0) == 0
        }
    }

    private static func control(_ option: Int, _ value: Int) -> Bool {
        starling_syscall(Int(SYS_prctl), option, value, 0, 0, 0) == 0
    }
}
