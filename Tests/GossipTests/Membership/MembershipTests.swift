import Gossip
import Primitives
import Testing

/// Who is dialled, who is let in, and which of two connections stays.
@Suite struct MembershipTests {
    @Test func dialsWhatIsConfiguredAndSaysHelloFirst() {
        var script = Script(peers: [Cast.address(Cast.bob), Cast.address(Cast.alice)])
        #expect(script.step(.start) == [.dial(Cast.address(Cast.bob), 2, .main)])
        let hello = Cast.hello(address: Cast.address(Cast.alice))
        #expect(
            script.step(.connected(2, peer: Cast.bob, purpose: .main, isOutbound: true))
                == [.send(2, .control, hello.canonicalBytes)])
        let claim = Cast.claim(Cast.keys[3], for: Cast.bob)
        let effects = script.receive(
            Cast.hello(height: 0, address: Cast.address(Cast.bob), claims: [claim]), on: 2)
        #expect(effects == [.up(Cast.bob), .report(.up(Cast.bob, isOutbound: true))])
        #expect(script.core.peers.map(\.key) == [Cast.bob])
        #expect(script.core.nodes(of: claim.account) == [Cast.bob])
        #expect(script.core.nodes(of: .zero) == [])
        #expect(script.wait(ms: 2_000).dials == [], "connected peers are not dialled")
    }

    @Test func tellsNewcomersOfTheOthers() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        let effects = script.meet(Cast.carol, on: 3)
        #expect(
            effects.said == [
                .peers([Cast.address(Cast.bob)]), .peers([Cast.address(Cast.carol)]),
            ])
        let dave = Cast.keys[3].publicKey
        script.receive(.peers([Cast.address(dave), Cast.address(Cast.bob, port: 9)]), on: 1)
        #expect(script.wait(ms: 500).dials == [dave])
        #expect(!script.core.knownAddresses.contains(Cast.address(Cast.bob, port: 9)))
    }

    /// Each row breaks one rule with its first message, or its second.
    @Test func violationsCloseAndBan() {
        let foreign = Cast.claim(Cast.keys[3], for: Cast.carol)
        let rows: [(name: String, messages: [(TrafficClass, [UInt8])], text: String)] = [
            (
                "status first", [(.control, PeerMessage.status(height: 1).canonicalBytes)],
                "status before hello"
            ),
            ("no message", [(.control, [])], "a message: truncated(offset: 0)"),
            (
                "an address of another",
                [(.control, Cast.hello(address: Cast.address(Cast.carol)).canonicalBytes)],
                "hello: an address of another node"
            ),
            (
                "another's claim", [(.control, Cast.hello(claims: [foreign]).canonicalBytes)],
                "hello: a claim that is not signed"
            ),
            (
                "the wrong class",
                [
                    (.control, Cast.hello().canonicalBytes),
                    (.votes, PeerMessage.status(height: 1).canonicalBytes),
                ], "status among votes"
            ),
            (
                "too many hellos",
                [(TrafficClass, [UInt8])](
                    repeating: (.control, Cast.hello().canonicalBytes), count: 10),
                "hello: too many of them"
            ),
        ]
        for row in rows {
            var script = Script(peers: [Cast.address(Cast.bob)])
            script.step(.start)
            script.step(.connected(2, peer: Cast.bob, purpose: .main, isOutbound: true))
            var effects: [Gossip.Effect] = []
            for (traffic, bytes) in row.messages {
                effects += script.step(.received(2, traffic, bytes))
            }
            #expect(effects.violations == [row.text], "\(row.name)")
            #expect(effects.closes == [row.text], "\(row.name)")
            #expect(script.core.peers.isEmpty, "\(row.name)")
            #expect(script.wait(ms: 59_000).dials == [], "\(row.name)")
            let again = Gossip.Input.connected(
                1, peer: Cast.bob, purpose: .main, isOutbound: false)
            #expect(script.step(again).closes == ["you broke a rule less than a minute ago"])
            #expect(script.wait(ms: 2_000).dials == [Cast.bob], "\(row.name)")
        }
    }

    @Test func otherNetworksAndVersionsAreTurnedAwayWithReasons() {
        var script = Script()
        script.step(.start)
        script.step(.connected(1, peer: Cast.bob, purpose: .main, isOutbound: false))
        let other = Hello(
            version: 1, genesis: GenesisID(Cast.digest("x")), height: 0, address: nil, claims: [])
        let effects = script.receive(.hello(other), on: 1)
        #expect(
            effects.closes == [
                "its genesis is \(other.genesis.short), this one's \(Cast.genesis.short)"
            ])
        #expect(effects.violations.isEmpty)
        script.step(.connected(3, peer: Cast.carol, purpose: .main, isOutbound: false))
        // A later version may say anything after its number.
        #expect(
            script.step(.received(3, .control, [0, 2, 0, 255])).closes
                == ["it speaks version 2, this node 1"])
    }

    @Test func ofTwoConnectionsTheSmallerKeysStays() {
        for meDialsFirst in [true, false] {
            for (me, peer) in [(Cast.alice, Cast.bob), (Cast.bob, Cast.alice)] {
                var script = Script(me, peers: [Cast.address(peer)])
                script.step(.start)
                let mine = Gossip.Input.connected(2, peer: peer, purpose: .main, isOutbound: true)
                let theirs = Gossip.Input.connected(
                    1, peer: peer, purpose: .main, isOutbound: false)
                var effects = script.step(meDialsFirst ? mine : theirs)
                effects += script.step(meDialsFirst ? theirs : mine)
                let kept: ConnectionID = me < peer ? 2 : 1
                let closed = effects.filter {
                    if case .close(3 - kept, _) = $0 { true } else { false }
                }
                #expect(closed.count == 1, "\(meDialsFirst) \(me < peer)")
                #expect(effects.closes.count == 1)
                let up = script.receive(Cast.hello(), on: kept)
                #expect(up.contains(.up(peer)))
                #expect(script.core.peers.first?.isOutbound == (kept == 2))
            }
        }
    }

    @Test func aPeerThatCameBackReplacesItsOldConnection() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        let effects = script.meet(Cast.bob, on: 3)
        #expect(effects.contains(.up(Cast.bob)))
        #expect(script.core.peers.count == 1)
        // Long after, even the connection that the smaller key dialled is given up.
        var other = Script(peers: [Cast.address(Cast.bob)])
        other.step(.start)
        other.step(.connected(2, peer: Cast.bob, purpose: .main, isOutbound: true))
        other.receive(Cast.hello(), on: 2)
        other.wait(ms: 6_000)
        let later = other.step(.connected(1, peer: Cast.bob, purpose: .main, isOutbound: false))
        #expect(later.contains(.close(2, reason: "replaced by another connection")))
        #expect(later.contains(.down(Cast.bob)))
    }

    @Test func backsOffAndStartsOverAfterAStableConnection() {
        var script = Script(peers: [Cast.address(Cast.bob)])
        var effects = script.step(.start)
        var dials: [UInt64] = []
        let start = script.now.ns
        while script.now.ns - start < 60_000_000_000 {
            for effect in effects {
                guard case .dial(_, let id, _) = effect else { continue }
                dials.append((script.now.ns - start) / 1_000_000)
                script.step(.closed(id, reason: "refused"))
            }
            effects = script.wait(ms: 250)
        }
        let gaps = zip(dials, dials.dropFirst()).map { $1 - $0 }
        #expect(gaps.count > 6 && gaps.count < 20, "\(gaps)")
        #expect(gaps[0] <= 500)
        #expect(gaps.dropFirst(6).allSatisfy { $0 >= 5_000 && $0 <= 10_250 }, "\(gaps)")
        // A connection that stood.
        script.meet(Cast.bob, on: 1)
        script.wait(ms: 6_000)
        script.step(.closed(1, reason: "reset"))
        #expect(script.wait(ms: 500).dials == [Cast.bob])
    }

    @Test func whatOthersTellOfIsForgottenWhatIsConfiguredIsNot() {
        let dave = Cast.keys[3].publicKey
        var script = Script(peers: [Cast.address(Cast.carol)])
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        script.receive(.peers([Cast.address(dave)]), on: 1)
        var effects = script.step(.closed(2, reason: "refused"))
        for _ in 0..<400 {
            for case .dial(_, let id, .main) in effects {
                script.step(.closed(id, reason: "refused"))
            }
            effects = script.wait(ms: 250)
        }
        let known = script.core.knownAddresses.map(\.key)
        #expect(known.contains(Cast.carol) && known.contains(Cast.bob) && !known.contains(dave))
    }

    @Test func statusIsSaidAtMostFourTimesASecond() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        #expect(script.step(.head(height: 1)).said == [.status(height: 1)])
        #expect(script.step(.head(height: 2)).said == [])
        #expect(script.step(.head(height: 3)).said == [])
        #expect(script.wait(ms: 250).said == [.status(height: 3)])
        #expect(script.wait(ms: 1_000).said == [])
        // What a newcomer heard in the hello is brought up to date while it greets.
        script.step(.connected(3, peer: Cast.carol, purpose: .main, isOutbound: false))
        #expect(script.step(.head(height: 4)).said.count == 2)
    }

    @Test func claimsThatComeLaterAreSaidAgain() {
        var script = Script()
        script.step(.start)
        script.meet(Cast.bob, on: 1)
        let claim = Cast.claim(Cast.keys[3], for: Cast.alice)
        script.step(.claims([claim]))
        let said = script.wait(ms: 250).said
        #expect(
            said == [Cast.hello(address: Cast.address(Cast.alice), claims: [claim])])
        let theirs = Cast.claim(Cast.keys[4], for: Cast.bob)
        script.receive(Cast.hello(height: 9, claims: [theirs]), on: 1)
        #expect(script.core.nodes(of: theirs.account) == [Cast.bob])
        #expect(script.core.peers.first?.height == 9)
    }

    @Test func lateHellosAndLateDialsEnd() {
        var script = Script(peers: [Cast.address(Cast.bob)])
        script.step(.start)
        script.step(.connected(1, peer: Cast.carol, purpose: .main, isOutbound: false))
        let closes = script.wait(ms: 21_000).closes
        #expect(closes == ["it took too long", "it took too long"])
        // The dial that was given up succeeds after all.
        let late = Gossip.Input.connected(2, peer: Cast.bob, purpose: .main, isOutbound: true)
        #expect(script.step(late).closes == ["not wanted any more"])
    }
}
