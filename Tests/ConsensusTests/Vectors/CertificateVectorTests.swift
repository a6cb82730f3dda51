import Consensus
import Primitives
import Testing

/// Certificates of small validator sets, and conformance hashes of what validators say.
@Suite struct CertificateVectorTests {
    private let salt = ChainSalt(GenesisID(Blake2b.hash(.vector, .none, Array("salt".utf8))))

    @Test func certificates() throws {
        var rows: [JSON] = []
        for count in [1, 4, 9] {
            let keys = try (0..<count).map { index in
                try #require(SecretKey(seed: [UInt8](repeating: UInt8(index + 1), count: 32)))
            }.sorted { $0.publicKey < $1.publicKey }
            let set = try ValidatorSet(
                keys.enumerated().map { Validator(key: $1.publicKey, weight: UInt64($0 + 1)) })
            let epochs = Epochs(genesis: set, seed: .zero, salt: self.salt)
            let vote = Vote(
                .finalize, epoch: 0, view: 7, block: BlockID(Blake2b.hash(.vector, .none, [7])))
            for quorum in [count, count - 1, 1] where quorum > 0 {
                let signers = (count - quorum..<count).map { UInt32($0) }
                let certificate = Certificate(
                    vote, signers: set.bitmap(signers),
                    signatures: signers.map { keys[Int($0)].sign(vote.digest(self.salt)) })
                var accepted = true
                do throws(Certificate.Flaw) {
                    try certificate.verify(epochs)
                } catch {
                    accepted = false
                }
                rows.append(
                    .object(
                        ("validators", .array(set.members.map(\.json))),
                        ("validatorsHash", set.hash(self.salt).json),
                        ("certificate", .string(Hex.encode(certificate.canonicalBytes))),
                        ("voteDigest", vote.digest(self.salt).json),
                        ("accepted", .bool(accepted))))
            }
        }
        #expect(rows.contains { $0["accepted"] == .bool(true) })
        #expect(rows.contains { $0["accepted"] == .bool(false) })
        try VectorFile.expect(
            "certificates",
            .object(("salt", .string(Hex.encode(self.salt.bytes))), ("rows", .array(rows))))
    }

    @Test func conformance() throws {
        try VectorFile.expect(
            "conformance-consensus",
            .object(
                ("Vote", .string(try RecordFiller.conformance("Vote", Vote.self))),
                (
                    "SignedVote",
                    .string(try RecordFiller.conformance("SignedVote", SignedVote.self))
                ),
                (
                    "SignedProposal",
                    .string(try RecordFiller.conformance("SignedProposal", SignedProposal.self))
                ),
                (
                    "Certificate",
                    .string(try RecordFiller.conformance("Certificate", Certificate.self))
                )))
    }
}
