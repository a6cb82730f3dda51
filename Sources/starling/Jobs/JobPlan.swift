import Foundation
import Kernels
import Primitives

/// What a requester wrote, as a work order: inputs read, scalars and groups settled, and nothing
/// sent so far.
struct JobPlan {
    /// The arguments of `job run` that concern the work itself.
    struct Wishes {
        var inputs: [String] = []
        var scalars: [String] = []
        var elements: [String] = []
        var groups: String?
    }

    let kernel: Kernel
    let order: WorkOrder
    let geometry: Geometry
    /// One per buffer; empty where nothing is bound.
    let inputs: [[UInt8]]
    /// The extent of the picture that was read, if one was.
    let picture: (width: Int, height: Int)?

    /// - Throws: ``CommandFailure`` saying which argument is missing or wrong.
    init(_ kernel: Kernel, _ wishes: Wishes) throws {
        var draft = Draft(kernel)
        try draft.read(wishes.inputs)
        let scalars = try draft.scalars(Self.pairs(wishes.scalars, "--set"))
        let groups = try wishes.groups.map(Self.groups)
        let shape = try LaunchShape(kernel, scalars: scalars, groups: groups)
        let elements = try Self.pairs(wishes.elements, "--elements").map { name, text in
            guard let count = UInt64(text) else {
                throw CommandFailure.usage("--elements \(name)=\(text) is no number")
            }
            return (name, count)
        }
        let bindings = try draft.bindings(shape, elements)
        self.kernel = kernel
        self.inputs = draft.data
        self.picture = draft.picture
        self.order = WorkOrder(
            kernel: kernel.package.id,
            launches: [Launch(groups: shape.groups, scalars: scalars, buffers: bindings)])
        do throws(WorkError) {
            self.geometry = try kernel.geometry(self.order)
        } catch {
            throw CommandFailure(
                error.message, fix: "check --set, --in and --groups", code: error.code)
        }
    }

    /// The value of an integer scalar called `name` (upper or lower case).
    func integer(_ name: String) -> Int? {
        for (parameter, scalar) in zip(self.kernel.tree.scalars, self.order.launches[0].scalars)
        where parameter.name.lowercased() == name {
            return scalar.integer.flatMap { Int(exactly: $0) }
        }
        return nil
    }

    /// `NAME=VALUE` arguments.
    static func pairs(_ texts: [String], _ option: String) throws -> [(String, String)] {
        try texts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw CommandFailure.usage(
                    "\(option) \(printable(text)): NAME=VALUE expected")
            }
            return (String(parts[0]), String(parts[1]))
        }
    }

    private static func groups(_ text: String) throws -> [UInt32] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { UInt32($0) }
        guard (1...3).contains(parts.count), !parts.contains(nil) else {
            throw CommandFailure.usage("--groups \(printable(text)): X,Y,Z expected")
        }
        return parts.compactMap { $0 } + Array(repeating: 1, count: 3 - parts.count)
    }
}

/// A plan being made.
private struct Draft {
    let kernel: Kernel
    let layouts: [BufferLayout]
    /// One per buffer; empty where nothing is bound.
    var data: [[UInt8]]
    /// Elements of buffers that were given: by a file, or as zeros.
    var given: [UInt64?]
    var picture: (width: Int, height: Int)?
    private var channels: Int?

    init(_ kernel: Kernel) {
        self.kernel = kernel
        self.layouts = kernel.package.manifest.buffers
        self.data = self.layouts.map { _ in [] }
        self.given = self.layouts.map { _ in nil }
    }

    // MARK: Inputs

