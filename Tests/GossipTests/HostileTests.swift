import Gossip
import Primitives
import Testing

/// Whatever arrives in whatever order: no trap, and every answer bounded.
@Suite struct HostileTests {
    @Test func anythingInAnyOrder() {
        var violations = 0
        var fetched = 0
        for seed in UInt64(0)..<30 {
            var chaos = Chaos(seed: seed)
            for _ in 0..<4_000 {
                let effects = chaos.script.step(chaos.input())
                #expect(effects.count <= 5_000, "seed \(seed)")
                chaos.note(effects)
                violations += effects.violations.count
                fetched += effects.count {
                    if case .fetched = $0 { true } else { false }
                }
            }
            #expect(chaos.script.core.peers.count <= Gossip.neighborsMax)
        }
        #expect(violations > 0 && fetched > 0, "the chaos gets somewhere")
    }

    @Test func theBookIsBoundedAndIntroductionsComeFirst() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        var filler = Generator(seed: Cast.digest("book"))
        for _ in 0..<4 {
            let keys = (0..<256).map { _ in PublicKey(filler.bytes(32)).proven("32 bytes") }
            script.receive(.peers(keys.map { Cast.address($0) }), on: 1)
        }
        #expect(script.core.knownAddresses.count == 256)
        script.meet(Cast.carol, on: 3)
        #expect(script.core.knownAddresses.map(\.key).contains(Cast.carol))
        #expect(script.core.knownAddresses.count == 256)
        #expect(script.wait(ms: 250).dials.count == 32)
    }

    @Test func peersAreBounded() {
        var script = Script()
        script.step(.start)
        var filler = Generator(seed: Cast.digest("crowd"))
        var refused = 0
        for index in 0..<300 {
            let key = PublicKey(filler.bytes(32)).proven("32 bytes")
            let id = ConnectionID(2 * index + 1)
            let effects = script.step(
                .connected(id, peer: key, purpose: .main, isOutbound: false))
            if effects.closes == ["too many peers"] { refused += 1 }
            script.receive(Cast.hello(), on: id)
        }
        #expect(script.core.peers.count == 192 && refused == 108)
        #expect(script.core.peers.map(\.key) == script.core.peers.map(\.key).sorted())
    }

    @Test func ownMessagesKeepTheirBounds() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        let rows: [PeerMessage] = [
            .consensus([UInt8](repeating: 0, count: PeerMessage.consensusBytesMax + 1)),
            .block([UInt8](repeating: 0, count: PeerMessage.blockBytesMax + 1)),
            .direct(to: .zero, [UInt8](repeating: 0, count: PeerMessage.directBytesMax + 1)),
            .wantRange(from: 0, count: 65),
            .peers([PeerAddress(key: Cast.bob, host: "", port: 1)]),
        ]
        for message in rows {
            #expect(
                script.step(.send(message, to: Cast.bob))
                    == [.report(.unsendable(message.name))])
            #expect(script.step(.broadcast(message)) == [.report(.unsendable(message.name))])
            #expect(script.step(.send(message, to: Cast.carol)) == [])
        }
    }
}

/// Seeded inputs of every kind: some plausible, some never.
private struct Chaos {
    var script: Script
    private var filler: MessageFiller
    private var ids: [ConnectionID] = [1, 2, 3]
    private var dials: [Gossip.Input] = []
    private var answers: [Gossip.Input] = []
    private var odd: ConnectionID = 1
    private let bytes = Cast.blob(50_000)

    init(seed: UInt64) {
        self.script = Script(
            peers: [Cast.address(Cast.bob), Cast.address(Cast.carol)], seed: "chaos \(seed)")
        self.filler = MessageFiller(seed: Cast.digest("chaos \(seed)"))
    }

    private mutating func below(_ bound: Int) -> Int {
        Int(self.filler.random.below(UInt64(bound)))
    }

    private mutating func key() -> PublicKey { Cast.keys[self.below(8)].publicKey }

    private mutating func id() -> ConnectionID { self.ids[self.below(self.ids.count)] }

    private mutating func number() -> UInt64 {
        let edges: [UInt64] = [0, 1, 2, 3, 7, 64, 1_000, 1 << 40, .max - 1, .max]
        return edges[self.below(edges.count)]
    }

