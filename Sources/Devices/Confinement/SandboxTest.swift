internal import COpenCL
internal import Glibc
internal import Primitives

/// Tries, inside the sandbox, what must not work there.
package enum SandboxTest {
    /// Every attempt with its end. Attempts that succeed change nothing.
    package static func run(stage: WorkerStage) -> [SandboxAttempt] {
        var attempts = [
            Self.read("/etc/passwd"), Self.read("/etc/hostname"), Self.list("/root"),
            Self.list("/home"), Self.list("/var"), Self.write("/usr/starling-test"),
            Self.write("/etc/starling-test"), Self.write("/starling-test"),
            Self.call("open an internet socket", SYS_socket, 2, 1, 0),
            Self.call("open a Unix socket", SYS_socket, 1, 1, 0),
            Self.call("open a netlink socket", SYS_socket, 16, 3, 0),
            Self.call("trace a process", SYS_ptrace, 16, 1, 0),
            Self.call("mount", SYS_mount, 0, 0, 0),
            Self.call("make a user name space", SYS_unshare, 0x1000_0000, 0, 0),
            Self.call("signal another process", SYS_kill, 1, 0, 0),
            Self.call("load a bpf program", SYS_bpf, 0, 0, 0),
            Self.call("use the key ring", SYS_keyctl, 0, -4, 0),
            Self.call("use io_uring", SYS_io_uring_setup, 1, 0, 0),
            Self.raise(),
        ]
        if stage == .run {
            attempts.append(Self.start())
            attempts.append(Self.fork())
        }
        return attempts
    }

    private static func ended(_ name: String, _ result: Int) -> SandboxAttempt {
        let code = errno
        guard result < 0 else { return SandboxAttempt(name, wasDenied: false, "it worked") }
        return SandboxAttempt(name, wasDenied: true, String(cString: strerror(code)))
    }

    /// Only EPERM is the filter's answer: other errors say that the call was reached.
    private static func call(
        _ name: String, _ number: Int32, _ a: Int, _ b: Int, _ c: Int
    ) -> SandboxAttempt {
        let result = starling_syscall(Int(number), a, b, c, 0, 0)
        let code = errno
        if result >= 0 { return SandboxAttempt(name, wasDenied: false, "it worked") }
        return SandboxAttempt(
            name, wasDenied: code == EPERM || code == EACCES || code == ENOSYS,
            String(cString: strerror(code)))
    }

    private static func read(_ path: String) -> SandboxAttempt {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        defer { if file >= 0 { close(file) } }
        return Self.ended("read \(path)", Int(file))
    }

    private static func list(_ path: String) -> SandboxAttempt {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if directory >= 0 { close(directory) } }
        return Self.ended("list \(path)", Int(directory))
    }

    private static func write(_ path: String) -> SandboxAttempt {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        let attempt = Self.ended("write \(path)", Int(file))
        if file >= 0 {
            close(file)
            unlink(path)
        }
        return attempt
    }

    /// A program that does not exist: a worker that may start programs is told ENOENT.
    private static func start() -> SandboxAttempt {
        var path = Array("/usr/bin/starling-no-such-program".utf8CString)
        let result = path.withUnsafeMutableBytes {
            starling_syscall(Int(SYS_execve), Int(bitPattern: $0.baseAddress), 0, 0, 0, 0)
        }
        let code = errno
        return SandboxAttempt(
            "start a program", wasDenied: result < 0 && code == EPERM,
            String(cString: strerror(code)))
    }

    private static func raise() -> SandboxAttempt {
        let pair: [UInt64] = [1 << 40, 1 << 40]
        let result = pair.withUnsafeBytes {
            starling_syscall(Int(SYS_prlimit64), 0, 4, Int(bitPattern: $0.baseAddress), 0, 0)
        }
        return Self.ended("raise a limit", result)
    }

    private static func fork() -> SandboxAttempt {
        // SIGCHLD alone: a plain fork.
        let child = starling_syscall(Int(SYS_clone), 17, 0, 0, 0, 0)
        let code = errno
        if child == 0 { _exit(0) }
        guard child < 0 else { return SandboxAttempt("fork", wasDenied: false, "it worked") }
        return SandboxAttempt("fork", wasDenied: code == EPERM, String(cString: strerror(code)))
    }
}
