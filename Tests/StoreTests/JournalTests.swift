import Glibc
import Primitives
import Store
import Testing

@Suite struct JournalTests {
    private func open(_ directory: Directory) throws -> Store {
        try Store(directory: directory.path, genesis: network, options: small)
    }

    private func vote(_ number: UInt8, _ count: Int = 40) -> Journal.Record {
        Journal.Record(.votes, [UInt8](repeating: number, count: count))
    }

    @Test func keepsTheLatestOfEachKey() throws {
        let directory = Directory()
        let key = Digest(fill(32, 9)).proven("32 bytes")
        do {
            let store = try self.open(directory)
            try store.journal.append([self.vote(1)])
            try store.journal.append([
                self.vote(2), Journal.Record(.block, key: key, fill(9000, 1)),
            ])
            try store.journal.append([self.vote(3)])
            #expect(store.journal.record(.votes) == self.vote(3).bytes)
        }
        do {
            let store = try self.open(directory)
            #expect(
                store.journal.records == [
                    Journal.Record(.block, key: key, fill(9000, 1)), self.vote(3),
                ])
            store.journal.forget(.block, keys: [key])
            try store.journal.rewrite()
        }
        let store = try self.open(directory)
        #expect(store.journal.records == [self.vote(3)])
    }

    /// Cut off or changed at every byte of the last frame: the last record is lost, no other; and
    /// the journal goes on.
    @Test func losesOnlyATornTail() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            for number in UInt8(1)...3 { try store.journal.append([self.vote(number)]) }
        }
        let start = 3 * 4096
        let end = start + 56 + 37 + 40
        let file = try directory.bytes("journal/0")
        for offset in start..<end {
            for isFlip in [true, false] {
                if isFlip {
                    try directory.flip("journal/0", at: offset)
                } else {
                    try directory.truncate("journal/0", to: offset)
                }
                do {
                    let store = try self.open(directory)
                    #expect(store.journal.records == [self.vote(2)], "byte \(offset) \(isFlip)")
                    if offset % 16 == 0 { try store.journal.append([self.vote(4)]) }
                }
                if offset % 16 == 0 {
                    let store = try self.open(directory)
                    #expect(store.journal.records == [self.vote(4)])
                }
                try directory.write("journal/0", file)
            }
        }
    }

    /// Damage to what was promised earlier is no torn tail: the journal is refused.
    @Test func refusesDamageInTheMiddle() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            for number in UInt8(1)...3 { try store.journal.append([self.vote(number)]) }
        }
        for offset in [0, 4, 30, 4096, 4096 + 4, 4096 + 60, 2 * 4096 + 100] {
            try directory.flip("journal/0", at: offset)
            #expect(code { _ = try self.open(directory) } == .damaged, "byte \(offset)")
            try directory.flip("journal/0", at: offset)
        }
        #expect(try self.open(directory).journal.records == [self.vote(3)])
    }

    /// Files take turns when settled records fill one.
    @Test func switchesFiles() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            for number in 0..<700 {
                try store.journal.append([self.vote(UInt8(number % 256), 30)])
            }
        }
        #expect(try directory.bytes("journal/0").count < 6 << 20)
        #expect(try directory.bytes("journal/1").count < 6 << 20)
        #expect(try self.open(directory).journal.records == [self.vote(UInt8(699 % 256), 30)])
    }

    /// Death at each step of a switch: the records are there all the same.
    @Test func survivesADeathWhileSwitching() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            try store.journal.append([self.vote(1)])
        }
        let before = try directory.copy()
        do { try self.open(directory).journal.rewrite() }
        let newFile = try directory.bytes("journal/1")
        // The other file, half written.
        for count in [0, 1, 55, 56, 90, 100, 4096, newFile.count] {
            let crashed = try before.copy()
            try crashed.write("journal/1", Array(newFile.prefix(count)))
            let store = try self.open(crashed)
            #expect(store.journal.records == [self.vote(1)], "after \(count) bytes")
            try store.journal.append([self.vote(2)])
        }
        #expect(try self.open(directory).journal.records == [self.vote(1)])
        try directory.flip("journal/1", at: 60)  // The old file is wiped: no stale vote comes back.
        #expect(code { _ = try self.open(directory) } == .damaged)
    }

    /// A disk that takes no more: the error is said, nothing more is promised, and what was
    /// promised before is there after a restart (attack 12).
    @Test func aDiskThatRefusesIsAnError() async throws {
        await #expect(processExitsWith: .success) {
            let directory = Directory()
            do {
                let store = try Store(directory: directory.path, genesis: network, options: small)
                try store.journal.append([Journal.Record(.votes, [1])])
                try store.chain.append([block(1)])
                signal(SIGXFSZ, SIG_IGN)
                var limit = rlimit(rlim_cur: 1 << 20, rlim_max: rlim_t.max)
                setrlimit(__rlimit_resource_t(1), &limit)  // RLIMIT_FSIZE
                let large = Journal.Record(.block, fill(5 << 20, 1))
                precondition(code { try store.journal.append([large]) } == .system)
                precondition(code { try store.chain.append([block(2, bodyBytes: 2 << 20)]) } != nil)
                precondition(code { _ = try store.blobs.put(fill(2 << 20, 1)) } == .system)
                precondition(store.chain.last == 1 && store.blobs.usedBytes == 0)
                limit.rlim_cur = rlim_t.max
                setrlimit(__rlimit_resource_t(1), &limit)
                try store.journal.append([Journal.Record(.votes, [2])])
            }
            let store = try Store(directory: directory.path, genesis: network, options: small)
            precondition(store.journal.records == [Journal.Record(.votes, [2])])
            precondition(store.chain.last == 1)
            let first = try store.chain.block(at: 1)
            precondition(first == block(1))
            try store.chain.append([block(2)])
        }
    }

    @Test func oldFramesOfAFileAreNotRead() throws {
        let directory = Directory()
        do {
            let store = try self.open(directory)
            for number in UInt8(1)...9 { try store.journal.append([self.vote(number)]) }
            try store.journal.rewrite()
            try store.journal.rewrite()
            try store.journal.append([self.vote(10)])
        }
        #expect(try self.open(directory).journal.records == [self.vote(10)])
    }
}
