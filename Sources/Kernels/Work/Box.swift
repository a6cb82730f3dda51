extension Geometry {
    /// The layout of one buffer, with its expressions evaluated for one launch.
    ///
    /// - Invariant: strides descend, and each is greater than the largest address that the axes
    ///   after it reach together; so an address has at most one decomposition.
    package struct Box: Hashable, Sendable {
        /// One axis; see ``LayoutAxis``.
        package struct Axis: Hashable, Sendable {
            /// Group axis, or nil: the whole extent.
            package let source: Int?
            package let divisor: Int64
            /// 0: none.
            package let modulus: Int64
            package let block: Int64
            package let limit: Int64
            package let stride: Int64
        }

        /// Scalars before the box of all groups.
        package let origin: Int64
        /// In the manifest's order: what ``Store/cells`` refers to.
        package let axes: [Axis]
        /// Indices of `axes` in the order of a slice: as listed, by descending stride.
        package let order: [Int]

        /// The group's coordinates on each axis, in the order of `axes`; empty ranges where it owns
        /// nothing.
        package func ranges(ofGroup group: [UInt32]) -> [Range<Int64>] {
            self.axes.map { axis in
                guard let source = axis.source else { return 0..<axis.limit }
                var number = Int64(group[source]) / axis.divisor
                if axis.modulus > 0 { number %= axis.modulus }
                // Both factors are below 2^32 (checked when the box was made).
                let start = min(number * axis.block, axis.limit)
                return start..<min(start + axis.block, axis.limit)
            }
        }

        /// Whether the ranges (of ``ranges(ofGroup:)``) contain the scalar with this index.
        package func owns(_ index: Int64, in ranges: [Range<Int64>]) -> Bool {
            guard index >= self.origin else { return false }
            var rest = index - self.origin
            for number in self.order {
                let axis = self.axes[number]
                let coordinate = axis.limit == 1 ? 0 : rest / axis.stride
                guard ranges[number].contains(coordinate) else { return false }
                rest -= coordinate * axis.stride
            }
            return rest == 0
        }

        /// Scalars that a group with these ranges owns.
        package func count(in ranges: [Range<Int64>]) -> UInt64 {
            guard ranges.allSatisfy({ !$0.isEmpty }) else { return 0 }
            // At most the product of the limits, which is at most the buffer's elements.
            return ranges.reduce(1) { $0 * UInt64($1.upperBound - $1.lowerBound) }
        }

        /// Calls `visit` with each run (first scalar, scalars) of a group's cells, by ascending
        /// address.
        ///
        /// - Throws: what `visit` throws.
        func forEachRun<Failure: Error>(
            in ranges: [Range<Int64>], _ visit: (Int64, Int64) throws(Failure) -> Void
        ) throws(Failure) {
            guard ranges.allSatisfy({ !$0.isEmpty }) else { return }
            var coordinates = ranges.map(\.lowerBound)
            let outer = self.order.dropLast()
            let inner = self.order.last.map { self.axes[$0].stride == 1 ? $0 : nil } ?? nil
            let moving = inner == nil ? Array(self.order) : Array(outer)
            let length = inner.map { ranges[$0].upperBound - ranges[$0].lowerBound } ?? 1
            while true {
                var address = self.origin
                for (number, axis) in self.axes.enumerated() {
                    address += coordinates[number] * axis.stride
                }
                try visit(address, length)
                var position = moving.count - 1
                while position >= 0 {
                    let number = moving[position]
                    coordinates[number] += 1
                    if coordinates[number] < ranges[number].upperBound { break }
                    coordinates[number] = ranges[number].lowerBound
                    position -= 1
                }
                if position < 0 { return }
            }
        }
    }
}

extension Geometry.Box {
    /// Evaluates a layout for one launch and proves that no two groups own one cell.
    ///
    /// - Throws: ``WorkError`` `work.layout.*` naming the buffer.
    init(
        _ layout: BufferLayout, elements: UInt64, environment: ScalarExpression.Environment
    ) throws(WorkError) {
        func value(
            _ expression: ScalarExpression, _ field: String, _ range: ClosedRange<Int64>
        ) throws(WorkError) -> Int64 {
            guard let value = expression.value(in: environment), range.contains(value) else {
                throw WorkError(
                    "work.layout.range",
                    "buffer \(layout.name): \(field) = \(expression.text) is not in "
                        + "\(range.lowerBound)...\(range.upperBound)")
            }
            return value
        }
        let most: Int64 = 1 << 31
        let origin = try value(layout.origin, "origin", 0...most)
        var axes: [Axis] = []
        for axis in layout.axes {
            let source = axis.source
            axes.append(
                Axis(
                    source: source.map { Int($0.axis) },
                    divisor: try value(source?.divisor ?? .constant(1), "divisor", 1...most),
                    modulus: try value(source?.modulus ?? .constant(0), "modulus", 0...most),
                    block: try value(axis.block, "block", 1...most),
                    limit: try value(axis.limit, "limit", 0...most),
                    stride: try value(axis.stride, "stride", 1...most)))
        }
        let moving = axes.filter { $0.limit != 1 }
        for (outer, inner) in zip(moving, moving.dropFirst()) where outer.stride < inner.stride {
            throw WorkError(
                "work.layout.order",
                "buffer \(layout.name): list the axes from the largest stride to the smallest")
        }
        let order = Array(axes.indices)
        self.origin = origin
        self.axes = axes
        self.order = order
        try self.checkAddresses(layout.name, elements: elements)
        try self.checkGroups(layout.name, groups: environment.groups)
    }

    /// Every coordinate tuple has an address of its own, inside the buffer.
    private func checkAddresses(_ name: String, elements: UInt64) throws(WorkError) {
        // Nothing is owned at all.
        guard self.axes.allSatisfy({ $0.limit > 0 }) else { return }
        var reach: Int64 = 0
        for number in self.order.reversed() {
            let axis = self.axes[number]
            guard axis.stride > reach || axis.limit == 1 else {
                throw WorkError(
                    "work.layout.overlap",
                    "buffer \(name): stride \(axis.stride) does not clear the \(reach + 1) scalars "
                        + "of the axes inside it")
            }
            let (span, overflow) = axis.stride.multipliedReportingOverflow(by: axis.limit - 1)
            guard !overflow, span <= 1 << 31 else {
                throw WorkError("work.layout.range", "buffer \(name): the layout spans too much")
            }
            reach += span
        }
        guard UInt64(self.origin + reach) < elements else {
            throw WorkError(
                "work.layout.outside",
                "buffer \(name): the layout needs \(self.origin + reach + 1) elements, "
                    + "\(elements) are bound")
        }
    }

    /// Distinct groups have distinct block numbers: along every group axis of more than one group,
    /// the sources are digits of a mixed radix that together reach the number of groups.
    private func checkGroups(_ name: String, groups: [UInt32]) throws(WorkError) {
        for axis in 0..<3 where groups[axis] > 1 {
            let digits = self.axes.filter { $0.source == axis }.sorted { $0.divisor < $1.divisor }
            var reached: Int64 = 1
            for digit in digits {
                guard digit.divisor == reached else { continue }
                guard digit.modulus > 0 else {
                    reached = Int64(UInt32.max)
                    break
                }
                reached = min(digit.divisor * digit.modulus, Int64(UInt32.max))
            }
            guard reached >= Int64(groups[axis]) else {
                let letter = ["x", "y", "z"][axis]
                throw WorkError(
                    "work.layout.overlap",
                    "buffer \(name): \(groups[axis]) groups along \(letter) share cells; "
                        + "give the layout an axis with that source, or launch one group there")
            }
        }
    }
}
