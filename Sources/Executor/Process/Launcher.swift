internal import Glibc
internal import Primitives

/// Puts together the command line of one worker.
struct Launcher: Sendable {
    /// Where the worker lies inside the sandbox.
    static let workerInside = "/starling-worker"
    private static let limiter = "/usr/bin/prlimit"
    private let configuration: ExecutorConfiguration

    init(_ configuration: ExecutorConfiguration) { self.configuration = configuration }

    /// The time a worker has for its greeting, in milliseconds.
    var greetingMs: UInt64 { self.configuration.probeLimits.wallMs }

    /// A command and what the parent knows about its sandbox.
    struct Command {
        let path: String
        let arguments: [String]
        /// Whether bubblewrap reports its first process on the last descriptor.
        let reportsInner: Bool
        let namespaces: MechanismState
        /// A directory to remove afterwards, where bubblewrap gives none.
        let scratch: String?
    }

    /// The command of a worker; `information` is the descriptor for bubblewrap's report.
    ///
    /// - Throws: ``ExecutorError/Code/noWorker``, ``ExecutorError/Code/sandbox``.
    func command(
        stage: WorkerStage, limits: WorkerLimits, information: Int32
    ) throws(ExecutorError) -> Command {
        guard access(self.configuration.workerPath, X_OK) == 0 else {
            throw ExecutorError(
                .noWorker,
                "no worker program at \(self.configuration.workerPath); install starling-worker "
                    + "beside starlingd or set worker.path", underlying: Clock.errorText(errno))
        }
        let hasBubblewrap = access(self.configuration.bubblewrapPath, X_OK) == 0
        let reason =
            hasBubblewrap
            ? "bubblewrap: own files, processes, network, IPC and users; no capability"
            : "no bubblewrap at \(self.configuration.bubblewrapPath); install bubblewrap"
        let state = MechanismState(.namespaces, isOn: hasBubblewrap, reason)
        if !hasBubblewrap, self.configuration.require.contains(.namespaces) {
            throw ExecutorError(.sandbox, reason + ", or take namespaces out of worker.require")
        }
        let own = self.workerArguments(stage, limits, inNamespaces: hasBubblewrap)
        var scratch: String?
        var words: [String]
        if hasBubblewrap {
            words = [self.configuration.bubblewrapPath]
            let said = (own + ["--scratch", "/tmp"]).joined(separator: " ")
            words += self.sandboxArguments(information: information, said)
            words += [Self.workerInside]
        } else {
            let directory = try self.makeScratch()
            scratch = directory
            words = ["/usr/bin/env", "-i", "PATH=/usr/bin", "POCL_CACHE_DIR=\(directory)/pocl"]
            words += ["TMPDIR=\(directory)", "HOME=\(directory)", "MALLOC_ARENA_MAX=2"]
            words += [self.configuration.workerPath] + own + ["--scratch", directory]
        }
        // The same limits from outside, for the case that the worker is not ours.
        if access(Self.limiter, X_OK) == 0 {
            let files = max(limits.fileBytes, 64 << 20)
            words = [Self.limiter, "--core=0:0", "--fsize=\(files):\(files)", "--"] + words
        }
        return Command(
            path: words[0], arguments: Array(words.dropFirst()), reportsInner: hasBubblewrap,
            namespaces: state, scratch: scratch)
    }

