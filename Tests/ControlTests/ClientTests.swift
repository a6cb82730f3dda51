import Foundation
import Primitives
import Testing

@testable import Control

@Suite(.serialized) struct ClientTests {
    @Test func subscriptionsDeliverTheirTopicsInOrder() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            let number = try await client.subscribe(["blocks"])
            for height in 0..<5 {
                harness.server.publish(.jobs, .string("not asked for"))
                harness.server.publish(.blocks, .number(Int64(height)))
            }
            var heights: [Int] = []
            for await notification in client.notifications {
                #expect(notification.method == "event")
                #expect(notification.params["subscription"]?.intValue == number)
                #expect(notification.params["topic"] == .string("blocks"))
                heights.append(notification.params["event"]?.intValue ?? -1)
                if heights.count == 5 { break }
            }
            #expect(heights == [0, 1, 2, 3, 4])

            let ended = try await client.call(
                "unsubscribe", .object(("subscription", .number(Int64(number)))))
            #expect(ended["ended"] == .bool(true))
            harness.server.publish(.blocks, .number(99))
            let marker = try await client.subscribe(["jobs"])
            harness.server.publish(.jobs, .string("marker"))
            for await notification in client.notifications {
                #expect(notification.params["subscription"]?.intValue == marker)
                break
            }
            for _ in 1..<Control.subscriptionsMax { _ = try await client.subscribe(["blocks"]) }
            await #expect(throws: ControlClient.Failure.self) {
                _ = try await client.subscribe(["jobs"])
            }
            await client.close()
        }
    }

    @Test func longCallsReportProgressToThoseWhoAsk() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            _ = try await client.call("test.sleep", .object(("ms", .number(1))))
            _ = try await client.subscribe(["progress"])
            _ = try await client.call("test.sleep", .object(("ms", .number(1))))
            for await notification in client.notifications {
                #expect(notification.method == "progress")
                #expect(notification.params["call"] == .number(3))
                #expect(notification.params["done"] == .string("1"))
                break
            }
            await client.close()
        }
    }

    @Test func aCallHasADeadlineAndALateReplyIsDropped() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            let late = await failure { () async throws(ControlClient.Failure) in
                _ = try await client.call(
                    "test.sleep", .object(("ms", .number(300))), timeoutMs: 20)
            }
            #expect(late == .timedOut(method: "test.sleep", afterMs: 20))
            _ = try await client.call("test.sleep", .object(("ms", .number(400))))
            let reply = try await client.call("test.echo", .object(("text", .string("fine"))))
            #expect(reply["text"] == .string("fine"))
            await client.close()
        }
    }

    @Test func saysWhyNoDaemonAnswers() async throws {
        let path = "/nonexistent/rpc.sock"
        let error = await failure { () async throws(ControlClient.Failure) in
            _ = try await ControlClient.connect(to: path)
        }
        #expect(error?.description == "cannot reach the daemon at \(path): nothing is there")
        #expect(error?.fix.contains("starlingd") == true)
    }

    @Test func callsFailWhenTheServerStops() async throws {
        let harness = try await Harness.start()
        let client = try await harness.client()
        _ = try await client.call("test.echo", .object(("text", .string("a"))))
        await harness.server.stop(graceMs: 0)
        await #expect(throws: ControlClient.Failure.self) {
            _ = try await client.call("test.echo", .object(("text", .string("b"))))
        }
        await harness.stop()
    }

    @Test func discoversItself() async throws {
        try await Harness.run { harness in
            let client = try await harness.client()
            let document = try await client.call("rpc.discover")
            #expect(document["openrpc"] == .string("1.3.2"))
            let names =
                document["methods"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
            #expect(names == names.sorted())
            #expect(Set(names).isSuperset(of: ["rpc.discover", "subscribe", "test.echo"]))
            #expect(!names.contains("job.get"), "what has no handler is not advertised")
            let refused = await failure { () async throws(ControlClient.Failure) in
                _ = try await client.call(
                    "wallet.export-words", .object(("name", .string("alice"))))
            }
            #expect(refused?.refusal?.symbol == "wallet.neverExported")
            await client.close()
        }
    }
}
