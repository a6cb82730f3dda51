import Testing

@testable import Transport

@Suite struct InboundGateTests {
    private let home: [UInt8] = [127, 3, 2, 1]
    private let far: [UInt8] = [192, 0, 2, 1]
    private let second: UInt64 = 1_000_000_000

    @Test func acceptsABurstAndThenARate() {
        var gate = InboundGate()
        func dialAndLeave(_ nowNs: UInt64) -> InboundGate.Refusal? {
            if let refusal = gate.admit(self.far, nowNs: nowNs) { return refusal }
            gate.establish(self.far)
            gate.leave(self.far, wasEstablished: true)
            return nil
        }
        for _ in 0..<handshakesBurst { #expect(dialAndLeave(self.second) == nil) }
        #expect(dialAndLeave(self.second) == .tooFast)
        // Refusals cost nothing: a second later, a second's worth is accepted.
        for _ in 0..<100 { #expect(dialAndLeave(self.second) == .tooFast) }
        for _ in 0..<handshakesPerSecond { #expect(dialAndLeave(2 * self.second) == nil) }
        #expect(dialAndLeave(2 * self.second) == .tooFast)
        // Another source is another bucket.
        #expect(gate.admit([192, 0, 2, 2], nowNs: 2 * self.second) == nil)
    }

    @Test func countsHalfOpenConnectionsOfOneSource() {
        var gate = InboundGate()
        for _ in 0..<halfOpenPerSourceMax { #expect(gate.admit(self.far, nowNs: 0) == nil) }
        #expect(gate.admit(self.far, nowNs: 0) == .tooManyHandshakes)
        gate.establish(self.far)
        #expect(gate.admit(self.far, nowNs: 0) == nil)
        gate.leave(self.far, wasEstablished: true)
        #expect(gate.admit(self.far, nowNs: 0) == .tooManyHandshakes)
        gate.leave(self.far, wasEstablished: false)
        #expect(gate.admit(self.far, nowNs: 0) == nil)
    }

    @Test func accountsForAWholeTestNetworkAtHome() {
        var gate = InboundGate()
        for _ in 0..<inboundMax { #expect(gate.admit(self.home, nowNs: 0) == nil) }
        #expect(gate.admit(self.home, nowNs: 0) == .tooManyConnections)
        #expect(gate.admit(self.far, nowNs: 0) == .tooManyConnections)
        gate.leave(self.home, wasEstablished: false)
        let loopback6 = [UInt8](repeating: 0, count: 15) + [1]
        #expect(gate.admit(loopback6, nowNs: 0) == nil)
    }

    @Test func halfAnIPv6AddressIsOneSource() {
        var gate = InboundGate()
        let network: [UInt8] = [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0]
        for number in 0..<UInt8(halfOpenPerSourceMax) {
            #expect(gate.admit(network + [0, 0, 0, 0, 0, 0, 0, number], nowNs: 0) == nil)
        }
        #expect(gate.admit(network + [9, 9, 9, 9, 9, 9, 9, 9], nowNs: 0) == .tooManyHandshakes)
    }

    @Test func remembersAtMostSoManySources() {
        var gate = InboundGate()
        func visit(_ number: Int, _ nowNs: UInt64) -> InboundGate.Refusal? {
            let address: [UInt8] = [10, 0, UInt8(number >> 8), UInt8(number & 255)]
            if let refusal = gate.admit(address, nowNs: nowNs) { return refusal }
            gate.leave(address, wasEstablished: false)
            return nil
        }
        for number in 0..<sourcesMax { #expect(visit(number, 0) == nil) }
        #expect(visit(sourcesMax, 0) == .tooManySources)
        // Those whose bucket is full again are forgotten.
        #expect(visit(sourcesMax, self.second) == nil)
    }
}
