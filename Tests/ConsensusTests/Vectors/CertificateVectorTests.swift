import Consensus
import Primitives
import Testing

/// Certificates of small validator sets, and conformance hashes of what validators say.
@Suite struct CertificateVectorTests {
    private let salt = ChainSalt(GenesisID(Blake2b.hash(.vector, .none, Array("salt".utf8))))

    private let block = BlockID(Blake2b.hash(.vector, .none, [7]))

    private func keys(_ count: Int) throws -> [SecretKey] {
        try (0..<count).map { index in
            try #require(SecretKey(seed: [UInt8](repeating: UInt8(index + 1), count: 32)))
        }.sorted { $0.publicKey < $1.publicKey }
    }

    private func row(_ set: ValidatorSet, _ certificate: Certificate) -> JSON {
        let epochs = Epochs(genesis: set, seed: .zero, salt: self.salt)
        var accepted = true
        do throws(Certificate.Flaw) {
            try certificate.verify(epochs)
        } catch {
            accepted = false
        }
        return .object(
            ("validators", .array(set.members.map(\.json))),
            ("validatorsHash", set.hash(self.salt).json),
            ("certificate", .string(Hex.encode(certificate.canonicalBytes))),
            ("voteDigest", certificate.vote.digest(self.salt).json),
            ("accepted", .bool(accepted)))
    }

    @Test func certificates() throws {
        var rows: [JSON] = []
        for count in [1, 4, 9] {
            let keys = try self.keys(count)
            let set = try ValidatorSet(
                keys.enumerated().map { Validator(key: $1.publicKey, weight: UInt64($0 + 1)) })
            let vote = Vote(.finalize, epoch: 0, view: 7, block: self.block)
            for quorum in [count, count - 1, 1] where quorum > 0 {
                let signers = (count - quorum..<count).map { UInt32($0) }
                let certificate = Certificate(
                    vote, signers: set.bitmap(signers),
                    signatures: signers.map { keys[Int($0)].sign(vote.digest(self.salt)) })
                rows.append(self.row(set, certificate))
            }
        }
        rows += try self.certificatesOfFour()
        #expect(rows.contains { $0["accepted"] == .bool(true) })
        #expect(rows.contains { $0["accepted"] == .bool(false) })
        try VectorFile.expect(
            "certificates",
            .object(("salt", .string(Hex.encode(self.salt.bytes))), ("rows", .array(rows))))
    }

    /// Four equal validators: three that agree are a quorum; each row below bends one thing.
    private func certificatesOfFour() throws -> [JSON] {
        let keys = try self.keys(4)
        let set = try ValidatorSet(keys.map { Validator(key: $0.publicKey, weight: 5_000) })
        func certificate(
            _ vote: Vote, by signers: [UInt32], bend: (inout Certificate) -> Void = { _ in }
        ) -> JSON {
            var certificate = Certificate(
                vote, signers: set.bitmap(signers),
                signatures: signers.map { keys[Int($0)].sign(vote.digest(self.salt)) })
            bend(&certificate)
            return self.row(set, certificate)
        }
        let vote = Vote(.finalize, epoch: 0, view: 1 << 40, block: self.block)
        var rows: [JSON] = []
        for signers in [[0, 1, 2], [0, 2, 3], [0, 1, 2, 3], [1, 2]] as [[UInt32]] {
            rows.append(certificate(vote, by: signers))
        }
        rows.append(certificate(Vote(.nullify, epoch: 0, view: 3), by: [0, 1, 3]))
        rows.append(
            certificate(Vote(.nullify, epoch: 0, view: 3, block: self.block), by: [0, 1, 3]))
        rows.append(certificate(Vote(.notarize, epoch: 0, view: 3), by: [0, 1, 3]))
        rows.append(
            certificate(Vote(.finalize, epoch: 0, view: 0, block: self.block), by: [1, 2, 3]))
        let bends: [(inout Certificate) -> Void] = [
            { $0.signatures.swapAt(0, 1) }, { $0.signatures.removeLast() },
            { $0.signatures.append($0.signatures[0]) }, { $0.signers = [0b0001_0111] },
            { $0.signers = [7, 0] }, { $0.signers = [] }, { $0.signers = [0b1011] },
            { $0.view += 1 }, { $0.kind = .notarize }, { $0.block = .zero },
        ]
        for bend in bends { rows.append(certificate(vote, by: [0, 1, 2], bend: bend)) }
        let accepted = rows.map { $0["accepted"] == .bool(true) }
        #expect(accepted.filter { $0 }.count == 4 && accepted[0] && accepted[1] && accepted[2])
        return rows
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
