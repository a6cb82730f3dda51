internal import Glibc

/// The system's monotonic clock, and words for its errors.
enum Clock {
    /// Nanoseconds since some start.
    static var nowNs: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The reading in `ms` milliseconds, or the end of time.
    static func after(ms: UInt64) -> UInt64 {
        let (ns, overflow) = ms.multipliedReportingOverflow(by: 1_000_000)
        let (sum, beyond) = Self.nowNs.addingReportingOverflow(overflow ? .max : ns)
        return beyond ? .max : sum
    }

    /// Milliseconds until `deadline`, rounded up, for poll(2).
    static func pollMs(until deadline: UInt64) -> Int32 {
        let now = Self.nowNs
        guard deadline > now else { return 0 }
        return Int32(clamping: min((deadline - now) / 1_000_000 + 1, 60_000))
    }

    /// The system's text for an errno.
    static func errorText(_ error: Int32) -> String {
        "\(String(cString: strerror(error))) (errno \(error))"
    }
}

/// Functions of the C library that its headers show to GNU sources only; looked up once.
enum GNU {
    typealias Pipe = @convention(c) (UnsafeMutablePointer<Int32>, Int32) -> Int32
    typealias Memory = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
    typealias CloseFrom =
        @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
    typealias OpenProcess = @convention(c) (pid_t, UInt32) -> Int32
    typealias Signal = @convention(c) (Int32, Int32, UnsafeMutableRawPointer?, UInt32) -> Int32

    private static let pipeFunction: Pipe? = Self.find("pipe2")
    private static let memoryFunction: Memory? = Self.find("memfd_create")
    private static let closeFunction: CloseFrom? = Self.find(
        "posix_spawn_file_actions_addclosefrom_np")
    private static let openFunction: OpenProcess? = Self.find("pidfd_open")
    private static let signalFunction: Signal? = Self.find("pidfd_send_signal")

    static func pipe2(_ ends: UnsafeMutablePointer<Int32>, _ flags: Int32) -> Int32 {
        guard let function = Self.pipeFunction else { return Self.absent() }
        return function(ends, flags)
    }

    static func memfdCreate(_ name: String, _ flags: UInt32) -> Int32 {
        guard let function = Self.memoryFunction else { return Self.absent() }
        return function(name, flags)
    }

    /// Closes every descriptor from `first` on in a spawned process; an error number, or 0.
    static func closeFrom(
        _ actions: UnsafeMutablePointer<posix_spawn_file_actions_t>, _ first: Int32
    ) -> Int32 {
        guard let function = Self.closeFunction else { return ENOSYS }
        return function(actions, first)
    }

    static func pidfdOpen(_ process: pid_t) -> Int32 {
        guard let function = Self.openFunction else { return Self.absent() }
        return function(process, 0)
    }

    static func pidfdSignal(_ handle: Int32, _ signal: Int32) {
        _ = Self.signalFunction?(handle, signal, nil, 0)
    }

    private static func absent() -> Int32 {
        errno = ENOSYS
        return -1
    }

    private static func find<F>(_ name: String) -> F? {
        dlsym(nil, name).map { unsafeBitCast($0, to: F.self) }
    }
}

/// A file descriptor with one owner.
final class Descriptor: @unchecked Sendable {
    // Written by the owning thread only.
    private(set) var number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { self.close() }

    /// Closes it now; later calls do nothing.
    func close() {
        guard self.number >= 0 else { return }
        Glibc.close(self.number)
        self.number = -1
    }

    /// A pipe, both ends closed on exec.
    static func pipe() throws(ExecutorError) -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard GNU.pipe2(&ends, O_CLOEXEC) == 0 else { throw .system("pipe2", errno) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }

    /// Lets a pipe hold a MiB, where the system gives that much.
    func widen() {
        _ = fcntl(self.number, 1031, 1 << 20)  // F_SETPIPE_SZ
    }

    /// Reads and writes return at once.
    func makeNonblocking() {
        _ = fcntl(self.number, F_SETFL, fcntl(self.number, F_GETFL) | O_NONBLOCK)
    }

    /// An anonymous file with these bytes.
    static func memory(_ bytes: [UInt8]) throws(ExecutorError) -> Descriptor {
        let number = GNU.memfdCreate("starling-input", 1)  // MFD_CLOEXEC
        guard number >= 0 else { throw .system("memfd_create", errno) }
        let file = Descriptor(number)
        defer { file.close() }
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(file.number, $0.baseAddress?.advanced(by: offset), bytes.count - offset)
            }
            guard count > 0 else { throw .system("write", errno) }
            offset += count
        }
        // The worker gets a second, read-only opening: the one that wrote is closed.
        let reader = open("/proc/self/fd/\(file.number)", O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { throw .system("open", errno) }
        return Descriptor(reader)
    }
}

/// Tells a supervisor to stop; readable once told.
final class Cancellation: Sendable {
    private let ends: (read: Descriptor, write: Descriptor)?

    init() {
        let made: (read: Descriptor, write: Descriptor)?
        do throws(ExecutorError) { made = try Descriptor.pipe() } catch { made = nil }
        made?.write.makeNonblocking()
        self.ends = made
    }

    /// The end to poll; -1 (which poll ignores) where the system had no pipe left.
    var descriptor: Int32 { self.ends?.read.number ?? -1 }

    var isCancelled: Bool {
        var entry = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 1 && entry.revents & Int16(POLLIN) != 0
    }

    func cancel() {
        guard let end = self.ends?.write else { return }
        var byte: UInt8 = 1
        _ = write(end.number, &byte, 1)
    }
}

/// A thread for one supervisor.
enum SupervisorThread {
    private final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread with every signal blocked: a closed pipe is then an error.
    /// False where the system has no thread left; `body` is then dropped.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Box(body))
        let status = pthread_create(
            &thread, nil,
            { argument in
                var signals = sigset_t()
                sigfillset(&signals)
                pthread_sigmask(SIG_BLOCK, &signals, nil)
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        guard status == 0 else {
            box.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
