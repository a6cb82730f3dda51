import Testing

/// The programs as people run them: one `starlingd --dev`, spoken to over its socket and by
/// `starling`.
///
/// Everything hostile that a client can send, sent to one daemon, which afterwards still answers,
/// has lost no block and no mote, and stops when asked.
@Suite(.serialized, WithDaemon()) struct EndToEndTests {}
