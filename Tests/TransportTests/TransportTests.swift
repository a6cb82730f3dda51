import Gossip
import Primitives
import Testing

@testable import Transport

@Suite(.serialized) struct TransportTests {
    /// The id of the dialling side, and that of the accepting side.
    private func connect(
        _ from: Party, _ to: Party, _ id: ConnectionID, _ purpose: Purpose = .main,
        after known: [ConnectionID] = []
    ) async throws -> ConnectionID {
        from.transport.dial(to.address, id, purpose)
        let accepted = try #require(await to.recorder.connected(after: known))
        #expect(
            await from.recorder.wait {
                $0.contains(
                    .connected(id, peer: to.key.publicKey, purpose: purpose, isOutbound: true))
            })
        #expect(
            to.recorder.events.contains(
                .connected(
                    accepted, peer: from.key.publicKey, purpose: purpose, isOutbound: false)))
        #expect(accepted % 2 == 1)
        return accepted
    }

    @Test func carriesMessagesOfAllClassesBothWays() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            let main = try await self.connect(alice, bob, 2)
            let blobs = try await self.connect(alice, bob, 4, .blobs, after: [main])
            for traffic in TrafficClass.allCases {
                let (here, there): (ConnectionID, ConnectionID) =
                    traffic == .blobs ? (4, blobs) : (2, main)
                let question = [UInt8](repeating: traffic.rawValue, count: 100)
                let answer = [UInt8](repeating: 0xFF - traffic.rawValue, count: 200)
                alice.transport.send(here, traffic, question)
                #expect(
                    await bob.recorder.wait { $0.contains(.received(there, traffic, question)) },
                    "\(traffic)")
                bob.transport.send(there, traffic, answer)
                #expect(
                    await alice.recorder.wait { $0.contains(.received(here, traffic, answer)) },
                    "\(traffic)")
                #expect(alice.transport.counters.sent(traffic).messages == 1)
                #expect(alice.transport.counters.received(traffic).bytes == 200)
                #expect(bob.transport.counters.received(traffic).bytes == 100)
            }
            #expect(alice.transport.counters.handshakes == 2)
            #expect(bob.transport.counters.handshakes == 2)
            #expect(bob.transport.counters.streamBytesReceived > 600)
        }
    }

    @Test func carriesALargeMessage() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            let accepted = try await self.connect(alice, bob, 2)
            let large = (0..<2 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            alice.transport.send(2, .blocks, large)
            bob.transport.send(accepted, .blocks, large)
            #expect(await bob.recorder.wait { $0.contains(.received(accepted, .blocks, large)) })
            #expect(await alice.recorder.wait { $0.contains(.received(2, .blocks, large)) })
        }
    }

    @Test func keepsTheOrderWithinAClass() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            let accepted = try await self.connect(alice, bob, 2)
            let classes: [TrafficClass] = [.transactions, .votes, .blocks]
            let sent = (0..<UInt64(2000)).map { number -> [UInt8] in
                var encoder = Encoder()
                encoder.u64(number)
                return encoder.bytes + [UInt8](repeating: 0x5A, count: Int(number % 400))
            }
            for first in stride(from: 0, to: sent.count, by: 50) {
                for bytes in sent[first..<first + 50] {
                    for traffic in classes { alice.transport.send(2, traffic, bytes) }
                }
                // No more waits than a session may queue.
                for traffic in classes {
                    #expect(
                        await bob.recorder.wait {
                            Recorder.messages(accepted, traffic, $0).count >= first + 50
                        })
                }
            }
            for traffic in classes {
                #expect(bob.recorder.messages(accepted, traffic) == sent, "\(traffic)")
            }
        }
    }

    @Test func reportsEachEndOnce() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            let accepted = try await self.connect(alice, bob, 2)
            alice.transport.close(2, reason: "enough")
            alice.transport.close(2, reason: "again")
            alice.transport.send(2, .votes, [1])
            #expect(await alice.recorder.closed(2) == "enough")
            #expect(await bob.recorder.closed(accepted) != nil)

            // Nobody listens there.
            let nobody = PeerAddress(key: bob.key.publicKey, host: "127.0.0.1", port: 1)
            alice.transport.dial(nobody, 4, .main)
            #expect(await alice.recorder.closed(4) != nil)
            // No such name, and a dial that is given up.
            let nameless = PeerAddress(key: bob.key.publicKey, host: "none.invalid", port: 9)
            alice.transport.dial(nameless, 6, .main)
            alice.transport.close(6, reason: "given up")
            #expect(await alice.recorder.closed(6) == "given up")

            // A name of this machine; all that was reported before was reported once.
            alice.transport.dial(bob.address(at: "localhost"), 8, .main)
            #expect(await bob.recorder.connected(after: [accepted]) != nil)
            #expect([2, 4, 6].map { alice.recorder.endCount($0) } == [1, 1, 1])
            #expect(bob.recorder.endCount(accepted) == 1)
            #expect(alice.transport.counters.dialsFailed == 1)
        }
    }

    @Test func exchangesDatagrams() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            for (number, host) in ["127.0.0.1", "localhost"].enumerated() {
                for (from, to) in [(alice, bob), (bob, alice)] {
                    let bytes = [UInt8](repeating: UInt8(number), count: 1000)
                    let event = Transport.Event.datagram(bytes, from: from.key.publicKey)
                    // A datagram may be lost, and handshakes have their pace.
                    var arrived = false
                    for _ in 0..<600 where !arrived {
                        from.transport.datagram(bytes, to: to.address(at: host))
                        try await Task.sleep(for: .milliseconds(100))
                        arrived = to.recorder.events.contains(event)
                    }
                    #expect(arrived, "\(host)")
                }
            }
            #expect(alice.transport.counters.datagramsSent > 0)
            #expect(bob.transport.counters.datagramsReceived > 0)
        }
    }

    @Test func datagramsThatTheSystemRefusesHarmNobody() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            for host in ["255.255.255.255", "0.0.0.0", "224.0.0.1", "::1", "none.invalid", ""] {
                for port: UInt16 in [0, 9] {
                    alice.transport.datagram(
                        [1], to: PeerAddress(key: bob.key.publicKey, host: host, port: port))
                }
            }
            // Another key than the first two: those handshakes wait for an answer.
            let carol = try await Party.start(3)
            var arrived = false
            for _ in 0..<600 where !arrived {
                alice.transport.datagram([7], to: carol.address)
                try await Task.sleep(for: .milliseconds(100))
                arrived = !Recorder.datagrams(carol.recorder.events).isEmpty
            }
            #expect(arrived)
            await carol.transport.stop()
        }
    }

    @Test func stopLeavesNothing() async throws {
        let alice = try await Party.start(1)
        let bob = try await Party.start(2)
        let accepted = try await self.connect(alice, bob, 2)
        let port = alice.transport.port
        alice.transport.dial(bob.address, 4, .blobs)
        await alice.transport.stop()
        await alice.transport.stop()
        #expect(alice.recorder.endCount(2) == 1)
        #expect(alice.recorder.endCount(4) <= 1)
        #expect(await bob.recorder.closed(accepted) != nil)
        let count = alice.recorder.events.count
        // Too late, and harmless.
        alice.transport.send(2, .votes, [1])
        alice.transport.dial(bob.address, 6, .main)
        alice.transport.close(2, reason: "late")
        alice.transport.datagram([1], to: bob.address)
        await #expect(throws: (any Error).self) {
            try await onThread { _ = try RawSocket(port) }
        }
        // The ports are free for the next, unless the system lent them to somebody meanwhile.
        var next: Party?
        for _ in 0..<200 where next == nil {
            next = try? await Party.start(1, port: port)
            if next == nil { try await Task.sleep(for: .milliseconds(50)) }
        }
        let again = try #require(next)
        #expect(again.transport.port == port)
        _ = try await self.connect(again, bob, 2, after: bob.connectedIDs)
        await again.transport.stop()
        await bob.transport.stop()
        #expect(alice.recorder.events.count == count)
    }

    @Test func portsThatAreTakenAreRefused() async throws {
        let alice = try await Party.start(1)
        do {
            _ = try await Party.start(2, port: alice.transport.port)
            Issue.record("two transports at one port")
        } catch let error as TransportError {
            #expect(error.code == .cannotBindDatagrams)
            #expect(error.errno != 0)
            #expect(error.description.contains("127.0.0.1:\(alice.transport.port)"))
        }
        await alice.transport.stop()
    }

    @Test func socketsThatTheSystemClosesComeBack() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            let accepted = try await self.connect(alice, bob, 2)
            let switchboard = bob.transport.switchboard
            try await switchboard.eventLoop.submit {
                switchboard.value.listener?.close(promise: nil)
                switchboard.value.datagrams.channel?.close(promise: nil)
            }.get()
            // What was connected stays.
            alice.transport.send(2, .votes, [1])
            #expect(await bob.recorder.wait { $0.contains(.received(accepted, .votes, [1])) })
            var id: ConnectionID = 2
            var isBack = false
            for _ in 0..<600 where !isBack {
                id += 2
                alice.transport.dial(bob.address, id, .blobs)
                alice.transport.datagram([3], to: bob.address)
                try await Task.sleep(for: .milliseconds(100))
                isBack =
                    bob.connectedIDs.count > 1
                    && !Recorder.datagrams(bob.recorder.events).isEmpty
            }
            #expect(isBack)
        }
    }

    @Test func dialsWithoutListening() async throws {
        let bob = try await Party.start(2)
        let alice = try await Party.start(1, isListening: false)
        _ = try await self.connect(alice, bob, 2)
        bob.transport.dial(alice.address, 2, .main)
        #expect(await bob.recorder.closed(2) != nil)
        await alice.transport.stop()
        await bob.transport.stop()
    }
}

extension Party {
    /// Every connection that was reported.
    var connectedIDs: [ConnectionID] {
        self.recorder.events.compactMap {
            if case .connected(let id, _, _, _) = $0 { id } else { nil }
        }
    }
}
