import Foundation
import Gossip
import Logging
import Node
import Primitives
import Store

/// Performs what gossip wants of the blobs: one thread serves peers, another writes downloads.
///
/// What cannot be read is not here, and a download that cannot be written is not done: gossip is
/// told so, and the log why. If the node takes no more answers, the daemon ends, and a restart
/// resumes.
///
/// - Bounds: `backlogMax` effects wait for each thread; beyond that the answer is no.
final class BlobDriver: Sendable {
    /// Of groups: 64 MiB.
    static let backlogMax = 4096

    private let serving = Mailbox<Gossip.Effect>(capacity: BlobDriver.backlogMax)
    private let writing = Mailbox<Gossip.Effect>(capacity: BlobDriver.backlogMax)
    private let answer: @Sendable (Gossip.Input) -> Void
    private let threads: [Worker]

    /// - Parameter answer: takes an answer that must not be lost.
    init(
        blobs: BlobStore, logger: Logger, answer: @escaping @Sendable (Gossip.Input) -> Void
    ) {
        self.answer = answer
        let desk = BlobDesk(blobs: blobs, logger: logger)
        let boxes = [("blobs-out", self.serving), ("blobs-in", self.writing)]
        self.threads = boxes.map { name, box in
            Worker(name: name) {
                while let batch = box.take(until: Date(timeIntervalSinceNow: 1)) {
                    for effect in batch {
                        if let input = desk.perform(effect) { answer(input) }
                    }
                }
            }
        }
    }

    /// Performs an effect that concerns blobs.
    func perform(_ effect: Gossip.Effect) {
        switch effect {
        case .describeBlob, .readBlob: self.post(effect, to: self.serving)
        case .openBlob, .closeBlob, .writeBlob: self.post(effect, to: self.writing)
        case .dial, .close, .send, .datagram, .deliver, .up, .down, .fetched, .fetchFailed,
            .schedule, .report:
            preconditionFailure("the node and the transport perform these")
        }
    }

    /// Finishes what waits, then ends the threads.
    func stop() {
        self.serving.close()
        self.writing.close()
        for thread in self.threads { thread.join() }
    }

    private func post(_ effect: Gossip.Effect, to box: Mailbox<Gossip.Effect>) {
        guard !box.post(effect), let refusal = BlobDesk.refusal(of: effect) else { return }
        self.answer(refusal)
    }
}

/// The blobs in gossip's words; called by one thread for reading and one for writing.
private struct BlobDesk: Sendable {
    let blobs: BlobStore
    let logger: Logger

    /// Does it; nil where nothing is to be said.
    func perform(_ effect: Gossip.Effect) -> Gossip.Input? {
        do throws(StoreError) {
            switch effect {
            case .describeBlob(let id, let token):
                let description = try self.blobs.describe(id).map {
                    BlobDescription(bytes: $0.bytes, groups: $0.digests)
                }
                return .blobDescribed(id, description, token: token)
            case .readBlob(let id, let group, let token):
                let bytes = try self.blobs.readGroup(id, group: group)
                return .blobRead(id, group: group, bytes, token: token)
            case .openBlob(let id, let description): return try self.open(id, description)
            case .closeBlob(let id):
                self.blobs.closePart(id)
                return nil
            case .writeBlob(let id, let group, let bytes, let isLast):
                try self.blobs.writeGroup(id, group: group, bytes)
                guard isLast else { return nil }
                try self.blobs.finishPart(id)
                return .blobDone(id, true)
            case .dial, .close, .send, .datagram, .deliver, .up, .down, .fetched, .fetchFailed,
                .schedule, .report:
                return nil
            }
        } catch {
            self.logger.warning("a blob cannot be exchanged: \(error)")
            return Self.refusal(of: effect)
        }
    }

    /// A download that has all its groups already, after a crash, gets its name before the answer.
    private func open(
        _ id: BlobID, _ description: BlobDescription
    ) throws(StoreError) -> Gossip.Input {
        guard let groups = BlobGroups(bytes: description.bytes, digests: description.groups) else {
            return .blobDone(id, false)
        }
        let present = try self.blobs.openPart(id, groups)
        if present.allSatisfy({ $0 }) { try self.blobs.finishPart(id) }
        return .blobOpened(id, present: present)
    }

    /// The answer of no.
    static func refusal(of effect: Gossip.Effect) -> Gossip.Input? {
        switch effect {
        case .describeBlob(let id, let token): .blobDescribed(id, nil, token: token)
        case .readBlob(let id, let group, let token):
            .blobRead(id, group: group, nil, token: token)
        case .openBlob(let id, _), .writeBlob(let id, _, _, _): .blobDone(id, false)
        case .closeBlob, .dial, .close, .send, .datagram, .deliver, .up, .down, .fetched,
            .fetchFailed,
            .schedule, .report:
            nil
        }
    }
}
