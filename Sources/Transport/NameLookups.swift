import Dispatch
import Glibc
import NIOCore
import NIOPosix

/// Questions to the system's resolver, which takes seconds: asked on threads of its own, answered
/// on the event loop through the mailbox. Lives on the event loop.
///
/// The library's own resolver answers a loop that is gone when a node stops in the meantime.
///
/// - Bounds: `addressesPerNameMax`.
final class NameLookups {
    private static let queue = DispatchQueue(label: "starling.names", attributes: .concurrent)

    private let eventLoop: any EventLoop
    private let mailbox: Mailbox
    private var waiting: [UInt64: EventLoopPromise<[[UInt8]]>] = [:]
    private var last: UInt64 = 0
    private var isStopped = false

    init(eventLoop: any EventLoop, mailbox: Mailbox) {
        self.eventLoop = eventLoop
        self.mailbox = mailbox
    }

    /// The addresses of a name in the first of `families` that has any.
    func ask(_ host: String, families: [Int32]) -> EventLoopFuture<[[UInt8]]> {
        guard !self.isStopped, self.waiting.count < namesWaitingMax else {
            return self.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        self.last &+= 1
        let (number, mailbox) = (self.last, self.mailbox)
        let promise = self.eventLoop.makePromise(of: [[UInt8]].self)
        self.waiting[number] = promise
        Self.queue.async {
            var addresses: [[UInt8]] = []
            for family in families where addresses.isEmpty {
                addresses = Self.system(host, family)
            }
            mailbox.post(.resolved(lookup: number, addresses))
        }
        return promise.futureResult
    }

    /// A question is answered.
    func onAnswer(_ number: UInt64, _ addresses: [[UInt8]]) {
        self.waiting.removeValue(forKey: number)?.succeed(addresses)
    }

    /// Whoever waits is told that nothing comes.
    func stop() {
        self.isStopped = true
        let promises = self.waiting.sorted { $0.key < $1.key }.map(\.value)
        self.waiting = [:]
        for promise in promises { promise.fail(ChannelError.ioOnClosedChannel) }
    }

    /// Asks now, and blocks.
    static func system(_ host: String, _ family: Int32) -> [[UInt8]] {
        var hints = addrinfo()
        hints.ai_family = family
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0, let list else { return [] }
        defer { freeaddrinfo(list) }
        // Where the address lies in the system's structure, and its length.
        let (offset, count) = family == AF_INET6 ? (8, 16) : (4, 4)
        var addresses: [[UInt8]] = []
        var next: UnsafeMutablePointer<addrinfo>? = list
        while let entry = next, addresses.count < addressesPerNameMax {
            next = entry.pointee.ai_next
            guard entry.pointee.ai_family == family, let address = entry.pointee.ai_addr,
                Int(entry.pointee.ai_addrlen) >= offset + count
            else { continue }
            let bytes = UnsafeRawBufferPointer(start: address, count: offset + count)
            addresses.append(Array(bytes.dropFirst(offset)))
        }
        return addresses
    }
}

/// How a dial asks for a name: both families, and the library tries what comes.
struct DialResolver: Resolver, Sendable {
    let lookups: NIOLoopBound<NameLookups>

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        self.query(host, port, AF_INET)
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        self.query(host, port, AF_INET6)
    }

    func cancelQueries() {}

    private func query(
        _ host: String, _ port: Int, _ family: Int32
    ) -> EventLoopFuture<[SocketAddress]> {
        self.lookups.value.ask(host, families: [family]).flatMapThrowing { addresses in
            try addresses.map {
                try SocketAddress(packedIPAddress: ByteBuffer(bytes: $0), port: port)
            }
        }
    }
}
