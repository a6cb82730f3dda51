/// A checked kernel: what the referee is lowered from and what OpenCL C is emitted from.
///
/// Helpers are inlined (a ``Statement/scope(_:)`` whose parameters and result are variables), types
/// are resolved, macros are gone, names are numbers. No text of the author is in it but the names
/// that reports and the emitter's comments never print.
///
/// - Bounds: see ``Limits``; a tree that came out of the checker satisfies all of them.
package struct Tree: Hashable, Sendable {
    /// Lanes of a group along x, y, z; each at least 1, the product at most ``Limits/groupLanes``.
    package let localSize: [UInt32]
    /// Buffers in the order of the kernel's pointer parameters to global or constant memory.
    package let buffers: [BufferObject]
    /// Scalar parameters, in the order of the kernel's parameters that are not pointers.
    package let scalars: [ScalarParameter]
    /// Arrays of the group, `__local` arguments included (their size is in the manifest).
    package let locals: [ArrayObject]
    /// Arrays of each lane.
    package let privates: [ArrayObject]
    /// Constant tables.
    package let constants: [ConstantTable]
    /// Private variables of each lane; all are zero when the group starts.
    package let variables: [Variable]
    package let body: Block
    /// Whether any lane operation is a float one.
    package let usesFloat: Bool
    /// Number of expression nodes and statements, at most ``Limits/treeNodes``.
    package let nodeCount: Int

    /// Lanes of a group.
    package var lanes: Int { self.localSize.reduce(1) { $0 * Int($1) } }
}

/// A buffer parameter.
package struct BufferObject: Hashable, Sendable {
    package let name: String
    package let element: ScalarType
    package let role: BufferRole
}

/// A scalar parameter.
package struct ScalarParameter: Hashable, Sendable {
    package let name: String
    package let type: ScalarType
}

/// An array of scalars in local or private memory.
package struct ArrayObject: Hashable, Sendable {
    package let name: String
    package let element: ScalarType
    /// Scalars, at least 1.
    package let count: Int

    /// Bytes of all elements.
    package var bytes: Int { self.count * self.element.bytes }
}

/// A table whose values are in the text.
package struct ConstantTable: Hashable, Sendable {
    package let name: String
    package let element: ScalarType
    /// Bits of each element: integers zero-extended from their width, floats as IEEE bits.
    package let values: [UInt64]
}

/// A private variable of each lane.
package struct Variable: Hashable, Sendable {
    package let name: String
    package let type: ValueType
}
