package import Primitives

/// Which user and process calls; the kernel says so, not the caller.
package struct PeerCredentials: Hashable, Sendable {
    /// As the C structure `ucred` of Linux lays it out.
    package let pid: Int32
    package let uid: UInt32
    package let gid: UInt32

    package init(pid: Int32, uid: UInt32, gid: UInt32) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
    }

    /// The daemon's own user and root may call; nobody else.
    package func mayCall(daemonOf owner: UInt32) -> Bool { self.uid == owner || self.uid == 0 }
}

/// One call as its handler sees it: the parameters already keep the method's schema.
package struct Call: Sendable {
    package let method: String
    /// Always an object.
    package let params: JSON
    package let peer: PeerCredentials
    /// Tells the connections of this server apart; never used again while it runs.
    package let connection: UInt64

    let report: @Sendable (JSON) -> Void

    package init(
        method: String, params: JSON, peer: PeerCredentials, connection: UInt64,
        report: @escaping @Sendable (JSON) -> Void
    ) {
        self.method = method
        self.params = params
        self.peer = peer
        self.connection = connection
        self.report = report
    }

    /// Tells a caller that subscribed to `progress` how far this call is.
    package func progress(_ stage: String, done: UInt64, total: UInt64) {
        self.report(
            .object(
                ("stage", .string(stage)), ("done", .string(String(done))),
                ("total", .string(String(total)))))
    }

    /// A parameter that must be there, such as `try call.value("job", JobID.self)`.
    package func value<T: FieldValue>(
        _ name: String, _ type: T.Type = T.self
    ) throws(ControlError) -> T {
        do throws(FieldError) {
            return try T(json: self.params[name] ?? .null, at: name)
        } catch { throw .invalidParams(error) }
    }

    /// A parameter that may be left out.
    package func optional<T: FieldValue>(
        _ name: String, _ type: T.Type = T.self
    ) throws(ControlError) -> T? {
        guard let json = self.params[name], json != .null else { return nil }
        do throws(FieldError) {
            return try T(json: json, at: name)
        } catch { throw .invalidParams(error) }
    }

    /// A text parameter that must be there.
    package func text(_ name: String) throws(ControlError) -> String {
        guard let text = self.params[name]?.stringValue else {
            throw self.missing(name, "a string")
        }
        return text
    }

    /// Bytes that must be there.
    package func bytes(_ name: String) throws(ControlError) -> [UInt8] {
        guard let bytes = self.params[name]?.hexValue else {
            throw self.missing(name, "hexadecimal")
        }
        return bytes
    }

    /// A small number that may be left out.
    package func int(_ name: String) -> Int? { self.params[name]?.intValue }

    private func missing(_ name: String, _ expected: String) -> ControlError {
        let found = self.params[name].map(SchemaCheck.words) ?? "nothing"
        return .invalidParams(FieldError(path: name, expected: expected, found: found))
    }
}

/// The handlers of the methods that a daemon serves.
package struct MethodTable: Sendable {
    /// Answers a call, or refuses it.
    package typealias Handler = @Sendable (Call) async throws(ControlError) -> JSON

    struct Entry: Sendable {
        let schema: MethodSchema
        let handler: Handler
    }

    private var entries: [String: Entry] = [:]
    private var closers: [@Sendable (UInt64) -> Void] = []

    /// A table with `rpc.discover`, `subscribe`, `unsubscribe` (the server's own) and the refusal
    /// to export secrets.
    package init() {
        for name in ["rpc.discover", "subscribe", "unsubscribe"] {
            self.serve(name) { _ throws(ControlError) in
                throw .internalError("served by the server")
            }
        }
        self.serve("wallet.export-words") { _ throws(ControlError) in
            throw .product(
                "wallet.neverExported", "no secret leaves the daemon over its socket",
                fix: "back up the key files in the daemon's data directory, on its own machine")
        }
    }

    /// Calls `handler` with the number of each connection that is over: no call of it comes or runs
    /// any more. On the connection's event loop, so it may not wait.
    package mutating func whenClosed(_ handler: @escaping @Sendable (UInt64) -> Void) {
        self.closers.append(handler)
    }

    func closed(_ connection: UInt64) {
        for closer in self.closers { closer(connection) }
    }

    /// Serves the method declared under `name` in ``Methods``.
    package mutating func serve(_ name: String, _ handler: @escaping Handler) {
        guard let schema = Methods.named(name) else {
            preconditionFailure("\(name) is not declared")
        }
        self.serve(schema, handler)
    }

    /// Serves a method.
    package mutating func serve(_ schema: MethodSchema, _ handler: @escaping Handler) {
        self.entries[schema.name] = Entry(schema: schema, handler: handler)
    }

    /// The methods served, by name.
    package var methods: [MethodSchema] {
        self.entries.values.map(\.schema).sorted { $0.name < $1.name }
    }

    /// The methods of ``Methods`` that have no handler here.
    package var missing: [String] {
        Methods.all.map(\.name).filter { self.entries[$0] == nil }
    }

    func entry(_ name: String) -> Entry? { self.entries[name] }

    /// The served name that differs least from a misspelt one.
    func nearest(_ name: String) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let ranked = self.entries.keys.sorted().map { ($0, Self.distance($0, name)) }
        guard let best = ranked.min(by: { $0.1 < $1.1 }), best.1 <= 3 else { return nil }
        return best.0
    }

    /// Insertions, deletions and replacements between two short words.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left.utf8), Array(right.utf8))
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = row[j + 1]
                row[j + 1] = cost
            }
        }
        return row[right.count]
    }
}
