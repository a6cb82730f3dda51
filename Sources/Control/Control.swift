/// JSON-RPC on a Unix socket: server, client, schemas.
///
/// One object per line, UTF-8, `\n` at the end. Amounts and 64-bit numbers are decimal strings,
/// bytes are lower-case hexadecimal. Every limit below is checked before anything is kept.
package enum Control {
    /// Longest line a client may send, the newline included: 4 MiB.
    package static let requestBytesMax = 4 << 20

    /// Longest line a server may answer with: 16 MiB. A longer reply becomes an error.
    package static let replyBytesMax = 16 << 20

    /// Deepest nesting of arrays and objects in one line.
    package static let depthMax = 64

    /// Most calls in one batch.
    package static let batchMax = 64

    /// Most calls of one connection that wait for their handler.
    package static let callsInFlightMax = 64

    /// Most connections; a further one is told so and closed.
    package static let connectionsMax = 64

    /// Most subscriptions of one connection.
    package static let subscriptionsMax = 16

    /// Bytes queued for one reader before it is cut off: 32 MiB.
    package static let outgoingBytesMax = 32 << 20

    /// Bytes of requests being handled above which a connection is not read: 8 MiB.
    package static let requestsHeldBytesMax = 8 << 20

    /// Largest piece of a blob in one call: 1 MiB, which is 2 MiB of hexadecimal.
    package static let pieceBytesMax = 1 << 20

    /// Where the daemon of a Debian installation listens.
    package static let defaultSocket = "/run/starling/rpc.sock"
}
