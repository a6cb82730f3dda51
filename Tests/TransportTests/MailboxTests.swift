import Gossip
import NIOCore
import NIOPosix
import Primitives
import Synchronization
import Testing

@testable import Transport

@Suite struct MailboxTests {
    private let peer = PeerAddress(key: .blank, host: "127.0.0.1", port: 1)

    @Test func keepsTheOrderAndTakesNothingWhenShut() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let mailbox = Mailbox(eventLoop: group.next())
        #expect(!mailbox.post(.close(2, reason: "too early")))
        let log = Log()
        mailbox.open { for command in mailbox.take() { log.add("\(command)") } }
        let wanted = (0..<1000).map { Command.close(ConnectionID($0), reason: "") }
        for command in wanted { #expect(mailbox.post(command)) }
        mailbox.shut { log.add("last") }
        mailbox.shut { log.add("never") }
        #expect(!mailbox.post(.close(2, reason: "too late")))
        try await group.shutdownGracefully()
        #expect(log.lines == wanted.map { "\($0)" } + ["last"])
    }

    @Test func aConnectionForWhichTooMuchWaitsIsClosed() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let mailbox = Mailbox(eventLoop: group.next())
        mailbox.open {}
        let bytes = [UInt8](repeating: 0, count: commandBytesMax / 4)
        for _ in 0..<3 { #expect(mailbox.post(.send(2, .sync, bytes))) }
        #expect(mailbox.post(.send(4, .sync, bytes)), "another connection has its own bound")
        #expect(mailbox.post(.send(2, .sync, bytes)), "the close takes its place")
        #expect(!mailbox.post(.send(2, .votes, [1])))
        let taken = mailbox.take()
        #expect(taken.count == 5)
        guard case .close(2, _) = taken.last else {
            Issue.record("no close")
            return
        }
        #expect(mailbox.post(.send(2, .votes, [1])), "the count starts again")
        try await group.shutdownGracefully()
    }

    @Test func datagramsBeyondTheBoundAreDropped() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let mailbox = Mailbox(eventLoop: group.next())
        mailbox.open {}
        for _ in 0..<commandDatagramsMax {
            #expect(mailbox.post(.datagram([1], to: self.peer)))
        }
        #expect(!mailbox.post(.datagram([1], to: self.peer)))
        #expect(mailbox.post(.close(2, reason: "")))
        #expect(mailbox.take().count == commandDatagramsMax + 1)
        try await group.shutdownGracefully()
    }

    private final class Log: Sendable {
        private let state = Mutex<[String]>([])
        func add(_ line: String) { self.state.withLock { $0.append(line) } }
        var lines: [String] { self.state.withLock { $0 } }
    }
}
