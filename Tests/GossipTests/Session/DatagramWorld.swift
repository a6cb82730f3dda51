import Gossip
import Primitives
import Testing

/// Sockets, the network between them, and what each answered to what.
struct DatagramWorld {
    struct Flight: Hashable {
        let from: Int
        let to: Int
        let bytes: [UInt8]
    }

    struct Delivery: Hashable {
        let bytes: [UInt8]
        let peer: PublicKey
    }

    let keys: [SecretKey]
    let seeds: [Digest]
    let endpoints: [Datagrams.Endpoint]
    let epochMs: UInt64 = 1_700_000_000_000
    private(set) var sockets: [Datagrams]
    var now = Instant(ns: 1_000_000_000)
    /// On the way.
    var flights: [Flight] = []
    /// Everything that was ever sent.
    private(set) var trace: [Flight] = []
    private(set) var delivered: [[Delivery]]
    private(set) var agreements: [Int]
    private var timers: [[(timer: Datagrams.Timer, at: Instant)]]

    init(keys: [SecretKey], salt: String = "") {
        self.keys = keys
        self.seeds = keys.indices.map { SessionKeys.digest("socket \($0)\(salt)") }
        self.endpoints = keys.indices.map {
            Datagrams.Endpoint(
                address: [10, 0, UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)], port: 4_000)
        }
        self.sockets = []
        self.delivered = keys.map { _ in [] }
        self.agreements = keys.map { _ in 0 }
        self.timers = keys.map { _ in [] }
        for side in keys.indices { self.sockets.append(self.socket(side)) }
    }

    init(_ count: Int) {
        self.init(keys: (0..<count).map { SessionKeys.key(UInt8(truncatingIfNeeded: $0 + 1)) })
    }

    private func socket(_ side: Int, epochMs: UInt64? = nil, salt: String = "") -> Datagrams {
        Datagrams(
            config: Datagrams.Config(
                me: self.keys[side].publicKey, genesis: SessionKeys.genesis,
                seed: salt.isEmpty ? self.seeds[side] : SessionKeys.digest("\(side)\(salt)"),
                epochMs: epochMs ?? self.epochMs))
    }

    /// A socket forgets everything.
    mutating func restart(_ side: Int, epochMs: UInt64? = nil) {
        self.sockets[side] = self.socket(side, epochMs: epochMs, salt: "again \(self.now.ns)")
        self.timers[side] = []
    }

    mutating func feed(_ side: Int, _ input: Datagrams.Input) {
        var outbox = Outbox<Datagrams.Effect>()
        self.sockets[side].handle(input, now: self.now, into: &outbox)
        for effect in outbox.drain() {
            switch effect {
            case .write(let bytes, let endpoint):
                #expect(bytes.count <= 1_232)
                let to = self.endpoints.firstIndex(of: endpoint) ?? -1
                self.flights.append(Flight(from: side, to: to, bytes: bytes))
                self.trace.append(Flight(from: side, to: to, bytes: bytes))
            case .deliver(let bytes, let peer, at: _):
                self.delivered[side].append(Delivery(bytes: bytes, peer: peer))
            case .agree(let point, let token):
                self.agreements[side] += 1
                self.feed(side, .agreed(self.keys[side].agree(with: point), token: token))
            case .sign(let digest, let token):
                self.feed(side, .signed(self.keys[side].sign(digest), token: token))
            case .schedule(let timer, let at): self.timers[side].append((timer, at))
            }
        }
    }

    mutating func send(_ bytes: [UInt8], from: Int, to: Int) {
        self.feed(from, .send(bytes, to: self.keys[to].publicKey, at: self.endpoints[to]))
    }

    /// Hands one datagram over and says what was sent because of it.
    @discardableResult
    mutating func hand(_ flight: Flight) -> [Flight] {
        guard self.keys.indices.contains(flight.to) else { return [] }
        let before = self.trace.count
        self.feed(flight.to, .received(flight.bytes, from: self.endpoints[flight.from]))
        let answers = Array(self.trace[before...])
        let bytes = answers.map(\.bytes.count).reduce(0, +)
        // An initiator goes on with whom it sought: that is no answer to a stranger.
        if flight.bytes.first != 2 && flight.bytes.first != 3 {
            #expect(bytes <= flight.bytes.count, "amplification of \(flight.bytes.count) bytes")
        }
        return answers
    }

    /// Hands over everything that is on the way.
    mutating func step() {
        let flights = self.flights
        self.flights = []
        for flight in flights { self.hand(flight) }
    }

    /// Hands over until nothing is on the way.
    mutating func run() {
        var rounds = 0
        while !self.flights.isEmpty && rounds < 1_000 {
            self.step()
            rounds += 1
        }
        #expect(self.flights.isEmpty, "it comes to rest")
    }

    mutating func fire() {
        for side in self.keys.indices {
            let due = self.timers[side].filter { $0.at <= self.now }
            self.timers[side].removeAll { $0.at <= self.now }
            for item in due { self.feed(side, .expired(item.timer)) }
        }
    }

    mutating func advance(ms: UInt64, step: UInt64 = 500) {
        for _ in 0..<(ms / step) {
            self.now = self.now.adding(ms: step)
            self.fire()
            self.run()
        }
    }

    /// First messages of strangers that nobody will confirm; their answers are lost.
    mutating func flood(_ side: Int, _ count: Int) {
        for number in 0..<count {
            let stranger = SessionKeys.digest("stranger \(number) \(self.now.ns)").bytes
            guard let key = SecretKey(seed: stranger) else { continue }
            var world = DatagramWorld(keys: [key, self.keys[side]], salt: "\(number)")
            world.now = self.now
            world.send([1], from: 0, to: 1)
            let endpoint = Datagrams.Endpoint(address: [192, 0, 2, UInt8(number % 250)], port: 9)
            for flight in world.flights {
                self.feed(side, .received(flight.bytes, from: endpoint))
            }
        }
        self.flights.removeAll { $0.to == -1 }
    }
}

extension DatagramWorld {
    /// A guest from elsewhere shakes hands with one socket and sends one byte; true if it came.
    static func meet(
        _ guest: inout Datagrams, _ key: SecretKey, _ world: inout DatagramWorld, _ side: Int,
        from address: [UInt8]
    ) -> Bool {
        let here = Datagrams.Endpoint(address: address, port: 5)
        var inputs: [Datagrams.Input] = [
            .send([9], to: world.keys[side].publicKey, at: world.endpoints[side])
        ]
        let before = world.delivered[side].count
        for _ in 0..<40 where !inputs.isEmpty {
            var outbox = Outbox<Datagrams.Effect>()
            guest.handle(inputs.removeFirst(), now: world.now, into: &outbox)
            for effect in outbox.drain() {
                switch effect {
                case .agree(let point, let token):
                    inputs.append(.agreed(key.agree(with: point), token: token))
                case .sign(let digest, let token):
                    inputs.append(.signed(key.sign(digest), token: token))
                case .write(let bytes, _):
                    let sent = world.trace.count
                    world.feed(side, .received(bytes, from: here))
                    for answer in world.trace[sent...] {
                        inputs.append(.received(answer.bytes, from: world.endpoints[side]))
                    }
                    world.flights.removeAll { $0.to == -1 }
                case .deliver, .schedule: continue
                }
            }
        }
        return world.delivered[side].count == before + 1
    }
}
