import Gossip
import Primitives
import Testing

/// `KEY@HOST:PORT` as people type it.
@Suite struct PeerAddressTests {
    private let key = Cast.alice

    @Test func readsAndWritesBack() throws {
        let texts = [
            "\(self.key.hex)@example.org:7000", "\(self.key.hex)@192.0.2.1:1",
            "\(self.key.hex)@[2001:db8::1]:65535", "\(self.key.hex)@[fe80::1%eth0]:80",
        ]
        for text in texts {
            let address = try PeerAddress(text: text)
            #expect(address.description == text)
            #expect(address.key == self.key)
            #expect(try PeerAddress(canonical: address.canonicalBytes) == address)
        }
    }

    @Test func saysWhatItExpected() {
        let key = self.key.hex
        let rows: [(text: String, expected: String)] = [
            ("", "KEY@HOST:PORT"), ("example.org:7000", "KEY@HOST:PORT"),
            ("abc@example.org:7000", "a node key of 64 lower-case hexadecimal digits before @"),
            (
                key.uppercased() + "@a:1",
                "a node key of 64 lower-case hexadecimal digits before @"
            ),
            ("\(key)00@a:1", "a node key of 64 lower-case hexadecimal digits before @"),
            ("\(key)@example.org", "HOST:PORT after @"),
            ("\(key)@::1:7000", "an IPv6 address in brackets, as in [::1]:7000"),
            ("\(key)@[example.org]:7000", "an IPv6 address in brackets"),
            ("\(key)@example.org:0", "a port from 1 to 65535 after the last colon"),
            ("\(key)@example.org:+1", "a port from 1 to 65535 after the last colon"),
            ("\(key)@example.org:65536", "a port from 1 to 65535 after the last colon"),
            ("\(key)@example.org:", "a port from 1 to 65535 after the last colon"),
            ("\(key)@:7000", "a host of 1 to 255 letters, digits, dots, colons or hyphens"),
            ("\(key)@a b:7000", "a host of 1 to 255 letters, digits, dots, colons or hyphens"),
            ("\(key)@a@b:7000", "a host of 1 to 255 letters, digits, dots, colons or hyphens"),
            (
                "\(key)@\(String(repeating: "a", count: 256)):7000",
                "a host of 1 to 255 letters, digits, dots, colons or hyphens"
            ),
        ]
        for row in rows {
            do throws(PeerAddressError) {
                let address = try PeerAddress(text: row.text)
                Issue.record("\(row.text) is read as \(address)")
            } catch {
                #expect(error.expected == row.expected, "\(row.text)")
                #expect(error.found.count <= 80)
            }
        }
    }
}
