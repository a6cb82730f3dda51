import Glibc
import Primitives

/// What is known of host names and what waits for them. Lives on the event loop.
///
/// - Bounds: `hostNamesMax` names, `lookupsMax` lookups at once, `waitingPerNameMax` datagrams for
///   each.
struct HostNames {
    /// What to do with a datagram to a host.
    enum Answer: Equatable {
        /// Send it there: 4 or 16 bytes.
        case address([UInt8])
        /// It was kept; somebody asks already.
        case waiting
        /// It was kept; ask, and say `resolved`.
        case ask
        /// It has no address, or there is no room.
        case none
    }

    /// A datagram that waits.
    struct Waiting: Equatable {
        let bytes: [UInt8]
        let key: PublicKey
        let port: UInt16
    }

    private struct Known {
        let address: [UInt8]?
        let untilMs: UInt64
    }

    private var known: [String: Known] = [:]
    private var waiting: [String: [Waiting]] = [:]

    /// Names remembered.
    var knownCount: Int { self.known.count }

    /// Looks a host up for one datagram.
    mutating func find(_ host: String, for datagram: Waiting, nowMs: UInt64) -> Answer {
        if let known = self.known[host], nowMs < known.untilMs {
            return known.address.map(Answer.address) ?? .none
        }
        if let literal = Self.literal(host) {
            self.remember(host, literal, nowMs: nowMs)
            return .address(literal)
        }
        if let count = self.waiting[host]?.count {
            guard count < waitingPerNameMax else { return .none }
            self.waiting[host]?.append(datagram)
            return .waiting
        }
        guard self.waiting.count < lookupsMax else { return .none }
        self.waiting[host] = [datagram]
        return .ask
    }

    /// A lookup is done. Returns the datagrams that waited for it.
    mutating func resolved(_ host: String, _ address: [UInt8]?, nowMs: UInt64) -> [Waiting] {
        self.remember(host, address, nowMs: nowMs)
        return self.waiting.removeValue(forKey: host) ?? []
    }

    private mutating func remember(_ host: String, _ address: [UInt8]?, nowMs: UInt64) {
        if self.known.count >= hostNamesMax {
            self.known = self.known.filter { nowMs < $1.untilMs }
            if self.known.count >= hostNamesMax { self.known = [:] }
        }
        let forMs = address == nil ? hostNameAbsentMs : hostNameFreshMs
        self.known[host] = Known(address: address, untilMs: nowMs + forMs)
    }

    /// The bytes of an IP address that is written out.
    static func literal(_ host: String) -> [UInt8]? {
        var four = [UInt8](repeating: 0, count: 4)
        if inet_pton(AF_INET, host, &four) == 1 { return four }
        var sixteen = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET6, host, &sixteen) == 1 { return sixteen }
        return nil
    }
}
