import Primitives

/// Amounts of the coin as people write them.
enum Money {
    /// Motes in one STAR.
    static let star: UInt128 = 1_000_000_000

    /// `1.5 STAR`, `1.5STAR`, `250 motes`; never a bare number, which could mean either.
    static func parse(_ text: String) throws -> Amount {
        let words = text.lowercased().filter { $0 != " " && $0 != "_" && $0 != "," }
        let number = words.prefix { $0.isNumber || $0 == "." }
        let unit = words.dropFirst(number.count)
        let amount: Amount?
        switch unit {
        case "star", "stars": amount = Self.stars(number)
        case "mote", "motes": amount = number.contains(".") ? nil : Self.whole(number)
        default:
            throw CommandFailure.usage(
                "\"\(printable(text))\" is no amount",
                fix: "write the unit: \"1.5 STAR\" or \"1500000000 motes\"")
        }
        guard let amount else {
            throw CommandFailure.usage(
                "\"\(printable(text))\" is no amount",
                fix: "a STAR has 9 decimals, a mote none, and 2^112 motes are the most")
        }
        return amount
    }

    /// Exact, in STAR.
    static func text(_ amount: Amount) -> String {
        // raw: printed
        let (whole, rest) = amount.units.quotientAndRemainder(dividingBy: Self.star)
        guard rest > 0 else { return "\(whole) STAR" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "\(whole).\(digits) STAR"
    }

    /// The text of a decimal string of motes; what it is not stays as it is.
    static func text(_ json: JSON?) -> String {
        guard let text = json?.stringValue else { return "?" }
        guard let units = UInt128(text), let amount = Amount(units) else { return printable(text) }
        return Self.text(amount)
    }

    private static func whole(_ digits: Substring) -> Amount? {
        UInt128(digits).flatMap { Amount($0) }
    }

    private static func stars(_ digits: Substring) -> Amount? {
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = parts.first.flatMap({ UInt128($0) }) else { return nil }
        var rest: UInt128 = 0
        if parts.count == 2 {
            guard !parts[1].isEmpty, parts[1].count <= 9 else { return nil }
            let padded = parts[1] + String(repeating: "0", count: 9 - parts[1].count)
            guard let value = UInt128(padded) else { return nil }
            rest = value
        }
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: Self.star)
        guard !overflow else { return nil }
        return Amount(scaled).flatMap { whole in Amount(rest).flatMap { whole + $0 } }
    }
}
