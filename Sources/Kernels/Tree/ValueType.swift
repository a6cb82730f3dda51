internal import Primitives

/// The type of one number, as kernels, manifests and work orders name it.
///
/// `bool` never lies in memory of a buffer. `double` and `half` have a code, so that formats need
/// not change, and are refused by the checker.
package enum ScalarType: UInt8, CodeEnum {
    case bool = 0
    case char = 1
    case uchar = 2
    case short = 3
    case ushort = 4
    case int = 5
    case uint = 6
    case long = 7
    case ulong = 8
    case float = 9
    case double = 10
    case half = 11

    /// Bits of one value in memory; a bool counts as 8.
    package var bits: Int {
        switch self {
        case .bool, .char, .uchar: 8
        case .short, .ushort, .half: 16
        case .int, .uint, .float: 32
        case .long, .ulong, .double: 64
        }
    }

    /// Bytes of one value in memory.
    package var bytes: Int { self.bits / 8 }

    /// Whether values are two's complement and negative ones exist.
    package var isSigned: Bool {
        switch self {
        case .char, .short, .int, .long: true
        case .bool, .uchar, .ushort, .uint, .ulong, .float, .double, .half: false
        }
    }

    /// A floating-point type.
    package var isFloat: Bool {
        switch self {
        case .float, .double, .half: true
        default: false
        }
    }

    /// An integer type, bool included.
    package var isInteger: Bool { !self.isFloat }

    /// Name in OpenCL C.
    package var name: String {
        switch self {
        case .bool: "bool"
        case .char: "char"
        case .uchar: "uchar"
        case .short: "short"
        case .ushort: "ushort"
        case .int: "int"
        case .uint: "uint"
        case .long: "long"
        case .ulong: "ulong"
        case .float: "float"
        case .double: "double"
        case .half: "half"
        }
    }
}

/// The type of a value in registers: `width` numbers of one scalar type.
///
/// - Bounds: `width` is 1, 2, 3, 4, 8 or 16.
package struct ValueType: Hashable, Sendable {
    package let base: ScalarType
    package let width: Int

    package init(_ base: ScalarType, width: Int = 1) {
        self.base = base
        self.width = width
    }

    package static let bool = ValueType(.bool)
    package static let int = ValueType(.int)
    package static let uint = ValueType(.uint)
    package static let long = ValueType(.long)
    package static let ulong = ValueType(.ulong)
    package static let float = ValueType(.float)

    /// One number.
    package var isScalar: Bool { self.width == 1 }

    /// Name in OpenCL C.
    package var name: String {
        self.width == 1 ? self.base.name : "\(self.base.name)\(self.width)"
    }

    /// The same width of another scalar type.
    package func with(_ base: ScalarType) -> ValueType { ValueType(base, width: self.width) }
}
