import Primitives

/// Somebody who uses the network through a daemon, one wish after the other.
///
/// A wish that is not final after a while is said again, with the same bytes, to another daemon: it
/// must not happen twice.
struct Person {
    enum Kind {
        /// Pays other payers, and nothing else.
        case payer
        /// Publishes the kernel and orders work.
        case requester
        /// Calls right leaves wrong, and nothing else.
        case accuser
    }

    enum Wish {
        case pay(AccountID, UInt64)
        case publish
        case order(UInt64)
    }

    /// What became of the present wish.
    enum Phase {
        case idle
        /// The daemon fills in nonce and fee.
        case preparing(Wish, since: UInt64)
        /// Signed and said to a daemon.
        case submitted(Wish, TransactionID, [UInt8], since: UInt64)
    }

    let index: Int
    let kind: Kind
    let key: PublicKey
    /// The daemon that it speaks to.
    var host: Int
    var phase = Phase.idle
    var done = 0
    /// Wishes that came to nothing: refused or expired.
    var given = 0
    var token: UInt64 = 0

    init(index: Int, kind: Kind, key: PublicKey, host: Int) {
        self.index = index
        self.kind = kind
        self.key = key
        self.host = host
    }

    var account: AccountID { AccountID.of(key: self.key) }

    var name: String {
        switch self.kind {
        case .payer: "payer \(self.index)"
        case .requester: "requester \(self.index)"
        case .accuser: "accuser \(self.index)"
        }
    }

    var isIdle: Bool {
        if case .idle = self.phase { true } else { false }
    }
}
