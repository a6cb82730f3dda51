import Economy
import Ledger
import Primitives
import Testing

@Suite struct GenesisTests {
    @Test func aGenesisAddsUpAndIsTheSameEverywhere() throws {
        let genesis = TestGenesis.make()
        let built = try genesis.build()
        let again = try Genesis(canonical: genesis.canonicalBytes).build()
        #expect(built.header == again.header)
        #expect(built.header.stateRoot == built.stack.root)
        #expect(try EconomyAudit.recount(built.stack) == [])
        let star = try built.stack.read(LedgerTables.assets, .star)
        #expect(star?.issued == Amount(1_100 * Amount.motesPerStar))
        var other = genesis
        other.name = "another"
        #expect(other.id != genesis.id)
        #expect(try Genesis(json: genesis.json, at: "genesis") == genesis)
    }

    @Test func wrongNumbersAreRefused() {
        func fault(_ change: (inout Genesis) -> Void) -> String? {
            var genesis = TestGenesis.make()
            change(&genesis)
            do throws(Genesis.Fault) {
                _ = try genesis.build()
                return nil
            } catch {
                return error.text
            }
        }
        #expect(fault { _ in } == nil)
        #expect(fault { $0.version = 2 } != nil)
        #expect(fault { $0.validators = [] } != nil)
        #expect(fault { $0.validators[0].stake = .zero } != nil)
        #expect(fault { $0.validators.append($0.validators[0]) } != nil)
        #expect(fault { $0.parameters.drawProposers = 0 } != nil)
        #expect(fault { $0.parameters.drawProposers = 9 } != nil)
        #expect(fault { $0.parameters.drawProposers = 2 } != nil, "there is one validator")
        #expect(fault { $0.parameters.auditorsMax = 0 } != nil)
        #expect(fault { $0.validators[0].auditAnchor = .zero } != nil)
        #expect(fault { $0.validators[0].auditCount = 0 } != nil)
        #expect(fault { $0.parameters.laneMs = 0 } != nil)
        #expect(fault { $0.parameters.duePerBlock = 0 } != nil)
        #expect(fault { $0.parameters.fees.stakersPart = BasisPoints(9_000).proven("") } != nil)
        #expect(fault { $0.ledger.feeDoubling = 0 } != nil)
        #expect(fault { $0.accounts[0].balance = .maxSupply } != nil)
    }

    @Test func revealsLeadToTheAnchor() {
        let chain = RevealChain(secret: Blake2b.hash(.reveal, .none, [1]), count: 600)
        #expect(chain.count == 768)
        var last = chain.anchor
        for index in 1...chain.count {
            guard let reveal = chain.reveal(index) else {
                Issue.record("reveal \(index) is missing")
                return
            }
            #expect(RevealChain.step(reveal) == last, "reveal \(index)")
            last = reveal
        }
        #expect(chain.reveal(0) == nil)
        #expect(chain.reveal(chain.count + 1) == nil)
    }
}