    mutating func read(_ inputs: [String]) throws {
        for (name, value) in try JobPlan.pairs(inputs, "--in") {
            let index = try self.buffer(name)
            let layout = self.layouts[index]
            guard layout.role.isRead else {
                throw CommandFailure.usage(
                    "buffer \(name) is written only", fix: "name it with --out instead of --in")
            }
            if value.hasPrefix("@zeros:") {
                guard let count = UInt64(value.dropFirst(7)) else {
                    throw CommandFailure.usage("--in \(name)=@zeros:N: a number expected for N")
                }
                self.given[index] = count
                continue
            }
            let bytes = try self.content(readFile(value), value)
            let width = layout.element.bytes
            guard !bytes.isEmpty, bytes.count.isMultiple(of: width) else {
                throw CommandFailure(
                    "\(printable(value)) has \(bytes.count) bytes, no multiple of the \(width) of "
                        + "one \(layout.element.name)", fix: "give raw little-endian elements")
            }
            self.data[index] = bytes
            self.given[index] = UInt64(bytes.count / width)
        }
        let missing = self.layouts.indices.filter {
            self.layouts[$0].role == .in && self.given[$0] == nil
        }
        guard missing.isEmpty else {
            let names = missing.map { self.layouts[$0].name }
            throw CommandFailure.usage(
                "nothing is given for \(names.joined(separator: ", "))",
                fix: "add --in \(names[0])=FILE, or --in \(names[0])=@zeros:N")
        }
    }

    /// The pixels of a picture; any other file as it is.
    private mutating func content(_ bytes: [UInt8], _ path: String) throws -> [UInt8] {
        let name = path.lowercased()
        let isPicture = [".ppm", ".pgm", ".pnm"].contains { name.hasSuffix($0) }
        guard isPicture else { return bytes }
        do throws(Picture.Problem) {
            let picture = try Picture(file: bytes)
            self.picture = self.picture ?? (picture.width, picture.height)
            self.channels = self.channels ?? picture.channels
            return picture.pixels
        } catch {
            throw CommandFailure(
                "\(printable(path)) is no binary PGM or PPM of 8 bits a sample (\(error))",
                fix: "convert it, such as with: convert photo.jpg -depth 8 photo.ppm")
        }
    }

    private func buffer(_ name: String) throws -> Int {
        guard let index = self.layouts.firstIndex(where: { $0.name == name }) else {
            throw CommandFailure.usage(
                "the kernel has no buffer \(printable(name))",
                fix: "its buffers are \(self.layouts.map(\.name).joined(separator: ", "))")
        }
        return index
    }

    // MARK: Scalars

    func scalars(_ pairs: [(String, String)]) throws -> [Scalar] {
        let parameters = self.kernel.tree.scalars
        for (name, _) in pairs where !parameters.contains(where: { $0.name == name }) {
            throw CommandFailure.usage(
                "the kernel has no scalar \(printable(name))",
                fix: "its scalars are \(parameters.map(\.name).joined(separator: ", "))")
        }
        return try parameters.map { parameter in
            let written = pairs.last { $0.0 == parameter.name }?.1
            guard let text = written ?? self.fromPicture(parameter.name) else {
                throw CommandFailure.usage(
                    "nothing is given for the scalar \(parameter.name)",
                    fix: "add --set \(parameter.name)=VALUE (\(parameter.type.name))")
            }
            guard let scalar = Self.scalar(parameter.type, text) else {
                throw CommandFailure.usage(
                    "--set \(parameter.name)=\(printable(text)): \(parameter.type.name) expected")
            }
            return scalar
        }
    }

    private func fromPicture(_ name: String) -> String? {
        guard let picture, let channels else { return nil }
        switch name.lowercased() {
        case "width": return String(picture.width)
        case "height": return String(picture.height)
        case "channels": return String(channels)
        default: return nil
        }
    }

    private static func scalar(_ type: ScalarType, _ text: String) -> Scalar? {
        if let scalar = Scalar(type, text: text) { return scalar }
        guard type == .float, let value = Float(text), value.isFinite else { return nil }
        return Scalar(.float, bits: UInt64(value.bitPattern))
    }

    // MARK: Bindings

    func bindings(_ shape: LaunchShape, _ wanted: [(String, UInt64)]) throws -> [Binding] {
        for (name, _) in wanted { _ = try self.buffer(name) }
        return self.layouts.indices.map { index in
            let bytes = self.data[index]
            let source: BindingSource = bytes.isEmpty ? .zero : .blob(BlobHasher.id(bytes))
            let said = wanted.last { $0.0 == self.layouts[index].name }?.1
            return Binding(
                source, elements: said ?? self.given[index] ?? shape.elements[index] ?? 1)
        }
    }
}
