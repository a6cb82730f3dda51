/// Cuts a launch of X × Y × Z groups into boxes that are enqueued one after the other.
///
/// A box is a part of one row, or whole rows of one plane, or whole planes: together they cover
/// every group once, in the order of group numbers.
struct GroupWindows {
    /// One box: the first group and the counts along x, y, z.
    struct Window: Hashable {
        let base: [UInt32]
        let counts: [UInt32]

        var groups: UInt64 { self.counts.reduce(1) { $0 * UInt64($1) } }
    }

    private let total: [UInt64]
    /// Groups along each axis that one enqueue may have.
    private let axisMax: [UInt64]
    private var next: UInt64 = 0

    /// Groups not handed out yet.
    var remaining: UInt64 { self.total[0] * self.total[1] * self.total[2] - self.next }

    /// Nothing handed out yet.
    ///
    /// - Bounds: `total` and `axisMax` are positive.
    init(total: [UInt32], axisMax: [UInt64]) {
        precondition(total.count == 3 && axisMax.count == 3, "three axes")
        precondition(total.allSatisfy { $0 > 0 } && axisMax.allSatisfy { $0 > 0 }, "no empty axis")
        self.total = total.map { UInt64($0) }
        self.axisMax = axisMax
    }

    /// The next box of at most `budget` groups (at least one); nil at the end.
    mutating func take(_ budget: UInt64) -> Window? {
        guard self.remaining > 0 else { return nil }
        let (width, height, depth) = (self.total[0], self.total[1], self.total[2])
        let x = self.next % width
        let y = self.next / width % height
        let z = self.next / width / height
        var counts: [UInt64] = [1, 1, 1]
        if x > 0 || budget < width || width > self.axisMax[0] {
            counts[0] = min(max(budget, 1), width - x, self.axisMax[0])
        } else {
            let rows = min(budget / width, self.axisMax[1])
            counts[0] = width
            if y > 0 || rows < height {
                counts[1] = min(rows, height - y)
            } else {
                counts[1] = height
                counts[2] = min(budget / width / height, depth - z, self.axisMax[2])
            }
        }
        self.next += counts[0] * counts[1] * counts[2]
        // Each is below a count of the launch, which is 32 bits.
        return Window(
            base: [x, y, z].map { UInt32(truncatingIfNeeded: $0) },
            counts: counts.map { UInt32(truncatingIfNeeded: $0) })
    }
}
