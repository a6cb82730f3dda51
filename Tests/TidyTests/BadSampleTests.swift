import Testing

/// Each rule is shown a bad sample, and a good one: a linter that cannot object proves nothing.
@Suite struct BadSampleTests {
    private func sample(_ text: String, _ path: String = "Sources/Ledger/Sample.swift")
        -> SourceText
    {
        SourceText(path: path, text: text)
    }

    @Test func maskingKeepsCodeAlone() {
        let file = self.sample(
            """
            let a = "Date() // no comment" // Date()
            /* Date /* nested */ Date */ let b = 1
            let c = "x \\(value("Date").count) Date"
            let d = #"raw " Date \\(Date)"# + \"\"\"
                Date " Date
                \"\"\"
            """)
        #expect(file.code.count == file.lines.count)
        #expect(!file.code.joined().contains("Date"))
        #expect(file.code[0].contains("let a ="))
        #expect(file.code[1].contains("let b = 1"))
        #expect(file.code[2].contains("value(") && file.code[2].contains(".count"))
    }

    @Test func bannedWordsAreFound() {
        let bad = [
            "func f() async {}", "let t = Task { }", "let d = Date()", "let c = ContinuousClock()",
            "let r = Int.random(in: 0..<3)", "let s = list.shuffled()", "let x: Double = 0",
            "let h = value.hashValue", "let t: Dictionary<Int, Int>", "var s: Set<Int> = []",
            "var m: [String: Int] = [:]", "let u = list.first!", "let u = f(x)!.y",
            "let v = x as! Int", "let w = try! f()", "let w = try? f()", "print(1)",
            "fatalError()", "func f() throws {}", "var e: any Error",
        ]
        for line in bad {
            #expect(!Rules.bannedWords(self.sample(line)).isEmpty, "\(line)")
            let driver = self.sample(line, "Sources/Control/Sample.swift")
            #expect(Rules.bannedWords(driver).isEmpty, "drivers may: \(line)")
        }
        let good = [
            "if a != b { }", "if !done { }", "// Date() and try!", "let s = \"print(Date())\"",
            "func f() throws(X) {}", "let o: OrderedSet<Int> = []", "let l: Lookup<Int, Int>",
            "let x = list[index]", "case .update: self.taskList = 1", "func set(_ x: Int)",
            "OrderedDictionary<Int, Int>()", "a[Key.b] = c ? d : e", "self.setUp()",
        ]
        for line in good { #expect(Rules.bannedWords(self.sample(line)) == [], "\(line)") }
    }

    @Test func rawAmountsAreFound() {
        #expect(!Rules.rawAmounts(self.sample("let x = amount.units + 1")).isEmpty)
        #expect(Rules.rawAmounts(self.sample("let x = amount.units  // raw: a table")).isEmpty)
        let inside = self.sample("let x = a.units", "Sources/Primitives/Values/Amount.swift")
        #expect(Rules.rawAmounts(inside).isEmpty)
    }

    @Test func longFilesFunctionsAndLinesAreFound() {
        let body = Array(repeating: "    x += 1", count: 59).joined(separator: "\n")
        let long = self.sample("func f(\n    _ a: Int\n) {\n\(body)\n}\n")
        #expect(Rules.functionLength(long).map(\.line) == [1])
        let short = self.sample(
            "func f() {\n    let g = { 1 }\n}\n\nstruct S {\n\(body)\n\(body)\n}\n")
        #expect(Rules.functionLength(short).isEmpty)
        #expect(Rules.functions(short).map(\.lines) == [3])
        let required = self.sample(
            "protocol P {\n    func f()\n    init(a: Int)\n}\nfunc g() {\n}\n")
        #expect(Rules.functions(required).map(\.start) == [4])
        #expect(!Rules.fileLength(self.sample(String(repeating: "\n", count: 501))).isEmpty)
        #expect(Rules.fileLength(self.sample(String(repeating: "\n", count: 500))).isEmpty)
        #expect(!Rules.lineLength(self.sample(String(repeating: "a", count: 101))).isEmpty)
        #expect(Rules.lineLength(self.sample(String(repeating: "a", count: 100))).isEmpty)
    }

    @Test func undocumentedDeclarationsAreFound() {
        #expect(!Rules.documentation(self.sample("package struct A {}")).isEmpty)
        #expect(!Rules.documentation(self.sample("    package static func f() {}")).isEmpty)
        #expect(!Rules.documentation(self.sample("package var sum: Int { 1 }")).isEmpty)
        #expect(!Rules.documentation(self.sample("/// A.\n\npackage struct A {}")).isEmpty)
        #expect(Rules.documentation(self.sample("/// A.\n@frozen\npackage struct A {}")).isEmpty)
        #expect(Rules.documentation(self.sample("package import Ledger")).isEmpty)
        #expect(Rules.documentation(self.sample("    package let a: Int")).isEmpty)
    }

    @Test func forbiddenImportsAreFound() {
        for line in [
            "import Foundation", "package import Economy", "@preconcurrency import NIOCore",
            "import struct Foundation.Data", "import CSodium",
        ] {
            #expect(!House.findings(imports: self.sample(line)).isEmpty, "\(line)")
        }
        #expect(House.findings(imports: self.sample("package import Primitives")).isEmpty)
        #expect(House.findings(imports: self.sample("// import Foundation")).isEmpty)
        #expect(!House.findings(imports: self.sample("", "Sources/Attic/A.swift")).isEmpty)
    }

    @Test func forbiddenDependenciesAreFound() {
        let manifest = """
            let nio: [Target.Dependency] = [
                .product(name: "NIOCore", package: "swift-nio")
            ]

            let package = Package(
                targets: [
                    room("Ledger", ["Primitives", "Economy"] + nio),
                    door(
                        "starling-worker", ["Primitives"]),
                ])
            """
        let found = House.findings(manifest: manifest).map(\.message)
        #expect(found == ["Ledger may not depend on Economy", "Ledger may not depend on NIOCore"])
        #expect(House.findings(manifest: "").count == 1)
    }

    @Test func deadCitationsAreFound() {
        let page = "# Jobs\n\n## Audit\n\nText.\n"
        func findings(_ line: String) -> Int {
            let file = self.sample("/// - Source: " + line)
            return Rules.citations(file) { $0 == "protocol/jobs.md" ? page : "" }.count
        }
        #expect(findings("protocol/jobs.md, \"Audit\".") == 0)
        #expect(findings("protocol/jobs.md.") == 0)
        #expect(findings("protocol/jobs.md, \"Audits\".") == 1)
        #expect(findings("protocol/gone.md.") == 1)
    }

    @Test func foreignWordsAreFound() {
        let bad = [
            "see /wo" + "rk/main", "cat /ro" + "ot/x", "see ../sha" + "red/a",
            "// TO" + "DO: later",
        ]
        for line in bad {
            #expect(!Rules.foreignWords(path: "a", text: line).isEmpty, "\(line)")
        }
        for line in ["the work/rest ratio", "$root/.build/x", "a shared/exclusive lock"] {
            #expect(Rules.foreignWords(path: "a", text: line).isEmpty, "\(line)")
        }
    }

    @Test func unlistedDomainsAndConstantsAreFound() {
        let header = "name,value,unit,source,code,meaning\n"
        let source = "case account = \"sl/account/1\"\ncase node = \"sl/a-long-node-tag/1\""
        let constants = header + "domain.account,sl/acount/1,,,,x\ndomain.gone,sl/gone/1,,,,x\n"
        let found = Tables.domainFindings(source: source, constants: constants).map(\.message)
        #expect(found.count == 4, "\(found)")
        let rows = header + "a,1,,F.swift,let a = 1,x\nb,2,,F.swift,let b = 2,x\nshort,row\n"
        let wrong = Tables.constantFindings(constants: rows) { _ in "let  a = 1" }
        #expect(wrong.map(\.line) == [3, 4])
    }
}
