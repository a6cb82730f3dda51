import Foundation
import Glibc
import Logging
import Primitives
import Testing

@testable import Control

@Suite(.serialized) struct ServerTests {
    private func code(_ reply: JSON?) -> Int? { reply?["error"]?["code"]?.intValue }

    @Test func answersByTheRulesOfJSONRPC() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let table: [(String, Int?, String?)] = [
                ("{", -32700, nil),
                ("nonsense", -32700, nil),
                (#"{"a":1,"a":2}"#, -32700, nil),
                (#"{"a":"\ud800"}"#, -32700, nil),
                (String(repeating: "[", count: 100_000), -32700, nil),
                ("[]", -32600, nil),
                ("1", -32600, nil),
                ("[1]", -32600, nil),
                (#"{"method":"test.echo","id":1}"#, -32600, nil),
                (#"{"jsonrpc":"2.0","method":7,"id":1}"#, -32600, nil),
                (#"{"jsonrpc":"2.0","method":"test.echo","id":{}}"#, -32600, nil),
                (#"{"jsonrpc":"2.0","method":"test.ecco","id":1}"#, -32601, nil),
                (
                    #"{"jsonrpc":"2.0","method":"test.echo","id":1,"params":["a"]}"#, -32602,
                    "params"
                ),
                (#"{"jsonrpc":"2.0","method":"test.echo","id":1}"#, -32602, "text"),
                (
                    #"{"jsonrpc":"2.0","method":"test.echo","id":1,"params":{"text":5}}"#, -32602,
                    "text"
                ),
                (
                    #"{"jsonrpc":"2.0","method":"test.echo","id":1,"params":{"text":"a","b":1}}"#,
                    -32602, "b"
                ),
                (
                    #"{"jsonrpc":"2.0","method":"test.echo","id":1,"params":{"text":"a","#
                        + #""items":[{"amount":"1"},{"amount":1}]}}"#, -32602, "items[1].amount"
                ),
                (
                    #"{"jsonrpc":"2.0","method":"test.echo","id":"x","params":{"text":"a"}}"#, nil,
                    nil
                ),
            ]
            let replies = try await onThread {
                let socket = try RawSocket(path)
                return try table.map { try socket.ask($0.0) }
            }
            for (row, reply) in zip(table, replies) {
                let reply = reply?.arrayValue?.first ?? reply
                #expect(self.code(reply) == row.1, "\(row.0.prefix(80))")
                #expect(
                    reply?["error"]?["data"]?["path"]?.stringValue == row.2, "\(row.0.prefix(80))")
            }
            #expect(replies.last??["result"]?["text"] == .string("a"))
            #expect(replies.last??["id"] == .string("x"))
            let misspelt = replies[11]?["error"]?["data"]?["fix"]?.stringValue ?? ""
            #expect(misspelt.contains("test.echo"))
        }
    }

    @Test func answersBatchesAndKeepsSilentOnNotifications() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let call = #"{"jsonrpc":"2.0","method":"test.echo","params":{"text":"n"}"#
            let (mixed, tooMany, next) = try await onThread {
                let socket = try RawSocket(path)
                socket.write(call + "}\n")  // A notification: no reply.
                socket.write("[\(call)}]\n")  // A batch of notifications: no reply.
                let mixed = try socket.ask("[\(call),\"id\":1},\(call)},7,\(call),\"id\":2}]")
                let many = Array(repeating: call + ",\"id\":1}", count: 65).joined(separator: ",")
                let tooMany = try socket.ask("[\(many)]")
                return (mixed, tooMany, try socket.ask(call + ",\"id\":9}"))
            }
            let replies = try #require(mixed?.arrayValue)
            #expect(replies.count == 3)
            #expect(replies.filter { $0["result"] != nil }.count == 2)
            #expect(replies.compactMap { self.code($0) } == [-32600])
            #expect(self.code(tooMany) == -32600)
            #expect(next?["id"] == .number(9))
        }
    }

    @Test func refusesALineThatIsTooLong() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let (reply, end) = try await onThread {
                let socket = try RawSocket(path)
                let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
                for _ in 0..<6 where !socket.write(piece) { break }
                return (try socket.reply(), socket.line())
            }
            #expect(self.code(reply) == -32600)
            #expect(end == nil, "the connection is closed")
        }
    }

