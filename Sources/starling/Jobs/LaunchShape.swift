import Kernels
import Primitives

/// Groups and buffer lengths of a launch, as far as the layouts say them.
struct LaunchShape {
    let groups: Extent
    /// For each written buffer, the elements that its layout reaches; nil for the others.
    let elements: [UInt64?]

    /// Works both out from the scalars.
    ///
    /// - Parameter groups: what the user says; nil infers them from the layouts.
    /// - Throws: ``CommandFailure`` when the layouts do not say.
    init(_ kernel: Kernel, scalars: [Scalar], groups: [UInt32]?) throws {
        let manifest = kernel.package.manifest
        var environment = ScalarExpression.Environment(
            names: kernel.tree.scalars.map(\.name), values: scalars.map(\.integer),
            groups: groups ?? [1, 1, 1], local: manifest.localSize.array)
        if groups == nil {
            environment.groups = try (0..<3).map {
                try Self.groups(along: $0, manifest, environment)
            }
        }
        let found = environment.groups
        self.groups = Extent(x: found[0], y: found[1], z: found[2])
        self.elements = try manifest.buffers.map { layout in
            layout.role.isWritten ? try Self.reach(layout, environment) : nil
        }
    }

    /// The groups that cover every layout along one axis; 1 where no layout uses it.
    private static func groups(
        along axis: UInt8, _ manifest: Manifest, _ environment: ScalarExpression.Environment
    ) throws -> UInt32 {
        var most: Int64 = 1
        for layout in manifest.buffers {
            for one in layout.axes {
                guard let source = one.source, source.axis == axis else { continue }
                let modulus = try Self.value(source.modulus, environment, layout)
                let divisor = try Self.value(source.divisor, environment, layout)
                let limit = try Self.value(one.limit, environment, layout)
                let block = try Self.value(one.block, environment, layout)
                guard block > 0, divisor > 0, limit >= 0, limit <= 1 << 31 else { continue }
                let numbers = modulus > 0 ? modulus : (limit + block - 1) / block
                let (count, overflow) = numbers.multipliedReportingOverflow(by: divisor)
                guard !overflow else { continue }
                most = max(most, count)
            }
        }
        guard let groups = UInt32(exactly: most) else {
            throw CommandFailure.usage(
                "the layout asks for \(most) groups", fix: "give --groups X,Y,Z")
        }
        return groups
    }

    private static func reach(
        _ layout: BufferLayout, _ environment: ScalarExpression.Environment
    ) throws -> UInt64 {
        var last = try Self.value(layout.origin, environment, layout)
        for axis in layout.axes {
            let limit = try Self.value(axis.limit, environment, layout)
            let stride = try Self.value(axis.stride, environment, layout)
            let (span, overflow) = max(limit - 1, 0).multipliedReportingOverflow(by: stride)
            guard !overflow, span >= 0, span <= 1 << 31, last >= 0, last <= 1 << 31 else {
                throw CommandFailure.usage(
                    "buffer \(layout.name): the layout spans too much", fix: "check the scalars")
            }
            last += span
        }
        return UInt64(max(last, 0)) + 1
    }

    private static func value(
        _ expression: ScalarExpression, _ environment: ScalarExpression.Environment,
        _ layout: BufferLayout
    ) throws -> Int64 {
        guard let value = expression.value(in: environment) else {
            throw CommandFailure.usage(
                "buffer \(layout.name): \(expression.text) has no value for these scalars",
                fix: "check --set, or give --groups X,Y,Z and --elements \(layout.name)=N")
        }
        return value
    }
}
