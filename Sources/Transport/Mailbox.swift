import Gossip
import NIOCore
import Primitives
import Synchronization

/// What any thread wants of the event loop.
enum Command: Sendable {
    case dial(PeerAddress, ConnectionID, Purpose)
    case close(ConnectionID, reason: String)
    case send(ConnectionID, TrafficClass, [UInt8])
    case datagram([UInt8], to: PeerAddress)
    /// The addresses of a name, 4 or 16 bytes each.
    case resolved(lookup: UInt64, [[UInt8]])
}

/// Commands on their way to the event loop: in order, and one hop for all that wait.
///
/// - Bounds: `commandBytesMax` for each connection, beyond which it is closed;
///   `commandDatagramsMax`.
final class Mailbox: Sendable {
    private struct State {
        var commands: [Command] = []
        /// Bytes that wait, by connection.
        var held: [ConnectionID: Int] = [:]
        var datagrams = 0
        var isDue = false
        /// Empties the mailbox; nil before the start and after the stop.
        var onMail: (@Sendable () -> Void)?
    }

    private let eventLoop: any EventLoop
    private let state = Mutex<State>(State())

    init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// Commands are taken from here on.
    func open(_ onMail: @escaping @Sendable () -> Void) {
        self.state.withLock { $0.onMail = onMail }
    }

    /// Nothing is taken any more; `last` runs on the event loop after what was. Does nothing if it
    /// is shut already.
    func shut(_ last: @escaping @Sendable () -> Void) {
        self.state.withLock { state in
            guard state.onMail != nil else { return }
            state.onMail = nil
            self.eventLoop.execute(last)
        }
    }

    /// Adds a command. False if it was dropped.
    @discardableResult
    func post(_ command: Command) -> Bool {
        self.state.withLock { state in
            guard let onMail = state.onMail, let command = Self.admit(command, &state) else {
                return false
            }
            state.commands.append(command)
            // Within the lock: after `shut` the event loop takes no task.
            if !state.isDue {
                state.isDue = true
                self.eventLoop.execute(onMail)
            }
            return true
        }
    }

    /// All that waits.
    func take() -> [Command] {
        self.state.withLock { state in
            defer {
                state.commands = []
                state.held = [:]
                state.datagrams = 0
                state.isDue = false
            }
            return state.commands
        }
    }

    private static func admit(_ command: Command, _ state: inout State) -> Command? {
        switch command {
        case .send(let id, _, let bytes):
            let held = state.held[id, default: 0]
            guard held <= commandBytesMax else { return nil }  // Its end waits here already.
            let sum = held + bytes.count + commandOverhead
            state.held[id] = sum
            guard sum > commandBytesMax else { return command }
            return .close(id, reason: "more than \(commandBytesMax) bytes wait for it")
        case .datagram:
            guard state.datagrams < commandDatagramsMax else { return nil }
            state.datagrams += 1
            return command
        case .dial, .close, .resolved: return command
        }
    }
}
