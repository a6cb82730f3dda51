import Foundation
import Glibc
import Primitives

/// What the machine itself can do, measured in the same run.
enum Machine {
    /// User and system time of this process, seconds.
    static var cpuSeconds: Double {
        var usage = rusage()
        guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) / 1e6
        }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    static var wallSeconds: Double { Double(DispatchTime.now().uptimeNanoseconds) / 1e9 }

    /// The processor's name and how many there are.
    static var description: String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
        return
            "\(name ?? "unknown processor"), \(ProcessInfo.processInfo.activeProcessorCount) CPUs"
    }

    /// How often `body` can be done in a CPU-second: at least one second of it.
    private static func rate(_ body: () -> Int) -> Double {
        let start = Self.cpuSeconds
        var done = 0
        var spent = 0.0
        repeat {
            done += body()
            spent = Self.cpuSeconds - start
        } while spent < 1
        return Double(done) / spent
    }

    /// Ed25519 verifications of libsodium per CPU-second, over signatures of many keys.
    static func verifications(_ checks: [Check]) -> Double {
        var next = 0
        var wrong = 0
        let rate = Self.rate {
            for _ in 0..<200 {
                let check = checks[next % checks.count]
                if !check.key.verify(check.signature, check.digest) { wrong += 1 }
                next += 1
            }
            return 200
        }
        precondition(wrong == 0, "the signatures are right")
        return rate
    }

    /// Hashes of two digests per CPU-second: the unit of the state tree.
    static func hashes() -> Double {
        var digest = Digest.zero
        return Self.rate {
            for _ in 0..<10_000 { digest = Blake2b.pair(.statenode, .none, digest, digest) }
            return 10_000
        }
    }

    /// Synced appends of a page per second of the clock.
    static func syncs(_ folder: String) throws -> Double {
        let path = folder + "/syncs"
        let descriptor = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Failure("cannot write \(path)") }
        defer {
            close(descriptor)
            unlink(path)
        }
        let page = [UInt8](repeating: 7, count: 4096)
        let start = Self.wallSeconds
        var done = 0
        while done < 2_000, Self.wallSeconds - start < 2 {
            guard write(descriptor, page, page.count) == page.count, fdatasync(descriptor) == 0
            else { throw Failure("cannot write \(path)") }
            done += 1
        }
        return Double(done) / (Self.wallSeconds - start)
    }
}

/// One signature to verify.
struct Check: Sendable {
    let key: PublicKey
    let signature: Signature
    let digest: Digest
}

/// Why a run ended early.
struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// CPU and clock of what `body` does.
struct Stopwatch {
    private(set) var cpuSeconds = 0.0
    private(set) var wallSeconds = 0.0

    mutating func measure<T>(_ body: () throws -> T) rethrows -> T {
        let (cpu, wall) = (Machine.cpuSeconds, Machine.wallSeconds)
        defer {
            self.cpuSeconds += Machine.cpuSeconds - cpu
            self.wallSeconds += Machine.wallSeconds - wall
        }
        return try body()
    }
}
