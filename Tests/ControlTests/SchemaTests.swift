import Foundation
import Primitives
import Testing

@testable import Control

@Suite struct SchemaTests {
    private var folder: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../protocol/control").standardizedFileURL
    }

    /// `STARLING_WRITE_SCHEMAS=1` writes the files after a change of the declarations.
    @Test func filesEqualDeclarations() throws {
        let names = Methods.all.map(\.name)
        #expect(Set(names).count == names.count, "names are unique")
        if ProcessInfo.processInfo.environment["STARLING_WRITE_SCHEMAS"] == "1" {
            for method in Methods.all {
                try Data((method.json.prettyText + "\n").utf8).write(
                    to: self.folder.appendingPathComponent("\(method.name).json"))
            }
        }
        for method in Methods.all {
            let file = self.folder.appendingPathComponent("\(method.name).json")
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(text == method.json.prettyText + "\n", "\(method.name)")
            #expect(try JSONText.parse(text) == method.json)
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: self.folder.path)
            .filter { $0.hasSuffix(".json") }.sorted()
        #expect(files == names.map { "\($0).json" }.sorted(), "no file without its method")
    }

    @Test func examplesKeepTheirSchemas() throws {
        for method in Methods.all {
            #expect(throws: Never.self, "\(method.name)") {
                try method.check(params: method.exampleParams)
                try method.check(result: method.exampleResult)
            }
            #expect(method.summary.hasSuffix("."), "\(method.name)")
        }
    }

    @Test func namesTheFirstDifference() throws {
        let submit = try #require(Methods.named("transaction.submit"))
        let good = #"{"account":"alice","operations":[{"operation":"bank.transfer","to":"x"}]}"#
        try submit.check(params: try JSONText.parse(good))
        let rows = [
            (#"{"operations":[{"operation":"bank.transfer"}]}"#, "account"),
            (#"{"account":"Alice","operations":[{"operation":"bank.transfer"}]}"#, "account"),
            (#"{"account":"alice","operations":[]}"#, "operations"),
            (#"{"account":"alice","operations":[{"to":"x"}]}"#, "operations[0].operation"),
            (
                #"{"account":"alice","operations":[{"operation":"transfer"}]}"#,
                "operations[0].operation"
            ),
            (
                #"{"account":"alice","operations":[{"operation":"bank.transfer"}],"maxFee":"01"}"#,
                "maxFee"
            ),
            (
                #"{"account":"alice","operations":[{"operation":"bank.transfer"}],"maxFee":7}"#,
                "maxFee"
            ),
            (
                #"{"account":"alice","operations":[{"operation":"bank.transfer"}],"wait":"soon"}"#,
                "wait"
            ),
            (
                #"{"account":"alice","operations":[{"operation":"bank.transfer"}],"validForMs":1}"#,
                "validForMs"
            ),
            (
                #"{"account":"alice","operations":[{"operation":"bank.transfer"}],"mxFee":"1"}"#,
                "mxFee"
            ),
        ]
        for (text, path) in rows {
            let params = try JSONText.parse(text)
            do throws(FieldError) {
                try submit.check(params: params)
                Issue.record("accepted: \(text)")
            } catch { #expect(error.path == path, "\(text)") }
        }
    }

    @Test func formatsHoldTheirEdges() {
        let rows: [(TextFormat, [String], [String])] = [
            (
                .u64, ["0", "18446744073709551615"],
                ["", "00", "-1", "+1", "1.0", "18446744073709551616", "１"]
            ),
            (
                .amount, ["0", "5192296858534827628530496329220096"],
                ["5192296858534827628530496329220097", "1e3", " 1"]
            ),
            (.change, ["-1", "0", "7"], ["--1", "-", "+1"]),
            (
                .digest, [String(repeating: "0a", count: 32)],
                [String(repeating: "0A", count: 32), String(repeating: "0a", count: 31)]
            ),
            (.hex, ["", "00ff"], ["0", "0g", "0x00"]),
            (
                .walletName, ["a", "alice-2"],
                ["", "2a", "Alice", "a b", String(repeating: "a", count: 33)]
            ),
            (.kind, ["bank.transfer"], ["bank", "bank.", ".transfer", "bank.a.b", "Bank.a"]),
        ]
        for (format, good, bad) in rows {
            for text in good { #expect(format.accepts(text), "\(format) \(text)") }
            for text in bad { #expect(!format.accepts(text), "\(format) \(text)") }
        }
    }

    @Test func everyMethodOfTheTaskIsDeclared() {
        let named = [
            "rpc.discover", "node.status", "node.stop", "peer.list", "block.get", "chain.export",
            "chain.genesis",
            "chain.supply", "account.get",
            "wallet.list", "wallet.create", "wallet.export-words", "transaction.submit",
            "transaction.simulate", "transaction.prepare", "transaction.send", "transaction.get",
            "operation.list", "kernel.check", "kernel.get", "kernel.list", "offer.list", "job.get",
            "job.list", "job.receipt", "job.progress", "job.open", "blob.open", "blob.append",
            "blob.commit", "blob.stat", "blob.read", "provider.status", "provider.start",
            "provider.stop", "provider.pause", "provider.why", "provider.earnings", "job.why",
            "stake.get", "governance.list", "governance.get", "subscribe", "unsubscribe",
            "state.export", "ledger.header",
        ]
        #expect(Methods.all.map(\.name).sorted() == named.sorted())
    }
}