    private func workerArguments(
        _ stage: WorkerStage, _ limits: WorkerLimits, inNamespaces: Bool
    ) -> [String] {
        let cores = UInt64(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1))
        let (memory, overflow) = self.configuration.runtimeBytes.addingReportingOverflow(
            limits.memoryBytes)
        let isFree = self.configuration.runtimeBytes == 0
        let seconds = (min(limits.wallMs, 1 << 40) / 1_000 + 2) * cores
        // Processes and threads: a device thread or two per core, the linker and its helpers.
        let processes = inNamespaces && stage == .compile ? 64 + 4 * cores : 0
        return [
            "--stdio", "--stage", "\(stage)", "--memory", "\(isFree || overflow ? 0 : memory)",
            "--cpu", "\(seconds)", "--file", "\(max(limits.fileBytes, 64 << 20))", "--processes",
            "\(processes)",
        ]
    }

    private func sandboxArguments(information: Int32, _ said: String) -> [String] {
        var words = [
            "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
            "--clearenv",
            "--info-fd", "\(information)", "--ro-bind", "/usr", "/usr",
        ]
        for name in ["lib", "lib64", "lib32", "bin", "sbin"] { words += Self.systemFolder(name) }
        for path in ["/etc/OpenCL", "/etc/alternatives", "/etc/ld.so.cache", "/sys/devices"] {
            words += ["--ro-bind-try", path, path]
        }
        words += ["--dev", "/dev"]
        if !self.configuration.deviceNodes.isEmpty {
            words += ["--proc", "/proc"]
            for path in [
                "/sys/bus/pci", "/sys/class/drm", "/sys/class/kfd", "/sys/module", "/sys/dev",
            ] {
                words += ["--ro-bind-try", path, path]
            }
            for node in self.configuration.deviceNodes { words += ["--dev-bind-try", node, node] }
        }
        words += ["--size", "\(self.configuration.scratchBytes)", "--tmpfs", "/tmp"]
        words += ["--ro-bind", self.configuration.workerPath, Self.workerInside]
        let environment = [
            ("PATH", "/usr/bin"), ("POCL_CACHE_DIR", "/tmp/pocl"), ("TMPDIR", "/tmp"),
            ("HOME", "/tmp"), ("LANG", "C"), ("MALLOC_ARENA_MAX", "2"), ("STARLING_WORKER", said),
        ]
        for (name, value) in environment { words += ["--setenv", name, value] }
        return words + ["--remount-ro", "/", "--chdir", "/", "--"]
    }

    /// `/lib` and its like: a link on merged systems, a directory on others.
    private static func systemFolder(_ name: String) -> [String] {
        var target = [CChar](repeating: 0, count: 256)
        let count = readlink("/" + name, &target, target.count - 1)
        guard count > 0 else { return ["--ro-bind-try", "/" + name, "/" + name] }
        let bytes = target.prefix(count).map { UInt8(bitPattern: $0) }
        return ["--symlink", String(decoding: bytes, as: UTF8.self), "/" + name]
    }

    private func makeScratch() throws(ExecutorError) -> String {
        try Files.makeDirectory(self.configuration.workDirectory)
        var path = Array((self.configuration.workDirectory + "/worker-XXXXXX").utf8CString)
        guard mkdtemp(&path) != nil else { throw .system("mkdtemp", errno) }
        return String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Small work on files.
enum Files {
    /// Makes a private directory with its parents; one that is there stays as it is.
    static func makeDirectory(_ path: String) throws(ExecutorError) {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o700) != 0, errno != EEXIST else { continue }
            throw ExecutorError(
                .system, "cannot make the directory \(made)", underlying: Clock.errorText(errno))
        }
    }

    /// Removes a tree.
    static func remove(_ path: String) {
        for path in Self.names(in: path) where rmdir(path) != 0 && unlink(path) != 0 {
            Self.remove(path)
        }
        rmdir(path)
    }

    /// Paths of what lies in a directory; nothing where it cannot be read.
    static func names(in directory: String) -> [String] {
        guard let listing = opendir(directory) else { return [] }
        defer { closedir(listing) }
        var paths: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { paths.append(directory + "/" + name) }
        }
        return paths
    }

    /// The whole file, if it has at most `max` bytes; nil where it cannot be read.
    static func read(_ path: String, max: Int) -> [UInt8]? {
        let file = Descriptor(open(path, O_RDONLY | O_CLOEXEC))
        var info = stat()
        guard file.number >= 0, fstat(file.number, &info) == 0, info.st_size <= max else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(file.number, $0.baseAddress?.advanced(by: offset), $0.count - offset, offset)
            }
            guard count > 0 else { return nil }
            offset += count
        }
        return bytes
    }
}
