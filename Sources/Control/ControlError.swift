package import Primitives

/// What a call is refused with: a number for machines, a message, a stable code and what to do.
///
/// On the wire: `{"code": -32000, "message": "…", "data": {"code": "blob.notFound", "fix": "…"}}`.
package struct ControlError: Error, Hashable, Sendable {
    /// The number of JSON-RPC 2.0; `productCode` for every refusal of Starling itself.
    package let code: Int
    /// One sentence saying what is wrong.
    package let message: String
    /// The stable symbolic code, such as `transfer.insufficientFunds`.
    package let symbol: String
    /// What to do next; empty when there is nothing useful to say.
    package let fix: String
    /// Further members of `data`, such as the offending path.
    package let details: [JSON.Member]

    /// The number of every product error.
    package static let productCode = -32000

    package init(
        code: Int = ControlError.productCode, symbol: String, message: String, fix: String = "",
        details: [JSON.Member] = []
    ) {
        self.code = code
        self.message = message
        self.symbol = symbol
        self.fix = fix
        self.details = details
    }

    /// A refusal of Starling itself.
    package static func product(_ symbol: String, _ message: String, fix: String = "") -> Self {
        Self(symbol: symbol, message: message, fix: fix)
    }

    /// -32700: the line is not JSON.
    package static func parse(_ error: JSONTextError) -> Self {
        Self(
            code: -32700, symbol: "rpc.parseError",
            message: "not JSON: \(error.problem) (byte \(error.offset))")
    }

    /// -32600: JSON, but not a request.
    package static func invalidRequest(_ message: String) -> Self {
        Self(code: -32600, symbol: "rpc.invalidRequest", message: message)
    }

    /// -32601: nothing of that name.
    package static func methodNotFound(_ name: String, nearest: String?) -> Self {
        Self(
            code: -32601, symbol: "rpc.methodNotFound", message: "no method \"\(name)\"",
            fix: nearest.map { "did you mean \"\($0)\"? rpc.discover lists every method" }
                ?? "rpc.discover lists every method")
    }

    /// -32602: a parameter is missing, unknown, or of the wrong shape.
    package static func invalidParams(_ error: FieldError) -> Self {
        Self(
            code: -32602, symbol: "rpc.invalidParams",
            message: "\(error.path): \(error.expected) expected, \(error.found) found",
            details: [
                JSON.Member(name: "path", value: .string(error.path)),
                JSON.Member(name: "expected", value: .string(error.expected)),
                JSON.Member(name: "found", value: .string(error.found)),
            ])
    }

    /// -32603: the daemon broke its own promise; the log has the details.
    package static func internalError(_ message: String) -> Self {
        Self(
            code: -32603, symbol: "rpc.internalError", message: message,
            fix: "this is a fault of the daemon: please report it with its log")
    }

    /// The `error` member of a reply.
    package var json: JSON {
        var data = [JSON.Member(name: "code", value: .string(self.symbol))]
        if !self.fix.isEmpty { data.append(JSON.Member(name: "fix", value: .string(self.fix))) }
        data += self.details
        return .object([
            JSON.Member(name: "code", value: .number(Int64(self.code))),
            JSON.Member(name: "message", value: .string(self.message)),
            JSON.Member(name: "data", value: .object(data)),
        ])
    }

    /// Reads the `error` member of a reply; what is missing becomes empty.
    package init(json: JSON) {
        var code = -32603
        if case .number(let number)? = json["code"] { code = Int(clamping: number) }
        let data = json["data"]
        var details: [JSON.Member] = []
        if case .object(let members)? = data {
            details = members.filter { $0.name != "code" && $0.name != "fix" }
        }
        self.init(
            code: code, symbol: data?["code"]?.stringValue ?? "",
            message: json["message"]?.stringValue ?? "",
            fix: data?["fix"]?.stringValue ?? "", details: details)
    }
}

extension JSON {
    /// The members of an object; nil for anything else.
    package var memberValues: [Member]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// A small integer; nil for anything else.
    package var intValue: Int? {
        if case .number(let number) = self { Int(exactly: number) } else { nil }
    }

    /// A boolean; nil for anything else.
    package var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// A 128-bit number written as a decimal string; nil for anything else.
    package var u128Value: UInt128? { self.stringValue.flatMap { UInt128($0) } }

    /// Bytes written in hexadecimal; nil for anything else.
    package var hexValue: [UInt8]? { self.stringValue.flatMap { Hex.decode($0) } }
}
