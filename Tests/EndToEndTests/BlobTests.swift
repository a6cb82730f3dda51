import Control
import Primitives
import Testing

extension EndToEndTests {
    /// Uploads that go wrong in every way.
    @Suite struct BlobTests {
        private func open(_ bytes: UInt64, _ client: ControlClient) async throws -> JSON {
            try #require(
                try await client.call("blob.open", .object(("bytes", bytes.json)))["handle"])
        }

        private func piece(_ handle: JSON, _ offset: UInt64, _ bytes: [UInt8]) -> JSON {
            .object(
                ("handle", handle), ("offset", offset.json), ("data", .string(Hex.encode(bytes))))
        }

        @Test func outOfOrderTooLongAndWrong() async throws {
            let client = try await TestDaemon.current.client()
            let handle = try await self.open(10, client)
            let half = [UInt8](repeating: 7, count: 5)
            for (offset, bytes, symbol) in [
                (UInt64(5), half, "blob.wrongOffset"), (.max, half, "blob.wrongOffset"),
                (0, half + half + [7], "blob.incomplete"),
            ] {
                let error = try await client.refusal(
                    "blob.append", self.piece(handle, offset, bytes))
                #expect(error.symbol == symbol, "\(error.message)")
            }
            _ = try await client.call("blob.append", self.piece(handle, 0, half))
            // The same piece twice, the end too early, another connection's handle.
            let twice = try await client.refusal("blob.append", self.piece(handle, 0, half))
            #expect(twice.symbol == "blob.wrongOffset" && twice.fix.contains("offset 5"))
            let early = try await client.refusal("blob.commit", .object(("handle", handle)))
            #expect(early.symbol == "blob.incomplete")
            let stranger = try await TestDaemon.current.client()
            let theirs = try await stranger.refusal("blob.append", self.piece(handle, 5, half))
            #expect(theirs.symbol == "blob.noHandle")
            // None of that hurt the upload.
            let end = try await client.call("blob.append", self.piece(handle, 5, half))
            #expect(end["received"] == UInt64(10).json)
            let beyond = try await client.refusal("blob.append", self.piece(handle, 10, [1]))
            #expect(beyond.symbol == "blob.incomplete")
            let wrong = try await client.refusal(
                "blob.commit", .object(("handle", handle), ("blob", Digest.zero.json)))
            #expect(wrong.symbol == "blob.wrongContent")
            #expect(wrong.message.contains(BlobHasher.id(half + half).hex))
            let again = try await client.refusal("blob.commit", .object(("handle", handle)))
            #expect(again.symbol == "blob.noHandle")
        }

        @Test func sizes() async throws {
            let client = try await TestDaemon.current.client()
            for bytes in [UInt64.max, 1 << 62, 1 << 50] {
                let error = try await client.refusal(
                    "blob.open", .object(("bytes", bytes.json)))
                #expect(error.symbol == "blob.tooLarge", "\(error.message)")
            }
            let handle = try await self.open(0, client)
            let empty = try await client.call("blob.commit", .object(("handle", handle)))
            #expect(empty["blob"] == BlobHasher.id([UInt8]()).json)
            // A piece of one MiB is taken, one byte more is not.
            let piece = [UInt8](repeating: 3, count: Control.pieceBytesMax)
            let large = try await self.open(UInt64(piece.count) + 1, client)
            let error = try await client.refusal(
                "blob.append", self.piece(large, 0, piece + [3]))
            #expect(error.symbol == "rpc.invalidParams" && error.detail("path") == "data")
            _ = try await client.call("blob.append", self.piece(large, 0, piece))
            _ = try await client.call("blob.append", self.piece(large, UInt64(piece.count), [3]))
            let done = try await client.call("blob.commit", .object(("handle", large)))
            #expect(done["blob"] == BlobHasher.id(piece + [3]).json)
            let blob = try #require(done["blob"])
            for (offset, bytes, count) in [
                (UInt64(0), 1, 1), (UInt64(piece.count), 9, 1), (.max, 9, 0),
            ] {
                let read = try await client.call(
                    "blob.read",
                    .object(
                        ("blob", blob), ("offset", offset.json), ("bytes", .number(Int64(bytes)))))
                #expect(read["data"]?.hexValue?.count == count, "from \(offset)")
            }
        }

        /// Uploads end with their connection: their places and their quota come back.
        @Test func abandoned() async throws {
            for round in 0..<8 {
                let client = try await TestDaemon.current.client()
                for _ in 0..<60 {
                    var handle: JSON?
                    for _ in 0..<200 where handle == nil {
                        do throws(ControlClient.Failure) {
                            let gibibyte = JSON.object(("bytes", UInt64(1 << 30).json))
                            handle = try await client.call("blob.open", gibibyte)["handle"]
                        } catch { try await Task.sleep(for: .milliseconds(25)) }
                    }
                    let open = try #require(handle, "round \(round): earlier uploads hold it all")
                    _ = try await client.call("blob.append", self.piece(open, 0, [1, 2, 3]))
                }
                await client.close()
            }
        }
    }
}
