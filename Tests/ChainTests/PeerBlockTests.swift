import Chain
import Economy
import Ledger
import Primitives
import Testing

/// Blocks of other validators: in any order, early, bent, asked for.
@Suite struct PeerBlockTests {
    /// A chain of `count` blocks, each with a transfer.
    private func source(_ count: Int) throws -> World {
        let world = try World()
        for amount in 1...UInt64(count) {
            expectNone(world.submit(World.requester, World.transfer(World.provider, amount)))
            #expect(world.block())
        }
        return world
    }

    private func bytes(_ record: BlockRecord) -> [UInt8] { record.header + record.body }

    @Test func blocksInReverseOrderBecomeFinalTogether() throws {
        let world = try self.source(5)
        let other = try World()
        let last = try #require(world.disk.blocks.last)
        other.send(.certify(last.id))
        #expect(other.missing == [last.id])
        for record in world.disk.blocks.reversed() {
            let header = try Header(canonical: record.header)
            other.send(.block(self.bytes(record)))
            #expect(other.learned[record.id] == .some(header.height == 1 ? nil : header.parent))
        }
        #expect(other.verdicts[last.id] == true, "the last one was wanted")
        #expect(other.root() == world.root())
        #expect(other.disk.blocks.map(\.id) == world.disk.blocks.map(\.id))
        #expect(
            other.disk.blocks.map { $0.certificate.isEmpty } == [true, true, true, true, false])
    }

    /// The id covers the header alone: another body under it must not condemn the right one.
    @Test func aForeignBodyDoesNotCondemnTheBlock() throws {
        let world = try self.source(1)
        let record = world.disk.blocks[0]
        let other = try World()
        let empty = Body(evidence: [], transactions: []).canonicalBytes
        other.send(.block(record.header + empty))
        other.send(.certify(record.id))
        #expect(other.verdicts[record.id] == nil)
        other.send(.block(self.bytes(record)))
        #expect(other.verdicts[record.id] == true)
    }

    @Test func aBlockAheadOfTheClockWaitsAndIsNeverNo() throws {
        let world = try World()
        let other = try World()
        world.block(after: 60_000, heartbeat: true)
        let record = world.disk.blocks[0]
        let header = try Header(canonical: record.header)
        other.hear(self.bytes(record), header)
        #expect(other.verdicts[record.id] == nil)
        other.send(.tick(wallMs: other.wallMs + 60_000))
        #expect(other.verdicts[record.id] == true)
    }

    @Test func aQuorumMayCertifyWhatIsAheadOfTheClock() throws {
        let world = try World()
        let other = try World()
        world.block(after: 60_000, heartbeat: true)
        let record = world.disk.blocks[0]
        other.send(.block(self.bytes(record)))
        other.send(.certify(record.id))
        #expect(other.chain.head.id == record.id)
    }

    @Test func aProposalMustBeItsLeadersForItsView() throws {
        let world = try self.source(1)
        let record = world.disk.blocks[0]
        let header = try Header(canonical: record.header)
        let stranger = NodeID.of(World.key(77).publicKey)
        for (view, leader) in [(header.view + 1, nil), (header.view, stranger)] {
            let other = try World()
            other.hear(self.bytes(record), header, view: view, leader: leader)
            #expect(other.verdicts[record.id] == false)
        }
        let other = try World()
        other.send(.block(self.bytes(record)))
        other.send(
            .verify(
                .init(
                    block: record.id, parent: record.id, view: header.view,
                    leader: header.proposer)))
        #expect(other.verdicts[record.id] == false, "another parent than the proposal says")
    }

    @Test func junkDoesNotDriveOutWhatIsWanted() throws {
        let world = try self.source(3)
        let other = try World()
        let last = try #require(world.disk.blocks.last)
        other.send(.certify(last.id))
        other.send(.block(self.bytes(last)))
        var junk = try Header(canonical: last.header)
        let empty = Body(evidence: [], transactions: [])
        junk.bodyRoot = empty.root(world.genesis.salt)
        for number in 0..<500 {
            junk.height = UInt64(1_000 + number)
            other.send(.block(junk.canonicalBytes + empty.canonicalBytes))
        }
        for record in world.disk.blocks.dropLast().reversed() {
            other.send(.block(self.bytes(record)))
        }
        #expect(other.chain.head.id == last.id)
    }

    @Test func blocksAndRangesAreServed() throws {
        let world = try self.source(4)
        for record in world.disk.blocks {
            world.send(.readBlock(record.id, token: 1))
            #expect(world.blockRead == self.bytes(record))
        }
        world.send(.readBlock(.zero, token: 1))
        #expect(world.blockRead == nil)
        world.send(.readRange(from: 2, count: 2, token: 2))
        #expect(world.rangeRead.map(\.block) == world.disk.blocks[1...2].map(self.bytes))
        world.send(.readRange(from: 9, count: 2, token: 3))
        #expect(world.rangeRead.isEmpty)
        world.send(.readRange(from: 1, count: .max, token: 4))
        #expect(world.rangeRead.count == 4)
        world.send(.readRange(from: .max, count: .max, token: 5))
        #expect(world.rangeRead.isEmpty)
    }
}
