internal import Primitives

/// A checked kernel: the only way from a package to anything that runs.
///
/// Making one parses, checks, verifies and lowers; it never traps, whatever the package, and takes
/// time and memory bounded by ``Limits``.
package struct Kernel: Sendable {
    /// What was published.
    package let package: KernelPackage
    /// The checked kernel.
    package let tree: Tree
    /// What the referee runs.
    let program: Program

    /// - Throws: ``KernelError``: first the manifest's, then the text's in reading order, then what
    ///   the verifier finds.
    package init(_ package: KernelPackage) throws(KernelError) {
        let source = Array(package.source.utf8)
        do throws(KernelError) {
            try package.manifest.check()
            let unit = try Parser.parse(source)
            let (tree, barriers, stores) = try Checker.tree(unit, manifest: package.manifest)
            let (marked, varying) = try Uniformity.marked(tree, barriers: barriers)
            let verified = try Verifier.verified(
                marked, isVarying: varying, manifest: package.manifest, stores: stores)
            guard !verified.usesFloat || package.manifest.exactness == .exactFloat32 else {
                throw KernelError(
                    code: "manifest.exactness", message: "the kernel computes with floats",
                    fix: "set exactness to exactFloat32")
            }
            self.tree = verified
            self.program = try Program(lowering: verified, fuel: package.manifest.fuel)
        } catch {
            throw error.with(excerptOf: source)
        }
        self.package = package
    }

    /// What makes two honest runs agree.
    package var exactness: ExactnessClass { self.package.manifest.exactness }

    /// Types of the scalar parameters, in order.
    package var scalarTypes: [ScalarType] { self.tree.scalars.map(\.type) }

    /// Canonical OpenCL C for a device; its arguments are ``KernelABI``.
    package func openCL() -> String {
        Emitter.text(of: self.tree, manifest: self.package.manifest)
    }

    /// What an order comes to.
    ///
    /// - Throws: ``WorkError``.
    package func geometry(_ order: WorkOrder) throws(WorkError) -> Geometry {
        guard order.kernel == self.package.id else {
            throw WorkError("work.kernel", "the order is for another kernel")
        }
        guard order.launches.count == Limits.launchesAccepted, let launch = order.launches.first
        else {
            throw WorkError(
                "work.unsupported.launches",
                "\(order.launches.count) launches; exactly \(Limits.launchesAccepted) is accepted")
        }
        // Devices hold one copy of a buffer, and a group must read its neighbours' cells as they
        // were.
        for buffer in self.tree.buffers where buffer.role == .inout {
            throw WorkError(
                "work.unsupported.inout",
                "buffer \(buffer.name) is inout: read one buffer and write another")
        }
        return try Geometry(launch, tree: self.tree, manifest: self.package.manifest)
    }

    /// What one launch comes to, without an order.
    ///
    /// - Throws: ``WorkError``.
    package func geometry(launch: Launch) throws(WorkError) -> Geometry {
        try Geometry(launch, tree: self.tree, manifest: self.package.manifest)
    }
}
