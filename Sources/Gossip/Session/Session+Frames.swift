import Primitives

/// Sealed frames in both directions.
///
/// - Source: protocol/session.md, "Frames".
extension Session {
    mutating func onReceived(
        _ bytes: [UInt8], now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        switch self.phase {
        case .idle: throw .outOfOrder
        case .handshaking: try self.onHandshakeBytes(bytes, now: now, into: &outbox)
        case .confirming, .open: try self.onFrameBytes(bytes, now: now, into: &outbox)
        case .closed: return
        }
    }

    // SPEC session: "A receiver MUST refuse a length below 19 or above 16,384 before it reads on."
    private mutating func onFrameBytes(
        _ bytes: [UInt8], now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        self.inbox.append(contentsOf: bytes)
        var place = 0
        while let length = self.length(at: place) {
            guard length >= Frame.sealedMin, length <= Frame.sealedMax else {
                throw .frameLength(length)
            }
            let start = place + Self.lengthBytes
            guard self.inbox.count - start >= length else { break }
            guard let inner = self.receiving?.open(self.inbox[start..<start + length]) else {
                throw self.receiving?.isExhausted == true ? .exhausted : .frameForged
            }
            place = start + length
            try self.onFrame(try Frame(inner: inner), now: now, into: &outbox)
        }
        self.inbox.removeFirst(place)
    }

    private mutating func onFrame(
        _ frame: Frame, now: Instant, into outbox: inout Outbox<Effect>
    ) throws(SessionFault) {
        self.lastHeard = now
        // SPEC session: "A responder MUST NOT treat a connection as the peer's before the first
        // valid frame."
        if self.phase == .confirming { self.open(now: now, into: &outbox) }
        guard frame.kind != .own else {
            for notice in try Notice.decode(frame.payload) { self.onNotice(notice) }
            return
        }
        // SPEC session: "On a connection for blobs a receiver MUST refuse every class but control
        // and blobs."
        guard frame.traffic.isAllowed(on: self.purpose) else {
            throw .classForbidden(frame.traffic)
        }
        if let message = try self.inbound.accept(frame) {
            outbox.append(.deliver(frame.traffic, message))
        }
    }

    private mutating func onNotice(_ notice: Notice) {
        switch notice {
        // SPEC session: "A ping MUST be answered by a pong with its value; of several that wait for
        // an answer the last is enough."
        case .ping(let value): self.pongDue = value
        case .pong: return
        case .credit(let traffic, let limit): self.outbound.grant(traffic, limit: limit)
        }
    }

    mutating func onSend(_ traffic: TrafficClass, _ message: [UInt8]) throws(SessionFault) {
        guard self.phase == .open else { return }
        guard traffic.isAllowed(on: self.purpose) else { throw .classForbidden(traffic) }
        guard self.outbound.queue(traffic, message) != .full else { throw .queueFull(traffic) }
    }

    /// Writes what may be written, the highest class first, at most a burst at a time.
    mutating func pump(now: Instant, into outbox: inout Outbox<Effect>) throws(SessionFault) {
        guard self.phase == .open, self.isWritable else { return }
        var bytes: [UInt8] = []
        while bytes.count < Self.burstBytes, let frame = self.nextFrame() {
            let inner = frame.inner
            let prefix = Self.prefix(inner.count + Sealing.tagCount)
            guard let sealed = self.sending?.seal(inner, prefix: prefix) else { throw .exhausted }
            if bytes.isEmpty { bytes = sealed } else { bytes.append(contentsOf: sealed) }
        }
        if !bytes.isEmpty {
            self.lastSent = now
            outbox.append(.write(bytes))
        }
        guard !self.isFlushScheduled, self.outbound.isReady else { return }
        self.isFlushScheduled = true
        outbox.append(.schedule(.flush, at: now))
    }

    private mutating func nextFrame() -> Frame? {
        guard self.isPingDue || self.pongDue != nil || self.inbound.hasNews else {
            return self.outbound.next()
        }
        var encoder = Encoder()
        if let value = self.pongDue { Notice.pong(value).encode(into: &encoder) }
        for notice in self.inbound.news() { notice.encode(into: &encoder) }
        if self.isPingDue {
            self.pings &+= 1
            Notice.ping(self.pings).encode(into: &encoder)
        }
        self.pongDue = nil
        self.isPingDue = false
        return Frame(.control, .own, encoder.bytes[...])
    }
}
