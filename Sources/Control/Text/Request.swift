import Primitives

/// One line of a client, taken apart.
enum RequestLine {
    /// One request, or why it is none.
    struct Item {
        /// Null or absent in the text means nil here only for notifications.
        let id: JSON?
        let request: Result<Request, ControlError>
    }

    struct Request {
        let method: String
        let params: JSON
    }

    case single(Item)
    case batch([Item])

    /// Takes a parsed line apart.
    ///
    /// - Throws: what the whole line is refused with.
    init(_ json: JSON) throws(ControlError) {
        guard case .array(let items) = json else {
            self = .single(Self.item(json))
            return
        }
        guard !items.isEmpty else { throw .invalidRequest("an empty batch") }
        guard items.count <= Control.batchMax else {
            throw .invalidRequest("a batch of \(items.count); \(Control.batchMax) are the most")
        }
        self = .batch(items.map(Self.item))
    }

    var items: [Item] {
        switch self {
        case .single(let item): [item]
        case .batch(let items): items
        }
    }

    private static func item(_ json: JSON) -> Item {
        guard case .object = json else {
            return Item(id: .null, request: .failure(.invalidRequest("an object expected")))
        }
        let id = json["id"]
        switch id {
        case nil, .null, .number, .string: break
        case .bool, .decimal, .array, .object:
            let error = ControlError.invalidRequest("id: a string, an integer or null expected")
            return Item(id: .null, request: .failure(error))
        }
        return Item(id: id, request: Self.request(json))
    }

    private static func request(_ json: JSON) -> Result<Request, ControlError> {
        guard json["jsonrpc"] == .string("2.0") else {
            return .failure(.invalidRequest("jsonrpc: \"2.0\" expected"))
        }
        guard let method = json["method"]?.stringValue else {
            return .failure(.invalidRequest("method: a string expected"))
        }
        let params = json["params"] ?? .object()
        guard case .object = params else {
            return .failure(
                .invalidParams(
                    FieldError(
                        path: "params", expected: "an object (parameters go by name)",
                        found: SchemaCheck.words(params))))
        }
        return .success(Request(method: method, params: params))
    }
}

/// The lines a server sends, each without the final newline.
enum ReplyLine {
    static func result(_ result: JSON, id: JSON) -> [UInt8] {
        Self.line("{\"jsonrpc\":\"2.0\",\"id\":\(id.text),\"result\":", JSONBytes.of(result))
    }

    static func error(_ error: ControlError, id: JSON) -> [UInt8] {
        Self.line("{\"jsonrpc\":\"2.0\",\"id\":\(id.text),\"error\":", JSONBytes.of(error.json))
    }

    static func event(subscription: Int, topic: String, event: [UInt8]) -> [UInt8] {
        let head =
            "{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"subscription\":"
            + "\(subscription),\"topic\":\"\(topic)\",\"event\":"
        return Self.line(head, event) + [UInt8(ascii: "}")]
    }

    static func progress(call: JSON, _ progress: JSON) -> [UInt8] {
        let members = [JSON.Member(name: "call", value: call)] + (progress.memberValues ?? [])
        return Self.line(
            "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":",
            JSONBytes.of(.object(members)))
    }

    private static func line(_ head: String, _ body: [UInt8]) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(head.utf8.count + body.count + 1)
        line += head.utf8
        line += body
        line.append(UInt8(ascii: "}"))
        return line
    }
}
