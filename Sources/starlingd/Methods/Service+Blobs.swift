import Control
import Foundation
import Primitives
import Store
import Synchronization

/// What belongs to clients across calls: uploads, and the idempotency keys they used.
///
/// - Bounds: `keysMax` keys, the oldest forgotten first; `handlesMax` uploads.
final class Uploads: Sendable {
    static let keysMax = 4096
    /// Uploads of clients; the rest of the store's places is for the outputs of jobs.
    static let handlesMax = 192

    private struct State {
        var handles: [Digest: (connection: UInt64, handle: BlobStore.Handle)] = [:]
        var keys: [String: (print: Digest, id: TransactionID)] = [:]
        var order: [String] = []
    }

    private let state = Mutex(State())

    /// Gives an upload a name that another connection cannot guess.
    func add(_ handle: BlobStore.Handle, connection: UInt64) -> Digest {
        let name = SystemRandom.digest()
        self.state.withLock { $0.handles[name] = (connection, handle) }
        return name
    }

    func handle(_ name: Digest, connection: UInt64) -> BlobStore.Handle? {
        self.state.withLock { state in
            guard let entry = state.handles[name], entry.connection == connection else {
                return nil
            }
            return entry.handle
        }
    }

    var hasRoom: Bool { self.state.withLock { $0.handles.count < Self.handlesMax } }

    /// Takes the uploads of a connection that is over.
    func drop(connection: UInt64) -> [BlobStore.Handle] {
        self.state.withLock { state in
            let gone = state.handles.filter { $0.value.connection == connection }
            for name in gone.keys { state.handles.removeValue(forKey: name) }
            return gone.values.map(\.handle)
        }
    }

    func remove(_ name: Digest) { _ = self.state.withLock { $0.handles.removeValue(forKey: name) } }

    /// What an idempotency key stands for.
    func known(_ key: String) -> (print: Digest, id: TransactionID)? {
        self.state.withLock { $0.keys[key] }
    }

    func remember(_ key: String, print: Digest, id: TransactionID) {
        self.state.withLock { state in
            state.keys[key] = (print, id)
            state.order.append(key)
            if state.order.count > Self.keysMax {
                state.keys.removeValue(forKey: state.order.removeFirst())
            }
        }
    }
}

extension Service {
    func serveBlobs(_ table: inout MethodTable) {
        table.whenClosed { connection in
            let abandoned = self.uploads.drop(connection: connection)
            guard !abandoned.isEmpty else { return }
            DispatchQueue.global().async {
                for handle in abandoned { self.store.blobs.abort(handle) }
            }
        }
        table.serve("blob.open") { call throws(ControlError) in
            let bytes: UInt64 = try call.value("bytes")
            guard self.uploads.hasRoom else {
                throw .product(
                    "blob.tooManyUploads", "too many uploads are open",
                    fix: "commit one first, or end the connections that began them")
            }
            let handle = try Self.stored { () throws(StoreError) in
                try self.store.blobs.open(bytes: bytes)
            }
            let name = self.uploads.add(handle, connection: call.connection)
            return .object(
                ("handle", name.json), ("pieceBytesMax", .number(Int64(Control.pieceBytesMax))))
        }
        table.serve("blob.append") { call throws(ControlError) in
            let (_, handle) = try self.handle(call)
            let offset: UInt64 = try call.value("offset")
            let data = try call.bytes("data")
            let received = try Self.stored { () throws(StoreError) in
                try self.store.blobs.append(handle, offset: offset, data)
            }
            return .object(("received", received.json))
        }
        table.serve("blob.commit") { call throws(ControlError) in
            let (name, handle) = try self.handle(call)
            let wanted: BlobID? = try call.optional("blob")
            let id = try Self.stored { () throws(StoreError) in
                try self.store.blobs.commit(handle)
            }
            self.uploads.remove(name)
            guard wanted == nil || wanted == id else {
                throw .product(
                    "blob.wrongContent", "the content address is \(id.hex)",
                    fix: "the bytes changed on the way or the address was computed wrongly")
            }
            return .object(("blob", id.json), ("bytes", try self.size(id).json))
        }
        self.serveStoredBlobs(&table)
    }

    private func serveStoredBlobs(_ table: inout MethodTable) {
        table.serve("blob.stat") { call throws(ControlError) in
            let id: BlobID = try call.value("blob")
            let size = try Self.stored { () throws(StoreError) in
                try self.store.blobs.size(of: id)
            }
            var members: [JSON.Member] = [
                .init(name: "blob", value: id.json),
                .init(name: "present", value: .bool(size != nil)),
            ]
            if let size { members.append(.init(name: "bytes", value: size.json)) }
            return .object(members)
        }
        table.serve("blob.read") { call throws(ControlError) in
            let id: BlobID = try call.value("blob")
            let offset: UInt64 = try call.value("offset")
            let count = call.int("bytes") ?? Control.pieceBytesMax
            let data = try Self.stored { () throws(StoreError) in
                try self.store.blobs.read(id, offset: offset, count: count)
            }
            return .object(
                ("data", .string(Hex.encode(data))), ("bytes", try self.size(id).json))
        }
    }

    private func handle(
        _ call: Call
    ) throws(ControlError) -> (name: Digest, handle: BlobStore.Handle) {
        let name: Digest = try call.value("handle")
        guard let handle = self.uploads.handle(name, connection: call.connection) else {
            throw .product(
                "blob.noHandle", "this connection has no such upload",
                fix: "blob.open begins one; it belongs to the connection that opened it")
        }
        return (name, handle)
    }

    private func size(_ id: BlobID) throws(ControlError) -> UInt64 {
        try Self.stored { () throws(StoreError) in try self.store.blobs.size(of: id) ?? 0 }
    }

    /// The store's refusals in the socket's words.
    private static func stored<T>(
        _ body: () throws(StoreError) -> T
    ) throws(ControlError) -> T {
        do throws(StoreError) { return try body() } catch {
            let detail = error.detail.isEmpty ? "" : " (\(error.detail))"
            switch error.code {
            case .quota:
                throw .product(
                    "blob.tooLarge", "more than this daemon keeps\(detail)",
                    fix: "delete blobs or raise the quota in the configuration")
            case .tooManyUploads:
                throw .product(
                    "blob.tooManyUploads", "too many uploads are open", fix: "commit one first")
            case .wrongOffset:
                throw .product(
                    "blob.wrongOffset", "pieces come in order; \(error.detail) bytes are there",
                    fix: "append at offset \(error.detail)")
            case .wrongSize:
                throw .product("blob.incomplete", "the bytes are not as many as announced\(detail)")
            case .uploadNotFound: throw .product("blob.noHandle", "no such upload")
            case .blobNotFound: throw .product("blob.notFound", "this daemon does not have it")
            case .damaged, .shortFile:
                throw .product(
                    "blob.damaged", "what the disk holds is not what was stored: \(error)",
                    fix: "upload it again")
            default: throw .internalError("\(error)")
            }
        }
    }
}
