internal import Glibc

/// How a process ended.
enum ExitStatus: Hashable {
    case code(Int32)
    case signal(Int32)
    /// It was killed and has not gone away: a driver holds it inside the kernel.
    case stuck

    /// The signal that ended the worker; bubblewrap passes it on as 128 + signal.
    var signal: Int32? {
        switch self {
        case .signal(let signal): signal
        case .code(let code) where code > 128 && code < 192: code - 128
        case .code, .stuck: nil
        }
    }

    /// Words for people.
    var text: String {
        switch self {
        case .stuck: return "it does not end: its driver is stuck"
        case .code, .signal:
            switch self.signal {
            case SIGABRT: return "it aborted (signal 6): the driver or the C library gave up"
            case SIGSEGV, SIGBUS: return "it accessed memory it does not have (signal 11 or 7)"
            case SIGKILL: return "it was killed (signal 9): processor limit or no memory left"
            case SIGXCPU: return "it used up its processor time (signal 24)"
            case SIGXFSZ: return "it wrote a file beyond its limit (signal 25)"
            case SIGSYS: return "it made a forbidden system call (signal 31)"
            case .some(let signal): return "signal \(signal) ended it"
            case nil:
                guard case .code(let code) = self else { return "it ended" }
                return "it exited with code \(code)"
            }
        }
    }
}

/// A child process that leads a process group, with the first process of its sandbox.
///
/// Used by one thread: the one that started it, which must outlive it.
final class Child {
    /// The process and its group.
    let process: pid_t
    /// The first process inside the sandbox as this side sees it, once known.
    private var inner: pid_t?
    private var innerHandle: Descriptor?
    private var status: ExitStatus?

    /// Starts a program with these descriptors (source here, number there) and nothing else open.
    ///
    /// - Throws: ``ExecutorError/Code/system`` with the errno.
    init(
        path: String, arguments: [String], environment: [String],
        descriptors: [(source: Int32, target: Int32)]
    ) throws(ExecutorError) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Moved out of the way first: a source may have the number of another's target.
        var moved: [Descriptor] = []
        defer { for copy in moved { copy.close() } }
        for (source, target) in descriptors {
            let copy = fcntl(source, F_DUPFD_CLOEXEC, 256)
            guard copy >= 0 else { throw .system("fcntl", errno) }
            moved.append(Descriptor(copy))
            posix_spawn_file_actions_adddup2(&actions, copy, target)
        }
        let first = (descriptors.map(\.target).max() ?? 2) + 1
        let closing = GNU.closeFrom(&actions, first)
        guard closing == 0 else {
            throw .system("posix_spawn_file_actions_addclosefrom_np", closing)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var argv = ([path] + arguments).map { strdup($0) } + [nil]
        var envp = environment.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var process: pid_t = 0
        let error = posix_spawn(&process, path, &actions, &attributes, &argv, &envp)
        guard error == 0 else { throw .system("posix_spawn", error) }
        self.process = process
    }

    /// Remembers the first process of the sandbox, so that its end can be awaited and forced.
    func adopt(inner process: pid_t) {
        guard self.inner == nil, process > 1 else { return }
        self.inner = process
        let handle = GNU.pidfdOpen(process)
        if handle >= 0 { self.innerHandle = Descriptor(handle) }
    }

    /// Kills the process group and the sandbox.
    ///
    /// The kernel kills every process of a process name space with its first, and bubblewrap's dies
    /// with bubblewrap; saying it twice costs nothing.
    func kill() {
        guard self.status == nil else { return }
        Glibc.kill(-self.process, SIGKILL)
        Glibc.kill(self.process, SIGKILL)
        if let handle = self.innerHandle { GNU.pidfdSignal(handle.number, SIGKILL) }
    }

    /// The status if the process has ended.
    func poll() -> ExitStatus? {
        if let status = self.status { return status }
        var raw: Int32 = 0
        let ended = waitpid(self.process, &raw, WNOHANG)
        // Where the program ignores SIGCHLD the system reaps by itself, and no status is left.
        if ended < 0, errno == ECHILD { self.status = .code(0) }
        guard ended == self.process else { return self.status }
        let signal = raw & 0x7f
        self.status = signal == 0 ? .code(raw >> 8 & 0xff) : .signal(signal)
        return self.status
    }

    /// Waits for the end of the process and of its sandbox; kills at the deadline.
    ///
    /// - Returns: ``ExitStatus/stuck`` five seconds after a kill without effect; a thread then
    ///   waits
    ///   to reap the process whenever it ends.
    func reap(deadline: UInt64) -> ExitStatus {
        var limit = deadline
        var wasKilled = false
        while true {
            if let status = self.poll() {
                self.awaitInner()
                return status
            }
            if Clock.nowNs >= limit {
                guard !wasKilled else { break }
                self.kill()
                wasKilled = true
                limit = Clock.after(ms: 5_000)
            }
            usleep(500)
        }
        let process = self.process
        _ = SupervisorThread.start {
            var raw: Int32 = 0
            waitpid(process, &raw, 0)
        }
        self.status = .stuck
        return .stuck
    }

    /// Waits until the sandbox's first process is gone, and with it all others there.
    private func awaitInner() {
        let deadline = Clock.after(ms: 5_000)
        if let handle = self.innerHandle {
            var entry = pollfd(fd: handle.number, events: Int16(POLLIN), revents: 0)
            _ = Glibc.poll(&entry, 1, Clock.pollMs(until: deadline))
            return
        }
        guard let inner = self.inner else { return }
        while Glibc.kill(inner, 0) == 0, Clock.nowNs < deadline { usleep(500) }
    }
}
