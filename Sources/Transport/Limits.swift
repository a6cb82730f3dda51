// Bounds of the driver: what a stranger, or a node that is busy, may make it hold.

/// Connections that others opened, at most: 192 peers, each perhaps with one for blobs.
let inboundMax = 512
/// Of these, at most from one source that is not this machine.
let openPerSourceMax = 32
/// Of these, before the handshake is done, at most from one source that is not this machine.
let halfOpenPerSourceMax = 16
/// Handshakes that one source may begin each second, in the long run.
let handshakesPerSecond: UInt64 = 8
/// Handshakes that one source may begin at once.
let handshakesBurst: UInt64 = 32
/// The same from this machine: a test network lives there.
let loopbackHandshakesPerSecond: UInt64 = 256
let loopbackHandshakesBurst: UInt64 = 512
/// Sources remembered at once.
let sourcesMax = 1024
/// Connections that the kernel accepts ahead of us.
let acceptBacklog: Int32 = 128
/// A dial takes no longer, names included.
let dialTimeoutMs: Int64 = 5000
/// A listener or a datagram socket that the system closed comes back after this.
let rebindAfterMs: Int64 = 1000
/// Ports tried until one is free for both TCP and UDP, when the system chooses.
let portTriesMax = 16

/// Bytes that wait in a channel: above, the session is told to stop; below, to go on.
let channelBytesHigh = 65_536
let channelBytesLow = 32_768
/// Unsent bytes that the kernel takes: a vote never waits behind more than this and the channel's.
let kernelUnsentBytesMax = 131_072
/// Bytes for one connection on their way to the event loop; beyond, it is closed.
let commandBytesMax = 33_554_432
/// What a command counts as, beside its bytes.
let commandOverhead = 64
/// Datagrams on their way to the event loop; beyond, they are dropped.
let commandDatagramsMax = 4096

/// Datagrams read by one call, and the room for each.
let datagramsPerRead = 16
let datagramBytesMax = 2048
/// Host names remembered, lookups for datagrams at once, and datagrams that wait for one lookup.
let hostNamesMax = 1024
let lookupsMax = 8
/// Lookups at once in all; further ones fail.
let namesWaitingMax = 64
let waitingPerNameMax = 8
/// Addresses that one name may have.
let addressesPerNameMax = 8
/// How long a name's address is believed, and how long its absence.
let hostNameFreshMs: UInt64 = 60_000
let hostNameAbsentMs: UInt64 = 10_000
