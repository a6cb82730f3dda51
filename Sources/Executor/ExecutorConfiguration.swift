internal import Glibc
internal import Primitives

/// The limits of one worker process; arguments, never defaults.
package struct WorkerLimits: Hashable, Sendable {
    /// Milliseconds from the request to the answer; the worker is killed one second later.
    package var wallMs: UInt64
    /// Bytes of address space beyond ``ExecutorConfiguration/runtimeBytes``: the job's buffers.
    package var memoryBytes: UInt64
    /// The largest file.
    package var fileBytes: UInt64

    /// All three.
    package init(wallMs: UInt64, memoryBytes: UInt64, fileBytes: UInt64) {
        self.wallMs = wallMs
        self.memoryBytes = memoryBytes
        self.fileBytes = fileBytes
    }
}

/// Where the executor finds things, and how strict it is.
package struct ExecutorConfiguration: Sendable {
    /// The `starling-worker` program.
    package var workerPath: String
    /// The `bwrap` program.
    package var bubblewrapPath: String
    /// Compiled programs; created where missing.
    package var cacheDirectory: String
    /// The most files in `cacheDirectory`.
    package var cacheEntriesMax: Int
    /// Scratch directories of workers that run without bubblewrap.
    package var workDirectory: String
    /// A worker starts only where all of these hold.
    package var require: [Mechanism]
    /// GPU device files that workers see; ``presentDeviceNodes()`` lists this machine's.
    package var deviceNodes: [String]
    /// Address space of a worker without a job: drivers, compiler, threads. 0: no limit on address
    /// space at all, which GPU drivers need.
    package var runtimeBytes: UInt64
    /// Bytes of a worker's scratch file system.
    package var scratchBytes: UInt64
    /// Limits of probes and exercises.
    package var probeLimits: WorkerLimits
    /// The longest wished time of one enqueue, in milliseconds.
    package var sliceMs: UInt64
    /// The most workers that wait for another job of their kernel; 0: none ever does.
    package var warmWorkersMax: Int
    /// So long they wait, in milliseconds.
    package var warmIdleMs: UInt64

    /// Everything named; ``standard(workerPath:stateDirectory:)`` has usual values.
    package init(
        workerPath: String, bubblewrapPath: String, cacheDirectory: String, cacheEntriesMax: Int,
        workDirectory: String, require: [Mechanism], deviceNodes: [String], runtimeBytes: UInt64,
        scratchBytes: UInt64, probeLimits: WorkerLimits, sliceMs: UInt64, warmWorkersMax: Int,
        warmIdleMs: UInt64
    ) {
        self.workerPath = workerPath
        self.bubblewrapPath = bubblewrapPath
        self.cacheDirectory = cacheDirectory
        self.cacheEntriesMax = cacheEntriesMax
        self.workDirectory = workDirectory
        self.require = require
        self.deviceNodes = deviceNodes
        self.runtimeBytes = runtimeBytes
        self.scratchBytes = scratchBytes
        self.probeLimits = probeLimits
        self.sliceMs = sliceMs
        self.warmWorkersMax = warmWorkersMax
        self.warmIdleMs = warmIdleMs
    }

    /// Usual values for a daemon with a state directory of its own: no GPU files, and name spaces,
    /// locked privileges, system-call filter and file limits required.
    package static func standard(
        workerPath: String, stateDirectory: String
    ) -> ExecutorConfiguration {
        ExecutorConfiguration(
            workerPath: workerPath, bubblewrapPath: "/usr/bin/bwrap",
            cacheDirectory: stateDirectory + "/programs", cacheEntriesMax: 256,
            workDirectory: stateDirectory + "/workers",
            require: [.namespaces, .noNewPrivileges, .seccomp, .fileLimits], deviceNodes: [],
            runtimeBytes: 3 << 30, scratchBytes: 256 << 20,
            probeLimits: WorkerLimits(wallMs: 10_000, memoryBytes: 64 << 20, fileBytes: 64 << 20),
            sliceMs: 200, warmWorkersMax: 2, warmIdleMs: 30_000)
    }

    /// The GPU device files of this machine: NVIDIA's, AMD's compute node, render nodes.
    package static func presentDeviceNodes() -> [String] {
        var nodes: [String] = []
        for path in ["/dev/nvidia*", "/dev/dri/renderD*", "/dev/kfd"] {
            var found = glob_t()
            defer { globfree(&found) }
            guard glob(path, 0, nil, &found) == 0, let names = found.gl_pathv else { continue }
            for index in 0..<Int(found.gl_pathc) {
                guard let name = names[index] else { continue }
                nodes.append(String(cString: name))
            }
        }
        return nodes
    }
}

/// What confines the workers of this machine.
package struct SandboxReport: Hashable, Sendable {
    /// Every mechanism, on or off, with its reason.
    package let states: [MechanismState]

    /// Those of `wanted` that do not hold.
    package func missing(from wanted: [Mechanism]) -> [MechanismState] {
        wanted.compactMap { mechanism in
            let state = self.states.first { $0.mechanism == mechanism }
            guard let state else { return MechanismState(mechanism, isOn: false, "not reported") }
            return state.isOn ? nil : state
        }
    }
}

/// A device and whether it may be used.
package struct DeviceStatus: Hashable, Sendable {
    /// What it says about itself.
    package let description: DeviceDescription
    /// Why it may not be used; nil where it may.
    package let quarantine: String?
}

/// What this machine can run on.
package struct ProbeResult: Hashable, Sendable {
    /// Every device.
    package let devices: [DeviceStatus]
    /// What held the probing worker.
    package let sandbox: SandboxReport
}
