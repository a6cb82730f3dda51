import Foundation
import Testing

/// The linter: the house and the manners of its files, checked against the repository itself.
@Suite struct TidyTests {
    // Read and masked once; each test gets its own instance of the suite.
    private static let allSources = Repository.swift(below: "Sources")
    private static let allTests = Repository.swift(below: "Tests")

    private var sources: [SourceText] { Self.allSources }
    private var tests: [SourceText] { Self.allTests }

    private func expectNone(_ findings: [Finding], _ location: SourceLocation = #_sourceLocation) {
        let shown = findings.prefix(40).map(\.description).joined(separator: "\n")
        #expect(findings.isEmpty, "\(findings.count) findings\n\(shown)", sourceLocation: location)
    }

    @Test func theRepositoryIsFound() {
        #expect(self.sources.count > 20)
        #expect(self.tests.contains { $0.path == "Tests/TidyTests/TidyTests.swift" })
    }

    @Test func theHouseHasNoCycle() { #expect(House.cycle() == []) }

    @Test func theManifestKeepsToTheHouse() {
        self.expectNone(House.findings(manifest: Repository.text("Package.swift")))
    }

    @Test func importsKeepToTheHouse() {
        self.expectNone(self.sources.flatMap { House.findings(imports: $0) })
    }

    @Test func deterministicRoomsSayNoBannedWord() {
        self.expectNone(self.sources.flatMap { Rules.bannedWords($0) })
    }

    @Test func rawAmountsSayWhy() {
        self.expectNone(self.sources.flatMap { Rules.rawAmounts($0) })
    }

    @Test func filesAreShort() {
        self.expectNone((self.sources + self.tests).flatMap { Rules.fileLength($0) })
    }

    @Test func functionsAreShort() {
        self.expectNone((self.sources + self.tests).flatMap { Rules.functionLength($0) })
    }

    @Test func linesAreShort() {
        self.expectNone((self.sources + self.tests).flatMap { Rules.lineLength($0) })
    }

    @Test func whatOtherRoomsUseIsDocumented() {
        self.expectNone(self.sources.flatMap { Rules.documentation($0) })
    }

    @Test func citedPagesExist() {
        self.expectNone(self.sources.flatMap { Rules.citations($0, read: Repository.text) })
    }

    @Test func nothingBelongsToOneMachine() {
        let folders = [
            "Sources", "Tests", "protocol", "testnet", "docs", "examples", "packaging", ".ci",
        ]
        let wanted = [
            "swift", "md", "py", "json", "csv", "toml", "cl", "h", "modulemap", "service", "",
        ]
        let paths =
            folders.flatMap { Repository.files(below: $0) }
            .filter { wanted.contains(URL(fileURLWithPath: $0).pathExtension) }
            + ["README.md", "Package.swift"]
        self.expectNone(
            paths.flatMap { Rules.foreignWords(path: $0, text: Repository.text($0)) })
    }

    @Test func domainsAreListed() {
        self.expectNone(
            Tables.domainFindings(
                source: Repository.text("Sources/Primitives/Identity/Domain.swift"),
                constants: Repository.text("protocol/constants.csv")))
    }

    @Test func constantsStandInTheCode() {
        self.expectNone(
            Tables.constantFindings(
                constants: Repository.text("protocol/constants.csv"), read: Repository.text))
    }

    @Test func uncheckedOptimisationIsNowhere() {
        let flag = "-Ouncheck" + "ed"
        let said = (self.sources + self.tests).filter { $0.lines.contains { $0.contains(flag) } }
        #expect(said.map(\.path) == [])
        #expect(!Repository.text("Package.swift").contains(flag))
    }
}
