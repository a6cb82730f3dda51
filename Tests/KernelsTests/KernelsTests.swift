import Kernels
import Primitives
import Testing

/// Shortcuts for tests of the front end.
enum Front {
    /// A kernel with inferred layouts.
    static func kernel(
        _ source: String, definitions: [Definition] = [], local: Extent? = nil
    ) throws(KernelError) -> Kernel {
        let manifest = try Manifest.infer(
            source: source, definitions: definitions, localSize: local)
        let text = try KernelPackage.expand(source: source, definitions: definitions)
        return try Kernel(KernelPackage(source: text, manifest: manifest))
    }

    /// The code of the error that a source gives, or "accepted".
    static func code(_ source: String, local: Extent? = Extent(x: 16, y: 1, z: 1)) -> String {
        do throws(KernelError) {
            _ = try Self.kernel(source, local: local)
            return "accepted"
        } catch { return error.code }
    }

    /// A kernel `k` with an output of ints, one cell per lane, and the given body.
    static func body(_ text: String, before: String = "") -> String {
        """
        \(before)
        __kernel void k(__global const int *in, __global int *out, int n) {
            int i = get_global_id(0);
            \(text)
        }
        """
    }

    /// Where the repository is.
    static var root: String {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }
}
