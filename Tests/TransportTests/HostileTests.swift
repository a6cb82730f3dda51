import Dispatch
import Gossip
import Primitives
import Testing

@testable import Transport

@Suite(.serialized) struct HostileTests {
    @Test func anotherKeyIsRefused() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            let wrong = PeerAddress(
                key: Party.key(9).publicKey, host: "127.0.0.1", port: bob.transport.port)
            alice.transport.dial(wrong, 2, .main)
            #expect(await alice.recorder.closed(2) != nil)
            #expect(alice.connectedIDs.isEmpty && bob.connectedIDs.isEmpty)
            #expect(alice.transport.counters.handshakesFailed == 1)
            #expect(bob.recorder.events.isEmpty, "an id that was never reported has no end")
        }
    }

    @Test func anotherChainIsRefused() async throws {
        let alice = try await Party.start(1)
        let other = GenesisID(Blake2b.hash(.genesis, .none, Array("another".utf8)))
        let bob = try await Party.start(2, genesis: other)
        alice.transport.dial(bob.address, 2, .main)
        #expect(await alice.recorder.closed(2) != nil)
        #expect(alice.connectedIDs.isEmpty && bob.connectedIDs.isEmpty)
        for _ in 0..<5 { alice.transport.datagram([1, 2, 3], to: bob.address) }
        #expect(
            await bob.recorder.wait { _ in bob.transport.counters.datagramsReceived > 0 })
        await alice.transport.stop()
        await bob.transport.stop()
        #expect(Recorder.datagrams(bob.recorder.events).isEmpty)
    }

    @Test func garbageEndsItsConnectionAndNoOther() async throws {
        try await Party.run(2) { parties in
            let (alice, bob) = (parties[0], parties[1])
            alice.transport.dial(bob.address, 2, .main)
            let accepted = try #require(await bob.recorder.connected())
            let port = bob.transport.port
            let samples: [[UInt8]] = [
                Array("GET / HTTP/1.1\r\n\r\n".utf8) + [UInt8](repeating: 65, count: 4096),
                [UInt8](repeating: 0, count: 100_000),
                [UInt8](repeating: 0xFF, count: 100_000),
                (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) },
            ]
            for sample in samples {
                let ended = try await onThread {
                    let socket = try RawSocket(port)
                    socket.write(sample)
                    return socket.readToEnd() != nil
                }
                #expect(ended)
            }
            alice.transport.send(2, .votes, [7])
            #expect(await bob.recorder.wait { $0.contains(.received(accepted, .votes, [7])) })
            #expect(bob.connectedIDs == [accepted])
            #expect(bob.recorder.endCount(accepted) == 0)
        }
    }

    @Test func halfOpenConnectionsAreDropped() async throws {
        try await Party.run(1) { parties in
            let port = parties[0].transport.port
            let read = try await onThread {
                let silent = try RawSocket(port)
                // A first byte alone is no handshake either.
                let slow = try RawSocket(port)
                slow.write([0])
                return [silent.readToEnd(), slow.readToEnd()]
            }
            #expect(read == [0, 0])
            #expect(parties[0].recorder.events.isEmpty)
            #expect(parties[0].transport.counters.handshakesFailed >= 2)
        }
    }

    @Test func noMoreThanTheLimitAreAccepted() async throws {
        try await Party.run(1) { parties in
            let transport = parties[0].transport
            let ended = try await onThread {
                let sockets = try (0..<inboundMax + 8).map { _ in
                    try RawSocket(transport.port)
                }
                // Closed at once; the first ones only when their handshake takes too long.
                return withExtendedLifetime(sockets) { sockets[inboundMax + 7].readToEnd() }
            }
            #expect(ended == 0)
            #expect(transport.counters.refused >= 1)
        }
    }

    @Test func aPeerThatStopsReadingIsClosed() async throws {
        let gate = DispatchSemaphore(value: 0)
        // Its event loop hangs in the first message.
        let bob = try await Party.start(2) { event in
            if case .received = event { gate.wait() }
        }
        let alice = try await Party.start(1)
        alice.transport.dial(bob.address, 2, .main)
        let isUp = await alice.recorder.connected() == 2
        #expect(isUp)
        // Far more than all buffers on the way hold.
        let message = [UInt8](repeating: 1, count: 65_536)
        for _ in 0..<4096 where isUp && alice.recorder.endCount(2) == 0 {
            alice.transport.send(2, .blocks, message)
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(await alice.recorder.closed(2) != nil)
        #expect(alice.recorder.endCount(2) == 1)
        for _ in 0..<8192 { gate.signal() }
        await alice.transport.stop()
        await bob.transport.stop()
    }
}
