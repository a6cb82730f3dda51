import Glibc
import Primitives
import Testing

@testable import Transport

@Suite struct HostNamesTests {
    private let datagram = HostNames.Waiting(bytes: [1], key: .blank, port: 9)

    @Test func writtenAddressesNeedNoLookup() {
        var names = HostNames()
        #expect(names.find("10.1.2.3", for: self.datagram, nowMs: 0) == .address([10, 1, 2, 3]))
        let six = [UInt8](repeating: 0, count: 15) + [1]
        #expect(names.find("::1", for: self.datagram, nowMs: 0) == .address(six))
    }

    @Test func aNameIsAskedForOnceAndBelievedForAWhile() {
        var names = HostNames()
        #expect(names.find("a.test", for: self.datagram, nowMs: 0) == .ask)
        for _ in 1..<waitingPerNameMax {
            #expect(names.find("a.test", for: self.datagram, nowMs: 0) == .waiting)
        }
        #expect(names.find("a.test", for: self.datagram, nowMs: 0) == HostNames.Answer.none)
        let waited = names.resolved("a.test", [1, 2, 3, 4], nowMs: 5)
        #expect(waited.count == waitingPerNameMax)
        let end = 5 + hostNameFreshMs
        #expect(
            names.find("a.test", for: self.datagram, nowMs: end - 1) == .address([1, 2, 3, 4]))
        #expect(names.find("a.test", for: self.datagram, nowMs: end) == .ask)
        #expect(names.resolved("a.test", nil, nowMs: end).count == 1)
        #expect(names.find("a.test", for: self.datagram, nowMs: end) == HostNames.Answer.none)
        #expect(names.find("a.test", for: self.datagram, nowMs: end + hostNameAbsentMs) == .ask)
    }

    @Test func lookupsAtOnceAreBounded() {
        var names = HostNames()
        for number in 0..<lookupsMax {
            #expect(names.find("n\(number).test", for: self.datagram, nowMs: 0) == .ask)
        }
        #expect(names.find("more.test", for: self.datagram, nowMs: 0) == HostNames.Answer.none)
        #expect(names.resolved("n0.test", nil, nowMs: 0).count == 1)
        #expect(names.find("more.test", for: self.datagram, nowMs: 0) == .ask)
    }

    @Test func namesRememberedAreBounded() {
        var names = HostNames()
        for number in 0..<hostNamesMax * 3 {
            let host = "10.0.\(number >> 8).\(number & 255)"
            #expect(names.find(host, for: self.datagram, nowMs: 0) != HostNames.Answer.none)
        }
        #expect(names.knownCount <= hostNamesMax)
    }

    @Test func theSystemKnowsThisMachine() {
        #expect(NameLookups.system("localhost", AF_INET).contains([127, 0, 0, 1]))
        #expect(NameLookups.system("none.invalid", AF_INET) == [])
        #expect(NameLookups.system("", AF_INET6) == [])
    }
}
