// Which instruction an operator of the tree is, by width and signedness.

extension ScalarType {
    /// Bits as they lie in a register: 8- and 16-bit integers extended to 32.
    func registerBits(_ bits: UInt64) -> UInt64 {
        switch self {
        case .char: UInt64(UInt32(bitPattern: Int32(Int8(truncatingIfNeeded: bits))))
        case .short: UInt64(UInt32(bitPattern: Int32(Int16(truncatingIfNeeded: bits))))
        case .bool: bits & 1
        case .uchar: bits & 0xff
        case .ushort, .half: bits & 0xffff
        case .int, .uint, .float: bits & 0xffff_ffff
        case .long, .ulong, .double: bits
        }
    }

    /// What brings a 32-bit value back into the type's range; nil where the register is as wide.
    var extend: Unary32? {
        switch self {
        case .char: .extend8S
        case .uchar, .bool: .extend8U
        case .short: .extend16S
        case .ushort: .extend16U
        case .int, .uint, .long, .ulong, .float, .double, .half: nil
        }
    }
}

extension BinaryOperator {
    func narrow(_ isSigned: Bool) -> Binary32 {
        switch self {
        case .add: .add
        case .subtract: .sub
        case .multiply: .mul
        case .divide: isSigned ? .divS : .divU
        case .remainder: isSigned ? .remS : .remU
        case .bitAnd: .and
        case .bitOr: .or
        case .bitXor: .xor
        case .shiftLeft: .shl
        case .shiftRight: isSigned ? .shrS : .shrU
        }
    }

    func wide(_ isSigned: Bool) -> Binary64 {
        switch self {
        case .add: .add
        case .subtract: .sub
        case .multiply: .mul
        case .divide: isSigned ? .divS : .divU
        case .remainder: isSigned ? .remS : .remU
        case .bitAnd: .and
        case .bitOr: .or
        case .bitXor: .xor
        case .shiftLeft: .shl
        case .shiftRight: isSigned ? .shrS : .shrU
        }
    }
}

extension ComparisonOperator {
    // `greater` is `less` with the operands exchanged.

    func narrow(_ isSigned: Bool) -> Binary32 {
        switch self {
        case .equal: .eq
        case .notEqual: .ne
        case .less, .greater: isSigned ? .ltS : .ltU
        case .lessOrEqual, .greaterOrEqual: isSigned ? .leS : .leU
        }
    }

    func wide(_ isSigned: Bool) -> Compare64 {
        switch self {
        case .equal: .eq
        case .notEqual: .ne
        case .less, .greater: isSigned ? .ltS : .ltU
        case .lessOrEqual, .greaterOrEqual: isSigned ? .leS : .leU
        }
    }

    var float: Binary32 {
        switch self {
        case .equal: .feq
        case .notEqual: .fne
        case .less, .greater: .flt
        case .lessOrEqual, .greaterOrEqual: .fle
        }
    }
}
