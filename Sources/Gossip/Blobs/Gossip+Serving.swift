import OrderedCollections
import Primitives

// What this node answers about its blobs.
//
// Source: protocol/gossip.md, "Blobs".

extension Gossip {
    mutating func onAsked(
        _ request: BlobPeer.Request, _ id: ConnectionID, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard var serving = self.servings[id] else { return }
        guard serving.queue.count < BlobServing.queueMax else {
            self.violation(serving.peer, "blobs: too many requests", now: now, into: &outbox)
            return
        }
        serving.queue.append(request)
        self.servings[id] = serving
        self.blobPeers[serving.peer]?.usedAt = now
        self.serve(id, into: &outbox)
    }

    /// Gives the next requests of a connection to the store, or answers them at once.
    private mutating func serve(_ id: ConnectionID, into outbox: inout Outbox<Effect>) {
        while var serving = self.servings[id], !serving.queue.isEmpty,
            serving.reads < BlobServing.readsMax, self.reads.count < BlobServing.readsOfAllMax
        {
            let request = serving.queue.removeFirst()
            if case .describe(let blob, let from) = request, let known = self.described[blob] {
                self.servings[id] = serving
                self.say(Self.page(blob, known, from: from), on: id, into: &outbox)
                continue
            }
            serving.reads += 1
            self.servings[id] = serving
            let token = self.nextRead
            self.nextRead &+= 1
            self.reads[token] = BlobRead(connection: id, request: request)
            switch request {
            case .describe(let blob, _): outbox.append(.describeBlob(blob, token: token))
            case .want(let blob, let group):
                outbox.append(.readBlob(blob, group: group, token: token))
            }
        }
    }

    mutating func onDescribed(
        _ blob: BlobID, _ description: BlobDescription?, _ token: UInt64, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard let read = self.reads.removeValue(for: token) else { return }
        if let description { self.described.insert(blob, description) }
        guard case .describe(blob, let from) = read.request else { return }
        let answer = description.map { Self.page(blob, $0, from: from) }
        self.answer(answer ?? .absent(blob), read.connection, now: now, into: &outbox)
    }

    mutating func onRead(
        _ blob: BlobID, _ group: UInt64, _ bytes: [UInt8]?, _ token: UInt64, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        guard let read = self.reads.removeValue(for: token),
            case .want(blob, group: group) = read.request
        else { return }
        var answer = BlobMessage.absent(blob)
        if let bytes, bytes.count <= BlobMessage.groupBytesMax {
            answer = .group(blob, group: group, bytes)
        } else {
            self.described.remove(blob)
        }
        self.answer(answer, read.connection, now: now, into: &outbox)
    }

    private mutating func answer(
        _ message: BlobMessage, _ id: ConnectionID, now: Instant,
        into outbox: inout Outbox<Effect>
    ) {
        if let serving = self.servings[id] {
            self.servings[id]?.reads = max(0, serving.reads - 1)
            self.blobPeers[serving.peer]?.usedAt = now
            self.say(message, on: id, into: &outbox)
        }
        // A free read is anybody's who waits.
        self.serve(id, into: &outbox)
        for other in self.servings.keys where other != id {
            guard self.reads.count < BlobServing.readsOfAllMax else { return }
            self.serve(other, into: &outbox)
        }
    }

    private static func page(
        _ blob: BlobID, _ description: BlobDescription, from: UInt64
    ) -> BlobMessage {
        let first = Int(clamping: min(from, UInt64(description.groups.count)))
        let digests = Array(description.groups[first...].prefix(BlobMessage.digestsMax))
        return .description(blob, bytes: description.bytes, from: from, digests)
    }

    func say(
        _ message: BlobMessage, on id: ConnectionID, into outbox: inout Outbox<Effect>
    ) {
        outbox.append(.send(id, .blobs, message.canonicalBytes))
    }
}
