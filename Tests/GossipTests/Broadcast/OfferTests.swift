import Gossip
import Primitives
import Testing

/// Offers travel by datagram, are repeated, and end.
@Suite struct OfferTests {
    @Test func isSaidEveryTwoSecondsAndWithdrawnThrice() {
        var script = Script(peers: [Cast.address(Cast.bob)])
        script.step(.start)
        let offer = PeerDatagram.offer(Cast.advert).canonicalBytes
        let address = Cast.address(Cast.bob)
        #expect(script.step(.offer(Cast.advert)) == [.datagram(offer, to: address)])
        #expect(script.step(.offer(Cast.advert)) == [])
        func datagrams(_ effects: [Gossip.Effect]) -> [[UInt8]] {
            effects.compactMap { if case .datagram(let bytes, _) = $0 { bytes } else { nil } }
        }
        #expect(datagrams(script.wait(ms: 6_000)) == [offer, offer, offer])
        let none = PeerDatagram.noOffer.canonicalBytes
        #expect(script.step(.offer(nil)) == [.datagram(none, to: address)])
        #expect(datagrams(script.wait(ms: 20_000)) == [none, none])
        var loud = Cast.advert
        loud.device = String(repeating: "x", count: 65)
        #expect(script.step(.offer(loud)) == [.report(.unsendable("offer"))])
    }

    @Test func isSeenOnceAndExpires() {
        var script = Script(peers: [Cast.address(Cast.bob)])
        script.step(.start)
        let bytes = PeerDatagram.offer(Cast.advert).canonicalBytes
        #expect(
            script.step(.datagram(bytes, from: Cast.bob))
                == [.report(.offerSeen(Cast.advert, from: Cast.bob))])
        #expect(script.step(.datagram(bytes, from: Cast.bob)) == [])
        #expect(script.step(.datagram(bytes, from: Cast.carol)) == [], "a stranger's")
        script.meet(Cast.bob, on: 1)
        #expect(script.core.peers.first?.offer == Cast.advert)
        script.wait(ms: 8_000)
        script.step(.datagram(bytes, from: Cast.bob))
        #expect(!script.wait(ms: 8_000).contains(.report(.offerGone(Cast.bob))))
        #expect(script.wait(ms: 4_000).contains(.report(.offerGone(Cast.bob))))
        script.step(.datagram(bytes, from: Cast.bob))
        let none = PeerDatagram.noOffer.canonicalBytes
        #expect(
            script.step(.datagram(none, from: Cast.bob)) == [.report(.offerGone(Cast.bob))])
        #expect(script.core.standingOffers.isEmpty)
        #expect(script.step(.datagram([1], from: Cast.bob)).violations.count == 1)
        #expect(script.core.peers.isEmpty)
    }

    @Test func reachAllThroughLoss() {
        var mesh = Mesh(4, seed: 1) { $0 == 0 ? [] : [0] }
        mesh.datagramLossPercent = 50
        mesh.start([0, 1, 2, 3])
        mesh.give(1, .offer(Cast.advert))
        mesh.run(ms: 20_000)
        let provider = Cast.keys[1].publicKey
        for node in [0, 2, 3] {
            #expect(mesh.members[node].offersSeen.first == provider)
            #expect(mesh.members[node].core.standingOffers.map(\.key) == [provider])
        }
        mesh.kill(1)
        mesh.run(ms: 12_000)
        for node in [0, 2, 3] { #expect(mesh.members[node].core.standingOffers.isEmpty) }
    }
}
