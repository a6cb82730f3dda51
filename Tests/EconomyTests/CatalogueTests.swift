import Economy
import Ledger
import Primitives
import Testing

@Suite struct CatalogueTests {
    @Test func bytesAndJSONSayTheSame() throws {
        let transfer = BankTransfer(
            asset: .star, to: .of(key: TestGenesis.key(1)), amount: Amount(7), memo: "thanks")
        let bytes = OperationCatalogue.encode(transfer)
        let json = OperationCatalogue.json(bytes)
        #expect(json["operation"]?.stringValue == "bank.transfer")
        #expect(try OperationCatalogue.parse(json, at: "") == bytes)
        #expect(try OperationCatalogue.decode(bytes) as? BankTransfer == transfer)
    }

    @Test func whatIsNoOperationIsRefusedByName() {
        func name(_ bytes: [UInt8]) -> String? {
            do throws(Failure) {
                _ = try OperationCatalogue.decode(OperationBytes(bytes))
                return nil
            } catch {
                return error.code.name
            }
        }
        #expect(name([]) == "operation.operationMalformed")
        #expect(name([1]) == "operation.operationMalformed")
        #expect(name([0xff, 0xff]) == "operation.operationUnknown")
        #expect(name([0x01, 0x04]) == "operation.operationNotYet")
        #expect(name([0x01, 0x01]) == "operation.operationMalformed")
        let whole = OperationCatalogue.encode(JobCancel(job: .zero)).bytes
        #expect(name(whole) == nil)
        #expect(name(whole + [0]) == "operation.operationMalformed")
    }

    @Test func jsonErrorsNameThePlace() {
        func fault(_ json: JSON) -> FieldError? {
            do throws(FieldError) {
                _ = try OperationCatalogue.parse(json, at: "operations[3]")
                return nil
            } catch {
                return error
            }
        }
        #expect(fault(.null)?.path == "operations[3]")
        #expect(
            fault(.object(("operation", .string("item.mint"))))?.found
                == "item.mint, which this release does not have yet")
        let bad = JSON.object(("operation", .string("job.cancel")), ("job", .number(1)))
        #expect(fault(bad)?.path == "operations[3].job")
        let extra = JSON.object(
            ("operation", .string("job.cancel")), ("job", Digest.zero.json), ("x", .null))
        #expect(fault(extra)?.path == "operations[3].x")
    }

    @Test func codesAndTagsAreUnique() {
        let codes = RejectionCode.all + OperationCatalogue.rejections
        #expect(Set(codes.map(\.number)).count == codes.count)
        #expect(Set(codes.map(\.name)).count == codes.count)
        let tags =
            OperationCatalogue.descriptors.map(\.tag) + OperationCatalogue.reserved.map(\.tag)
        #expect(Set(tags).count == tags.count)
        #expect(OperationCatalogue.name(ofCode: 1000) == "bank.transfer.amountIsZero")
    }

    /// A full job still fits one row of the state, deposit included.
    @Test func theLargestEntriesFitARow() {
        var job = JobEntry()
        job.note = [UInt8](repeating: 255, count: JobEntry.noteMax)
        job.challenge = Challenge()
        job.assigned = Moment()
        job.committed = Moment()
        job.drawn = Moment()
        job.audited = Moment()
        job.closed = Moment()
        job.waterfall = Waterfall.blank
        #expect(job.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
        var page = DuePage()
        page.items = [DueItem](repeating: .blank, count: Int(DuePage.size))
        #expect(page.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
        var offers = OfferPage()
        offers.offers = [OfferID](repeating: .zero, count: Int(OfferPage.size))
        #expect(offers.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
        let piece = Piece(bytes: [UInt8](repeating: 1, count: Pieces.bytes))
        #expect(piece.canonicalBytes.count + 41 <= StateRow.valueBytesMax)
    }
}
