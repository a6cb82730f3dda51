import Foundation
import Kernels
import Primitives
import Testing

/// The kernels under examples/ stay valid.
@Suite struct ExampleTests {
    @Test func examplesAreAccepted() throws {
        for (name, axes) in [("paint", 3), ("matmul", 2)] {
            let path = "\(Front.root)/examples/\(name)/\(name).cl"
            let source = try String(contentsOfFile: path, encoding: .utf8)
            let kernel = try Front.kernel(source)
            #expect(kernel.exactness == .exactInt)
            #expect(kernel.package.manifest.buffers.last?.axes.count == axes)
            #expect(!kernel.openCL().isEmpty)
        }
    }
}
