/// Whom we accept: so many at once, so many before the handshake, so fast from one source.
///
/// A source is an IPv4 address or the first half of an IPv6 address. The rate is a token bucket,
/// kept as the time at which the bucket is full again.
///
/// - Bounds: `inboundMax`, `openPerSourceMax`, `halfOpenPerSourceMax`, `sourcesMax`.
package struct InboundGate: Sendable {
    /// Why a connection is closed before a byte is read.
    package enum Refusal: String, Hashable, Sendable {
        case tooManyConnections = "too many connections are open"
        case tooManyHandshakes = "too many handshakes from there at once"
        case tooFast = "too many handshakes from there each second"
        case tooManySources = "too many sources"
        case tooManyFromThere = "too many connections from there"
    }

    private struct Source {
        var fullAtNs: UInt64
        var halfOpen: Int
        var open = 0
    }

    private var sources: [[UInt8]: Source] = [:]
    private var open = 0

    package init() {}

    /// Accepts one connection from an address of 4 or 16 bytes, or says why not.
    package mutating func admit(_ address: [UInt8], nowNs: UInt64) -> Refusal? {
        guard self.open < inboundMax else { return .tooManyConnections }
        let key = Self.key(address)
        if self.sources[key] == nil, self.sources.count >= sourcesMax {
            self.sources = self.sources.filter { $1.open > 0 || $1.fullAtNs > nowNs }
            guard self.sources.count < sourcesMax else { return .tooManySources }
        }
        var source = self.sources[key] ?? Source(fullAtNs: nowNs, halfOpen: 0)
        let isLoopback = Self.isLoopback(address)
        guard isLoopback || source.halfOpen < halfOpenPerSourceMax else {
            return .tooManyHandshakes
        }
        // One machine shall not take the places of all others.
        guard isLoopback || source.open < openPerSourceMax else { return .tooManyFromThere }
        let rate = isLoopback ? loopbackHandshakesPerSecond : handshakesPerSecond
        let burst = isLoopback ? loopbackHandshakesBurst : handshakesBurst
        let intervalNs = 1_000_000_000 / rate
        let fullAtNs = max(source.fullAtNs, nowNs) + intervalNs
        guard fullAtNs - nowNs <= burst * intervalNs else { return .tooFast }
        source.fullAtNs = fullAtNs
        source.halfOpen += 1
        source.open += 1
        self.sources[key] = source
        self.open += 1
        return nil
    }

    /// The handshake of an admitted connection is done.
    package mutating func establish(_ address: [UInt8]) {
        self.sources[Self.key(address)]?.halfOpen -= 1
    }

    /// An admitted connection is gone.
    package mutating func leave(_ address: [UInt8], wasEstablished: Bool) {
        self.open -= 1
        self.sources[Self.key(address)]?.open -= 1
        if !wasEstablished { self.establish(address) }
    }

    private static func key(_ address: [UInt8]) -> [UInt8] {
        address.count == 16 ? Array(address.prefix(8)) : address
    }

    private static func isLoopback(_ address: [UInt8]) -> Bool {
        if address.count == 4 { return address[0] == 127 }
        return address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
    }
}
