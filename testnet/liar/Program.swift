import Devices
import Glibc

// A worker that cheats: everything is the ordinary worker's, qualification included, but what a
// paid job gives is wrong in one byte of every 256. A daemon whose `worker.path` names this program
// and whose `provider.self_check_leaves` is 0 is a provider that lies, without a line of lying code
// in it. For test networks: see testnet/demo --liar.

@main
enum Program {
    static func main() {
        guard let arguments = WorkerArguments() else {
            print("starling-liar is started by starlingd as its worker.path")
            exit(64)
        }
        // Before the confinement, which may forbid another pipe or thread.
        if arguments.stage == .run { Corruption.interpose() }
        let mechanisms = arguments.confinement.apply()
        WorkerLoop.serve(stage: arguments.stage, mechanisms: mechanisms)
    }
}

/// Stands between the worker and its supervisor: output is corrupted, replies pass.
final class Corruption {
    private static let stride = 256

    private let output: (inside: Int32, outside: Int32)
    private let replies: (inside: Int32, outside: Int32)
    private var bytes = [UInt8](repeating: 0, count: 1 << 16)
    private var position = 0

    private init() {
        self.output = Self.redirect(WorkerProtocol.outputDescriptor)
        self.replies = Self.redirect(1)
        _ = fcntl(self.output.inside, F_SETFL, O_NONBLOCK)
    }

    /// Puts pipes in the place of output and replies, and a thread behind them.
    static func interpose() {
        var thread = pthread_t()
        let started = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Corruption>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, Unmanaged.passRetained(Corruption()).toOpaque())
        guard started == 0 else { exit(1) }
    }

    /// What is written to `descriptor` comes out of `inside`; `outside` is where it went before.
    private static func redirect(_ descriptor: Int32) -> (inside: Int32, outside: Int32) {
        let outside = fcntl(descriptor, F_DUPFD_CLOEXEC, 64)
        var ends: [Int32] = [0, 0]
        guard outside >= 0, pipe(&ends) == 0, dup2(ends[1], descriptor) >= 0 else { exit(1) }
        close(ends[1])
        return (ends[0], outside)
    }

    private func run() {
        while true {
            var ready = [
                pollfd(fd: self.output.inside, events: Int16(POLLIN), revents: 0),
                pollfd(fd: self.replies.inside, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&ready, 2, -1) < 0, errno == EINTR { continue }
            guard self.passOutput() else { return }
            guard ready[1].revents != 0 else { continue }
            let count = read(self.replies.inside, &self.bytes, self.bytes.count)
            guard count > 0 else { return }
            let reply = Array(self.bytes[..<count])
            // A reply tells of output that was written before it.
            guard self.passOutput(), Self.write(reply, to: self.replies.outside) else { return }
        }
    }

    /// Passes on what there is, wrong.
    private func passOutput() -> Bool {
        while true {
            let count = read(self.output.inside, &self.bytes, self.bytes.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count < 0 && errno == EAGAIN }
            for index in 0..<count where (self.position + index) % Self.stride == 0 {
                self.bytes[index] ^= 0x55
            }
            self.position += count
            guard Self.write(Array(self.bytes[..<count]), to: self.output.outside) else {
                return false
            }
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let wrote = bytes[sent...].withUnsafeBytes {
                Glibc.write(file, $0.baseAddress, $0.count)
            }
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else { return false }
            sent += wrote
        }
        return true
    }
}
