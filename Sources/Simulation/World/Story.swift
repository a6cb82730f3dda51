import Primitives

/// A run in sentences.
///
/// - Bounds: the last `linesMax` are kept.
struct Story {
    static let linesMax = 20_000

    let isTold: Bool
    private(set) var lines: [String] = []

    init(isTold: Bool) { self.isTold = isTold }

    mutating func add(_ sentence: String, at ns: UInt64) {
        if self.lines.count >= Self.linesMax { self.lines.removeFirst(Self.linesMax / 4) }
        self.lines.append("\(Self.time(ns))  \(sentence)")
    }

    /// Seconds with milliseconds, in a column.
    static func time(_ ns: UInt64) -> String {
        let ms = String(ns / 1_000_000 % 1_000)
        let seconds = String(ns / 1_000_000_000)
        let pad = String(repeating: " ", count: max(0, 4 - seconds.count))
        return pad + seconds + "." + String(repeating: "0", count: 3 - ms.count) + ms + " s"
    }
}

/// The running hash over everything that happened.
struct EventLog {
    private var hash = Blake2b(.generator, .none)
    private(set) var count: UInt64 = 0

    var digest: Digest {
        let copy = self.hash
        return copy.finish()
    }

    mutating func add(_ event: World.Event, at ns: UInt64) {
        self.count += 1
        self.hash.update(u64: ns)
        switch event {
        case .input(let host, let generation, _): self.note(1, host, generation)
        case .timer(let host, let generation, _): self.note(2, host, generation)
        case .chainDone(let host, let generation): self.note(3, host, generation)
        case .written(let host, _, let lane): self.note(4, host, lane.rawValue)
        case .dialled(let number, let target): self.note(5, number, target)
        case .dialAnswered(let number, let accepted): self.note(6, number, accepted ? 1 : 0)
        case .arrived(let number, let end): self.note(7, number, end)
        case .stalled(let number, let stalls): self.note(8, number, stalls)
        case .datagram(let bytes, let sender, let target):
            self.note(9, sender, target)
            self.note(bytes)
        case .crash(let crash): self.note(10, crash.host, 0)
        case .start(let host): self.note(11, host, 0)
        case .cut(let partition), .mend(let partition):
            self.note(12, Int(clamping: partition.side), 0)
        case .heal: self.note(13, 0, 0)
        case .person(let index): self.note(14, index, 0)
        case .audit: self.note(15, 0, 0)
        case .poll: self.note(16, 0, 0)
        }
    }

    /// Bytes that somebody said.
    mutating func note(_ bytes: [UInt8]) {
        self.hash.update(u64: UInt64(clamping: bytes.count))
        self.hash.update(bytes)
    }

    private mutating func note(_ kind: UInt8, _ first: Int, _ second: Int) {
        self.hash.update(u8: kind)
        self.hash.update(u64: UInt64(clamping: first))
        self.hash.update(u64: UInt64(clamping: second))
    }
}
