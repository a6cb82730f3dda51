import ArgumentParser
import Foundation
import Primitives
import Store

/// What can be said of a data directory's books while no daemon has it.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The books of a data directory, without a daemon.",
        subcommands: [Verify.self])

    /// Runs the whole chain again from its genesis.
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Executes every stored block again, compares every root and certificate.",
            discussion: "The daemon must be stopped. Exit status 1 names the first bad block.")

        @Option(help: "The data directory.")
        var data: String

        @Option(help: "The genesis file; the one in the data directory if left out.")
        var genesis: String?

        func run() throws {
            do {
                let result = try self.verify()
                print(
                    "verified \(result.blocks) blocks, root \(result.root.hex), "
                        + "\(result.certificates) certificates")
            } catch {
                FileHandle.standardError.write(Data("starlingd ledger verify: \(error)\n".utf8))
                throw ExitCode(1)
            }
        }

        private func verify() throws -> LedgerCheck.Result {
            let files = FileManager.default
            let candidates = ["/genesis.json", "/genesis"].map { self.data + $0 }
            guard let path = self.genesis ?? candidates.first(where: files.fileExists) else {
                throw Network.Failure("there is no genesis in \(self.data); give --genesis FILE")
            }
            guard files.fileExists(atPath: self.data + "/chain") else {
                throw Network.Failure("\(self.data) has no chain: no node ran there")
            }
            let genesis = try GenesisFile.read(path).genesis
            let store: DataStore
            do throws(StoreError) {
                store = try DataStore(directory: self.data, genesis: genesis.id)
            } catch {
                throw Network.Failure(Self.words(error))
            }
            var said = ContinuousClock.now
            return try LedgerCheck(genesis, store).run { done, total in
                guard ContinuousClock.now - said > .seconds(2) else { return }
                said = .now
                FileHandle.standardError.write(Data("\(done) of \(total) blocks\n".utf8))
            }
        }

        private static func words(_ error: StoreError) -> String {
            switch error.code {
            case .locked: "a daemon has \(error.path): stop it first"
            case .wrongGenesis: "\(error.path) belongs to another network than the genesis file"
            default: "the data directory does not open: \(error)"
            }
        }
    }
}