    /// Remembers what an honest driver would answer.
    mutating func note(_ effects: [Gossip.Effect]) {
        for effect in effects {
            switch effect {
            case .dial(let address, let id, let purpose):
                self.ids.append(id)
                self.dials.append(
                    .connected(id, peer: address.key, purpose: purpose, isOutbound: true))
            case .openBlob(let blob, let description):
                let none = [Bool](repeating: false, count: description.groups.count)
                self.answers.append(.blobOpened(blob, present: none))
            case .writeBlob(let blob, _, _, isLast: true):
                self.answers.append(.blobDone(blob, true))
            case .send(let id, .blobs, let bytes):
                self.answerBlobs(id, bytes)
            default: break
            }
        }
        if self.ids.count > 24 { self.ids.removeFirst(self.ids.count - 24) }
    }

    private mutating func answerBlobs(_ id: ConnectionID, _ bytes: [UInt8]) {
        let groups = BlobGroups(of: self.bytes)
        let answer: BlobMessage
        switch Self.decoded(bytes) {
        case .describe(let blob, let from):
            let digests = Array(groups.digests[Int(min(from, 4))...])
            answer = .description(blob, bytes: groups.bytes, from: from, digests)
        case .want(let blob, let group):
            let start = Int(group) * BlobGroups.bytesPerGroup
            guard start < self.bytes.count else { return }
            let end = min(self.bytes.count, start + BlobGroups.bytesPerGroup)
            answer = .group(blob, group: group, Array(self.bytes[start..<end]))
        case .description, .group, .absent, nil: return
        }
        self.answers.append(.received(id, .blobs, answer.canonicalBytes))
    }

    private static func decoded(_ bytes: [UInt8]) -> BlobMessage? {
        do { return try BlobMessage(canonical: bytes) } catch { return nil }
    }

    mutating func input() -> Gossip.Input {
        if self.below(40) == 0 { self.script.now = self.script.now.adding(ms: 30_000) }
        self.script.now = self.script.now.adding(ms: UInt64(self.below(200)))
        switch self.below(22) {
        case 0: return .start
        case 1, 2:
            self.odd += 2
            self.ids.append(self.odd)
            let purpose: Purpose = self.below(2) == 0 ? .main : .blobs
            return .connected(self.odd, peer: self.key(), purpose: purpose, isOutbound: false)
        case 3, 4: return self.dials.popLast() ?? .expired(.tick)
        case 5: return .closed(self.id(), reason: "chaos")
        case 6, 7:
            let address = self.below(3) == 0 ? nil : Cast.address(self.key())
            let hello = Cast.hello(height: self.number(), address: address)
            return .received(self.id(), .control, hello.canonicalBytes)
        case 8, 9, 10: return self.noise()
        case 11: return .datagram(self.filler.datagram().canonicalBytes, from: self.key())
        case 12: return .head(height: self.number())
        case 13: return .catchUp(above: self.number())
        case 14:
            let (bytes, id) = Cast.transaction(self.below(500))
            return .transaction(bytes, id: id, isOwn: self.below(2) == 0)
        case 15: return .offer(self.below(2) == 0 ? nil : Cast.advert)
        case 16:
            let blob = self.below(3) == 0 ? BlobID(.zero) : BlobHasher.id(self.bytes)
            return .fetch(blob, bytesMax: self.number(), token: self.number())
        case 17: return .blobRead(BlobID(.zero), group: self.number(), [], token: self.number())
        case 18: return .blobDescribed(BlobID(.zero), nil, token: self.number())
        case 19: return .blobOpened(BlobHasher.id(self.bytes), present: [true])
        default: return self.answers.popLast() ?? .expired(.tick)
        }
    }

    private mutating func noise() -> Gossip.Input {
        let id = self.id()
        switch self.below(3) {
        case 0: return .received(id, .blobs, self.filler.blobMessage().canonicalBytes)
        case 1:
            let message = self.filler.peerMessage()
            return .received(id, message.traffic, message.canonicalBytes)
        default: return .received(id, .sync, self.filler.random.bytes(self.below(60)))
        }
    }
}
