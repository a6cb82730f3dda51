internal import CSodium

/// Secret bytes that are wiped when the last reference goes. They never print.
///
/// - Bounds: the count is chosen by our own code, never by a peer.
package final class SecretBytes: Sendable, CustomStringConvertible, CustomReflectable {
    /// How many bytes.
    package let count: Int
    // Written once before the reference is shared, wiped after the last one is gone.
    private nonisolated(unsafe) let base: UnsafeMutablePointer<UInt8>

    /// A copy of `bytes`; wiping the original is its owner's business.
    package init(_ bytes: [UInt8]) {
        self.count = bytes.count
        self.base = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, bytes.count))
        self.base.initialize(repeating: 0, count: max(1, bytes.count))
        for (index, byte) in bytes.enumerated() { self.base[index] = byte }
    }

    deinit {
        sodium_memzero(self.base, self.count)
        self.base.deallocate()
    }

    /// The first `count` bytes as a secret of their own.
    package func prefix(_ count: Int) -> SecretBytes {
        var bytes = self.withBytes { Array($0.prefix(count)) }
        defer { Self.wipe(&bytes) }
        return SecretBytes(bytes)
    }

    /// Shows the bytes to `body`, which keeps no copy that outlives its use.
    package func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        body(UnsafeBufferPointer(start: self.base, count: self.count))
    }

    /// Shows the first byte's address to a call into the library, which knows the count.
    func withBase<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R { body(UnsafePointer(self.base)) }

    /// Overwrites an array that held a secret.
    package static func wipe(_ bytes: inout [UInt8]) {
        bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            sodium_memzero(base, buffer.count)
        }
    }

    /// Never the secret.
    package var description: String { "SecretBytes(\(self.count))" }
    /// Never the secret.
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}
