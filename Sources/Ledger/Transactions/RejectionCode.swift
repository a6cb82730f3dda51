/// The unique number and dotted name of one reason to refuse: what receipts carry and people read.
///
/// Ranges: 1...999 Ledger, from 1000 Economy, 100 per module. A number is never used again.
///
/// - Source: protocol/rejections.csv, which is checked against ``all`` and Economy's own list.
package struct RejectionCode: Hashable, Sendable {
    /// The wire code.
    package let number: UInt16
    /// Such as `transfer.insufficientFunds`.
    package let name: String

    /// A code of a registry.
    package init(number: UInt16, name: String) {
        self.number = number
        self.name = name
    }

    /// Every code of this room, by ascending number.
    package static let all: [RejectionCode] =
        InclusionFault.codes + Policy.Rejection.codes + ExecutionRejection.codes
        + Transfer.Rejection.codes + Hold.Rejection.codes
        + Asset.Rejection.codes
}

/// An error that a receipt can carry.
package protocol CodedRejection: Error, Hashable, Sendable {
    /// Its number and name.
    var code: RejectionCode { get }
}

/// An enum of rejections without payload: the raw value is the wire code, the order is the order
/// checked.
package protocol RejectionCases: CodedRejection, CaseIterable, RawRepresentable
where RawValue == UInt16 {
    /// The first part of the dotted names.
    static var prefix: String { get }
}

extension RejectionCases {
    /// Its number and name.
    package var code: RejectionCode {
        RejectionCode(number: self.rawValue, name: "\(Self.prefix).\(self)")
    }

    /// All codes in the order of declaration.
    package static var codes: [RejectionCode] { Self.allCases.map(\.code) }
}
