package import Gossip
import Synchronization

/// What a transport has done since it started.
package struct TransportCounters: Hashable, Sendable {
    /// Messages of one class in one direction.
    package struct Traffic: Hashable, Sendable {
        package var messages: UInt64 = 0
        /// Of the messages themselves, without seals and frames.
        package var bytes: UInt64 = 0

        package init() {}

        mutating func add(_ count: Int) {
            self.messages &+= 1
            self.bytes &+= UInt64(count)
        }
    }

    private var received = [Traffic](repeating: Traffic(), count: TrafficClass.allCases.count)
    private var sent = [Traffic](repeating: Traffic(), count: TrafficClass.allCases.count)
    /// Bytes on the wire over TCP, seals and frames included.
    package var streamBytesReceived: UInt64 = 0
    package var streamBytesSent: UInt64 = 0
    /// Connections, either side's, whose handshake succeeded.
    package var handshakes: UInt64 = 0
    /// Connections that ended before.
    package var handshakesFailed: UInt64 = 0
    /// Dials that reached nobody.
    package var dialsFailed: UInt64 = 0
    /// Connections that were closed before a byte was read: too many, or too fast.
    package var refused: UInt64 = 0
    /// Sealed datagrams and handshakes of datagrams on the wire, and their bytes.
    package var datagramsReceived: UInt64 = 0
    package var datagramBytesReceived: UInt64 = 0
    package var datagramsSent: UInt64 = 0
    package var datagramBytesSent: UInt64 = 0
    /// Datagrams that found no room or no address.
    package var datagramsDropped: UInt64 = 0

    package init() {}

    /// Messages that came.
    package func received(_ traffic: TrafficClass) -> Traffic {
        self.received[Int(traffic.rawValue)]
    }

    /// Messages that were handed to a connection.
    package func sent(_ traffic: TrafficClass) -> Traffic { self.sent[Int(traffic.rawValue)] }

    mutating func countReceived(_ traffic: TrafficClass, _ bytes: Int) {
        self.received[Int(traffic.rawValue)].add(bytes)
    }

    mutating func countSent(_ traffic: TrafficClass, _ bytes: Int) {
        self.sent[Int(traffic.rawValue)].add(bytes)
    }
}

/// Counters that the event loop writes and anybody reads.
final class Tally: Sendable {
    private let counters = Mutex<TransportCounters>(TransportCounters())

    var now: TransportCounters { self.counters.withLock { $0 } }

    func count(_ change: (inout TransportCounters) -> Void) {
        self.counters.withLock { change(&$0) }
    }
}