    @Test func acceptsALineOfNearlyTheLimit() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            let text = String(repeating: "a", count: Control.requestBytesMax - 200)
            let reply = try await client.call("test.echo", .object(("text", .string(text))))
            #expect(reply["text"] == .string(text))
            await client.close()
        }
    }

    @Test func cutsOffASlowReader() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let ended = try await onThread {
                let socket = try RawSocket(path)
                // Events are pushed whether read or not; this client never reads.
                _ = try socket.ask(
                    #"{"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"topics":["blocks"]}}"#
                )
                let event = JSON.string(String(repeating: "e", count: 1 << 20))
                for _ in 0..<40 { harness.server.publish(.blocks, event) }
                var lines = 0
                while socket.line() != nil { lines += 1 }
                return lines
            }
            #expect(ended < 40, "the queue is bounded and the connection ends")
            let client = try await harness.client()
            _ = try await client.call("test.echo", .object(("text", .string("others are served"))))
            await client.close()
        }
    }

    @Test func holdsBackWhatAnImpatientClientSends() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let count = 300
            let ids = try await onThread {
                let socket = try RawSocket(path)
                var text = ""
                for id in 0..<count {
                    text +=
                        #"{"jsonrpc":"2.0","method":"test.sleep","id":\#(id),"params":{"ms":1}}"#
                    text += "\n"
                }
                socket.write(text)
                return try (0..<count).compactMap { _ in try socket.reply()?["id"]?.intValue }
            }
            #expect(ids.sorted() == Array(0..<count))
        }
    }

    @Test func manyBadLinesDoNotExhaustTheStack() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let codes = try await onThread {
                let socket = try RawSocket(path)
                let reader = Thread {
                    socket.write(String(repeating: "x\n", count: 20_000))
                }
                reader.start()
                return try (0..<20_000).reduce(into: 0) { sum, _ in
                    if try socket.reply()?["error"]?["code"]?.intValue == -32700 { sum += 1 }
                }
            }
            #expect(codes == 20_000)
        }
    }

    @Test func refusesConnectionsBeyondTheLimit() async throws {
        try await Harness.run { harness in
            let path = harness.path
            let (symbols, again) = try await onThread {
                let ping = #"{"jsonrpc":"2.0","id":1,"method":"test.sleep","params":{"ms":0}}"#
                var sockets: [RawSocket] = []
                for _ in 0..<Control.connectionsMax {
                    let socket = try RawSocket(path)
                    _ = try socket.ask(ping)
                    sockets.append(socket)
                }
                let refused = try RawSocket(path).reply()?["error"]?["data"]?["code"]?.stringValue
                sockets.removeAll()
                var again: JSON?
                for _ in 0..<200 where again?["result"] == nil {
                    again = try RawSocket(path).ask(ping)
                }
                return (refused, again)
            }
            #expect(symbols == "rpc.tooManyConnections")
            #expect(again?["result"] != nil, "closed connections make room")
        }
    }

    @Test func replyTooLargeIsARefusal() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            let large = JSON.object(("bytes", .number(Int64(Control.replyBytesMax))))
            let refused = await failure { () async throws(ControlClient.Failure) in
                _ = try await client.call("test.large", large)
            }
            #expect(refused?.refusal?.symbol == "rpc.replyTooLarge")
            let half = JSON.object(("bytes", .number(Int64(Control.replyBytesMax / 2))))
            let replies = try await client.batch(Array(repeating: ("test.large", half), count: 3))
            #expect(replies.filter { if case .success = $0 { true } else { false } }.count == 1)
            await client.close()
        }
    }

    @Test func aReplyAgainstItsSchemaIsNotSent() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            let refused = await failure { () async throws(ControlClient.Failure) in
                _ = try await client.call("node.status")
            }
            #expect(refused?.refusal?.code == -32603)
            #expect(refused?.refusal?.message.contains("result.") == true)
            await client.close()
        }
    }

    @Test func ownsItsSocketFile() async throws {
        let harness = try await Harness.start()
        var status = stat()
        #expect(lstat(harness.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        await #expect(throws: SocketFile.Failure.inUse(path: harness.path)) {
            _ = try await ControlServer.start(
                socketPath: harness.path, methods: MethodTable(), logger: Logger(label: "second"))
        }
        await harness.server.stop()
        #expect(lstat(harness.path, &status) != 0, "removed at the end")

        // A socket file that nobody serves any more is replaced; anything else is left alone.
        let (descriptor, _) = try SocketFile.bind(harness.path)
        close(descriptor)
        #expect(lstat(harness.path, &status) == 0)
        let third = try await ControlServer.start(
            socketPath: harness.path, methods: MethodTable(), logger: Logger(label: "third"))
        await third.stop()
        try Data("mine".utf8).write(to: URL(fileURLWithPath: harness.path))
        await #expect(throws: SocketFile.Failure.notASocket(path: harness.path)) {
            _ = try await ControlServer.start(
                socketPath: harness.path, methods: MethodTable(), logger: Logger(label: "fourth"))
        }
        let long = harness.folder + "/" + String(repeating: "l", count: 120)
        await #expect(throws: SocketFile.Failure.pathTooLong(path: long, bytesMax: 107)) {
            _ = try await ControlServer.start(
                socketPath: long, methods: MethodTable(), logger: Logger(label: "fifth"))
        }
        try FileManager.default.removeItem(atPath: harness.folder)
    }

    @Test func onlyTheOwnerAndRootMayCall() {
        func may(_ uid: UInt32, _ owner: UInt32) -> Bool {
            PeerCredentials(pid: 1, uid: uid, gid: 0).mayCall(daemonOf: owner)
        }
        #expect(may(1000, 1000))
        #expect(may(0, 1000))
        #expect(!may(1001, 1000))
        #expect(!may(1000, 0))
        let refusal = ControlServer.notPermitted(
            PeerCredentials(pid: 1, uid: 1001, gid: 0), owner: 1000)
        #expect(refusal.symbol == "rpc.notPermitted")
        #expect(refusal.message.contains("1000") && refusal.message.contains("1001"))
    }
}
