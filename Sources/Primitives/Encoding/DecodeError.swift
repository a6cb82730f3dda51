/// Why bytes are not a canonical encoding; every case says where.
///
/// - Source: protocol/encoding.md, "Errors".
@usableFromInline package enum DecodeError: Error, Hashable, Sendable {
    /// The input ended before the value did.
    case truncated(offset: Int)
    /// Bytes remain after the value.
    case trailingBytes(offset: Int)
    /// A ULEB128 length has more bytes than it needs, or exceeds 32 bits.
    case nonMinimalLength(offset: Int)
    /// A length above its field's bound; nothing was allocated for it.
    case tooLong(field: String, limit: Int, offset: Int)
    /// A tag or code that names no case.
    case unknownTag(field: String, tag: UInt64, offset: Int)
    /// Well-formed bytes that no value of the type has.
    case invalid(field: String, offset: Int)
    /// Entries that must ascend strictly and do not.
    case notSorted(field: String, offset: Int)
    /// Nesting beyond the bound of the type.
    case tooDeep(offset: Int)
}

/// Why a JSON value is not a value of the expected type.
///
/// `path` is in the notation `operations[0].amount`; `expected` and `found` are words for people.
///
/// - Bounds: of what a stranger wrote, path and `found` show `shownMax` scalars.
@usableFromInline package struct FieldError: Error, Hashable, Sendable {
    /// The most scalars of a path or of what was found.
    package static let shownMax = 256

    /// Where in the document.
    package let path: String
    /// What belongs there.
    package let expected: String
    /// What was there.
    package let found: String

    /// An error at `path`.
    package init(path: String, expected: String, found: String) {
        self.path = Self.shown(path)
        self.expected = expected
        self.found = Self.shown(found)
    }

    private static func shown(_ text: String) -> String {
        guard text.utf8.count > Self.shownMax else { return text }
        // By scalars: one character may be megabytes of combining marks.
        let scalars = text.unicodeScalars.prefix(Self.shownMax - 1)
        return String(String.UnicodeScalarView(scalars)) + "…"
    }

    /// An error that describes `json` as what was found.
    package init(path: String, expected: String, found json: JSON?) {
        self.init(path: path, expected: expected, found: json.map(\.kind) ?? "nothing")
    }
}
