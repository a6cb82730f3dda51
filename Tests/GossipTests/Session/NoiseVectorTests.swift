import Foundation
import Gossip
import Primitives
import Testing

/// The handshake against published vectors: those of flynn/noise, which Debian packages.
@Suite struct NoiseVectorTests {
    private static let path = "/usr/share/gocode/src/github.com/flynn/noise/vectors.txt"
    private static let isThere = FileManager.default.fileExists(atPath: path)

    /// One handshake of the file: names and values.
    private typealias Entry = [String: String]

    private func entries() throws -> [Entry] {
        let text = try String(contentsOfFile: Self.path, encoding: .utf8)
        return text.components(separatedBy: "\n\n").compactMap { block in
            var entry: Entry = [:]
            for line in block.split(separator: "\n") {
                let parts = line.split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                if parts.count == 2 { entry[String(parts[0])] = String(parts[1]) }
            }
            return entry["handshake"] == NoiseHandshake.protocolName ? entry : nil
        }
    }

    private func bytes(_ entry: Entry, _ name: String) throws -> [UInt8] {
        let text = try #require(entry[name], "no \(name)")
        return try #require(Hex.decode(text), "\(name) is no hexadecimal")
    }

    @Test(
        .enabled(
            if: isThere,
            "\(path) is absent: apt-get install golang-github-flynn-noise-dev brings it"))
    func publishedHandshakes() throws {
        let entries = try self.entries()
        #expect(entries.count >= 4, "with and without prologue and payloads")
        for entry in entries { try self.check(entry) }
    }

    private func check(_ entry: Entry) throws {
        let prologue = entry["prologue"] == nil ? [] : try self.bytes(entry, "prologue")
        func key(_ name: String) throws -> AgreementKey {
            let secret = try self.bytes(entry, name)
            return try #require(AgreementKey(secret: secret))
        }
        let (initiatorStatic, responderStatic) = (try key("init_static"), try key("resp_static"))
        var initiator = NoiseHandshake(
            initiatorTo: responderStatic.point, local: initiatorStatic.point,
            ephemeral: try key("gen_init_ephemeral"), prologue: prologue)
        var responder = NoiseHandshake(
            responder: responderStatic.point, ephemeral: try key("gen_resp_ephemeral"),
            prologue: prologue)
        let payloads = try (0..<4).map { try self.bytes(entry, "msg_\($0)_payload") }
        let wanted = try (0..<4).map { try self.bytes(entry, "msg_\($0)_ciphertext") }

        #expect(try initiator.begin() == .agree(responderStatic.point))
        let statics = initiatorStatic.agree(with: responderStatic.point)
        #expect(try initiator.agreed(statics) == .ready)
        #expect(try initiator.write(payloads[0]) == wanted[0])

        var point = Array(wanted[0].prefix(32))
        #expect(try responder.read(wanted[0]) == .agree(point))
        #expect(
            try responder.agreed(responderStatic.agree(with: point))
                == .agree(initiatorStatic.point))
        #expect(
            try responder.agreed(responderStatic.agree(with: initiatorStatic.point))
                == .opened(payloads[0]))
        #expect(initiator.payloadHash == responder.payloadHash)
        #expect(try responder.answer() == .ready)
        #expect(try responder.write(payloads[1]) == wanted[1])

        point = Array(wanted[1].prefix(32))
        #expect(try initiator.read(wanted[1]) == .agree(point))
        #expect(
            try initiator.agreed(initiatorStatic.agree(with: point)) == .opened(payloads[1]))
        #expect(initiator.payloadHash == responder.payloadHash)

        var forth = SealedStream(key: try initiator.split().sending)
        var back = SealedStream(key: try responder.split().sending)
        var receiving = SealedStream(key: try responder.split().receiving)
        #expect(forth.seal(payloads[2]) == wanted[2])
        #expect(back.seal(payloads[3]) == wanted[3])
        #expect(receiving.open(wanted[2][...]) == payloads[2])
    }
}
