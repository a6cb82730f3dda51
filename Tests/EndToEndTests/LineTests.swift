import Control
import Foundation
import Primitives
import Testing

extension EndToEndTests {
    /// What is no request, or not quite.
    @Suite struct LineTests {
        private func expectRefused(_ line: [UInt8], _ code: Int, _ words: String) throws {
            let wire = try Wire(try TestDaemon.current)
            let reply = try wire.ask(line)
            let error = ControlError(json: try #require(reply["error"], "\(words)"))
            #expect(reply["id"] == .null)
            #expect(error.code == code, "\(words): \(error.message)")
            #expect(error.message.contains(words), "\(error.message)")
        }

        @Test func noJSON() throws {
            let cases: [(String, String)] = [
                ("{\"a\":", "a value expected (byte 5)"), ("nonsense", "(byte 1)"),
                ("{} {}", "end of the text expected (byte 3)"), ("[1,]", "a value expected"),
                ("{\"a\":1,\"a\":2}", "a name occurs twice"), ("\"\\ud800\"", "a lone surrogate"),
                ("01", "end of the text"), ("\u{feff}{}", "a value expected (byte 0)"),
                ("\"a\tb\"", "a control character"), ("\u{0}", "a value expected (byte 0)"),
            ]
            for (text, words) in cases {
                try self.expectRefused(Array(text.utf8), -32700, words)
            }
            try self.expectRefused([0x22, 0xff, 0xfe, 0x22], -32700, "not UTF-8")
            try self.expectRefused([0x22, 0xc0, 0x80, 0x22], -32700, "not UTF-8")
            try self.expectRefused([0x22, 0xed, 0xa0, 0x80, 0x22], -32700, "not UTF-8")
            let deep = [UInt8](repeating: 0x5b, count: 100_000)
            try self.expectRefused(deep, -32700, "nested too deeply")
            let objects = String(repeating: "{\"a\":", count: 1_000)
            try self.expectRefused(Array(objects.utf8), -32700, "nested too deeply")
        }

        @Test func noRequest() throws {
            let cases: [(String, String)] = [
                ("1", "an object expected"), ("[]", "an empty batch"),
                ("{\"id\":null}", "jsonrpc: \"2.0\" expected"),
                ("{\"jsonrpc\":\"2.0\",\"id\":null}", "method: a string expected"),
                ("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":7}", "method: a string expected"),
            ]
            for (text, words) in cases {
                try self.expectRefused(Array(text.utf8), -32600, words)
            }
            let many = "[" + String(repeating: "1,", count: 9_999) + "1]"
            try self.expectRefused(Array(many.utf8), -32600, "a batch of 10000; 64 are the most")
            let wire = try Wire(try TestDaemon.current)
            let reply = try wire.ask(
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"node.status\",\"params\":[1]}")
            let error = ControlError(json: try #require(reply["error"]))
            #expect(error.code == -32602 && error.detail("path") == "params")
        }

        @Test func long() throws {
            let wire = try Wire(try TestDaemon.current)
            // Two MiB are within the bound of a line.
            let text = JSON.string(String(repeating: "a", count: 2 << 20))
            let reply = try wire.ask(
                Wire.line(id: .number(1), "node.status", .object(("x", text))))
            #expect(ControlError(json: try #require(reply["error"])).code == -32602)
            #expect(try wire.ask(Wire.line(id: .number(2), "node.status"))["result"] != nil)
            // Beyond it the line is refused and the connection ends, before the line does.
            wire.write([UInt8](repeating: 0x61, count: 5 << 20))
            let last = try #require(try wire.reply()?["error"])
            #expect(ControlError(json: last).message.contains("longer than 4194304 bytes"))
            #expect(try wire.reply() == nil)
        }

        @Test func notifications() throws {
            let wire = try Wire(try TestDaemon.current)
            wire.write(
                Array(
                    """
                    {"jsonrpc":"2.0","method":"node.status"}
                    {"jsonrpc":"2.0","method":"no.such"}
                    [{"jsonrpc":"2.0","method":"node.status"}]

                    {"jsonrpc":"2.0","id":"é","method":"wallet.list"}

                    """.utf8))
            let reply = try #require(try wire.reply())
            #expect(reply["id"] == .string("é"), "none of the others is answered")
            let mixed = try wire.ask(
                "[1,{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wallet.list\"},"
                    + "{\"jsonrpc\":\"2.0\",\"method\":\"wallet.list\"}]")
            #expect(mixed.arrayValue?.count == 2)
        }

        @Test func halfALine() throws {
            for _ in 0..<20 {
                let wire = try Wire(try TestDaemon.current)
                wire.write(Array("{\"jsonrpc\":\"2.0\",\"id\":1,\"meth".utf8))
            }
            // A call whose asker goes away before the answer.
            for _ in 0..<20 {
                let wire = try Wire(try TestDaemon.current)
                wire.write(Array((Wire.line(id: .number(1), "rpc.discover") + "\n").utf8))
            }
            let wire = try Wire(try TestDaemon.current)
            #expect(try wire.ask(Wire.line(id: .number(1), "node.status"))["result"] != nil)
        }

        /// One line in single bytes, and calls of two clients in between.
        @Test func twoClients() throws {
            let slow = try Wire(try TestDaemon.current)
            let quick = try Wire(try TestDaemon.current)
            for byte in Array(Wire.line(id: .number(7), "chain.supply").utf8) {
                slow.write([byte])
                let reply = try quick.ask(Wire.line(id: .number(8), "wallet.list"))
                #expect(reply["id"] == .number(8))
            }
            #expect(try slow.ask([])["id"] == .number(7))
        }
    }
}
