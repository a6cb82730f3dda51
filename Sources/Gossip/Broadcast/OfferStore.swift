import OrderedCollections
import Primitives

/// Standing offers of other nodes, as their datagrams say.
///
/// - Bounds: `offersMax`; one that is not renewed leaves after `lifetimeMs`.
struct OfferStore: Sendable {
    /// Offers remembered.
    static let offersMax = 256
    /// An offer lives so long after its last datagram.
    static let lifetimeMs: UInt64 = 10_000
    /// An offer is said so often.
    static let periodMs: UInt64 = 2_000
    /// So often a withdrawal is said: datagrams get lost.
    static let withdrawalsMax = 3

    private var entries: OrderedDictionary<PublicKey, (advert: OfferAdvert, until: Instant)> = [:]

    /// A node's offer.
    subscript(key: PublicKey) -> OfferAdvert? { self.entries[key]?.advert }

    /// All of them, by key.
    var all: [(key: PublicKey, advert: OfferAdvert)] {
        self.entries.map { ($0.key, $0.value.advert) }.sorted { $0.key < $1.key }
    }

    /// Takes an advert; true if it says something new.
    mutating func insert(_ advert: OfferAdvert, of key: PublicKey, now: Instant) -> Bool {
        let known = self.entries[key]?.advert
        guard known != nil || self.entries.count < Self.offersMax else { return false }
        self.entries[key] = (advert, now.adding(ms: Self.lifetimeMs))
        return known != advert
    }

    /// Takes an offer away; true if there was one.
    mutating func remove(_ key: PublicKey) -> Bool {
        self.entries.removeValue(forKey: key) != nil
    }

    /// Takes the silent ones away, in the order of their first advert.
    mutating func expire(_ now: Instant) -> [PublicKey] {
        let gone = self.entries.filter { $0.value.until <= now }.map(\.key)
        for key in gone { self.entries.removeValue(forKey: key) }
        return gone
    }
}
