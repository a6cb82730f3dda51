/// The register file of one group, and the loops over its rows.
///
/// Layout: uniform values first (8 bytes each), then rows. A 32-bit row has `width` values of 4
/// bytes, a 64-bit row `width` of 8, where `width` is the group size rounded up to a multiple of
/// 16. Loops run over the whole width, padding lanes too: what they compute is never stored,
/// because masks are zero there.
///
/// - Invariant: each offset in an instruction was checked by ``Program`` against `byteCount`.
struct Frame {
    let base: UnsafeMutableRawPointer
    let width: Int
    /// Work-items of the group; at most `width`.
    let lanes: Int

    /// Lanes rounded up, so that vector loops have no remainder.
    static func width(lanes: Int) -> Int { (lanes + 15) & ~15 }

    @inline(__always) func pointer<T>(_ offset: Int32, _ type: T.Type) -> UnsafeMutablePointer<T> {
        (self.base + Int(offset)).assumingMemoryBound(to: T.self)
    }

    @inline(__always) var count: Int { self.width & ~15 }

    /// One operand, one result. The row may be its own source.
    @inline(__always) func unary<A, D>(_ i: Instruction, _ f: (A) -> D) {
        let a = self.pointer(i.a, A.self)
        let d = self.pointer(i.d, D.self)
        if i.form == .uniform {
            d[0] = f(a[0])
        } else {
            for k in 0..<self.count { d[k] = f(a[k]) }
        }
    }

    /// Two operands of one type. A separate loop for `d == a` keeps accumulation vectorised: the
    /// compiler's overlap test sends rows that are equal to scalar code.
    @inline(__always) func binary<T, D>(_ i: Instruction, _ f: (T, T) -> D) {
        let a = self.pointer(i.a, T.self)
        let b = self.pointer(i.b, T.self)
        let d = self.pointer(i.d, D.self)
        let count = self.count
        switch i.form {
        case .rows:
            for k in 0..<count { d[k] = f(a[k], b[k]) }
        case .rowUniform:
            let s = b[0]
            for k in 0..<count { d[k] = f(a[k], s) }
        case .uniformRow:
            let s = a[0]
            for k in 0..<count { d[k] = f(s, b[k]) }
        case .uniform:
            d[0] = f(a[0], b[0])
        }
    }

    /// Like ``binary(_:_:)`` for the operations of inner loops.
    @inline(__always) func accumulating<T>(_ i: Instruction, _ f: (T, T) -> T) {
        guard i.d == i.a, i.form == .rows || i.form == .rowUniform else {
            return self.binary(i, f)
        }
        let b = self.pointer(i.b, T.self)
        let d = self.pointer(i.d, T.self)
        let count = self.count
        if i.form == .rows {
            for k in 0..<count { d[k] = f(d[k], b[k]) }
        } else {
            let s = b[0]
            for k in 0..<count { d[k] = f(d[k], s) }
        }
    }

    @inline(__always) func ternary<A, T>(_ i: Instruction, _ f: (A, T, T) -> T) {
        let a = self.pointer(i.a, A.self)
        let b = self.pointer(i.b, T.self)
        let c = self.pointer(i.c, T.self)
        let d = self.pointer(i.d, T.self)
        if i.form == .uniform {
            d[0] = f(a[0], b[0], c[0])
        } else if i.form == .uniformRow {
            let s = a[0]
            for k in 0..<self.count { d[k] = f(s, b[k], c[k]) }
        } else {
            for k in 0..<self.count { d[k] = f(a[k], b[k], c[k]) }
        }
    }
}
