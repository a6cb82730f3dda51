import Primitives
import Testing

@testable import Control

@Suite struct JSONTextTests {
    @Test func readsWhatItWrites() throws {
        let value = JSON.object(
            ("a", .array([.null, .bool(true), .bool(false)])),
            ("text", .string("\u{0}\u{1F}\"\\/é\u{1F980}\n\t\u{7F}")),
            ("least", .number(.min)), ("most", .number(.max)), ("nothing", .object()),
            ("precise", .decimal("1.50")))
        #expect(try JSONText.parse(value.text) == value)
        #expect(try JSONText.parse(value.prettyText) == value)
        #expect(JSONBytes.of(value) == Array(value.text.utf8))
    }

    @Test func keepsNumbersExact() throws {
        let rows: [(String, JSON)] = [
            ("0", .number(0)), ("-1", .number(-1)), ("-0", .decimal("-0")),
            ("9223372036854775807", .number(.max)),
            ("9223372036854775808", .decimal("9223372036854775808")),
            ("1.0", .decimal("1.0")), ("1e3", .decimal("1e3")), ("-2.5E-7", .decimal("-2.5E-7")),
        ]
        for (text, value) in rows { #expect(try JSONText.parse(text) == value, "\(text)") }
    }

    @Test func readsEscapes() throws {
        #expect(
            try JSONText.parse(#""\u00e9\ud83e\udd80\/\b\f\n\r\t\"\\""#)
                == .string("é\u{1F980}/\u{8}\u{C}\n\r\t\"\\"))
    }

    @Test func refuses() {
        let rows = [
            "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}", "{\"a\":1 \"b\":2}", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN",
            "tru", "nul", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "1 2", "[] []", "\u{FEFF}1", "'a'",
            "{\"a\":1,\"a\":1}", "{\"\\u0061\":1,\"a\":1}", "// c\n1",
        ]
        for text in rows {
            #expect(throws: JSONTextError.self, "\(text)") { try JSONText.parse(text) }
        }
        let notUTF8: [[UInt8]] = [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
        ]
        for bytes in notUTF8 {
            #expect(throws: JSONTextError.self) { try JSONText.parse(bytes) }
        }
    }

    @Test func boundsItsDepth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[{\"a\":", count: depth / 2) + "1"
                + String(repeating: "}]", count: depth / 2)
        }
        _ = try JSONText.parse(nested(Control.depthMax))
        #expect(throws: JSONTextError.self) { try JSONText.parse(nested(Control.depthMax + 2)) }
        #expect(throws: JSONTextError.self) {
            try JSONText.parse(String(repeating: "[", count: 4 << 20))
        }
    }

    /// Mutated texts either fail or are read to a value that is read back the same.
    @Test func neverTrapsWhateverTheBytes() throws {
        let seed = Array(
            #"{"jsonrpc":"2.0","id":7,"params":{"a":[1,-2.5e3,"\u00e9\ud83e\udd80 é",null,true]}}"#
                .utf8)
        var generator = Generator(seed: .zero)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...generator.below(4) {
                let at = Int(generator.below(UInt64(bytes.count)))
                switch generator.below(4) {
                case 0: bytes[at] = UInt8(generator.below(256))
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(seed[Int(generator.below(UInt64(seed.count)))], at: at)
                default: bytes.removeLast(Int(generator.below(UInt64(bytes.count))))
                }
                if bytes.isEmpty { bytes = [0x7B] }
            }
            guard let value = try? JSONText.parse(bytes) else { continue }
            accepted += 1
            #expect(try JSONText.parse(value.text) == value)
            #expect(JSONBytes.of(value) == Array(value.text.utf8))
            _ = try? RequestLine(value)
        }
        #expect(accepted > 100, "the mutations reach beyond the first byte")
    }
}
