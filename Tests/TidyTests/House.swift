import Foundation

/// The house: which room may import what. docs/ARCHITECTURE.md draws it and says why.
enum House {
    /// The rooms with no clock, no system randomness and no threads.
    static let deterministic: [String] = [
        "Primitives", "Ledger", "Kernels", "Economy", "Consensus", "Gossip", "Provider", "Chain",
        "Node", "Simulation",
    ]

    private static let collections = ["OrderedCollections", "DequeModule"]
    private static let system = ["Foundation", "Glibc", "Synchronization", "Dispatch"]
    private static let nio = ["NIOCore", "NIOPosix", "NIOConcurrencyHelpers", "Logging"]

    /// Room -> the rooms and libraries that it may declare and import.
    static let allowed: [String: [String]] = [
        "Primitives": ["CSodium"],
        "Ledger": ["Primitives"] + collections,
        "Kernels": ["Primitives"] + collections,
        "Economy": ["Primitives", "Ledger", "Kernels"] + collections,
        "Consensus": ["Primitives"] + collections,
        "Gossip": ["Primitives"] + collections,
        "Provider": ["Primitives", "Kernels"] + collections,
        "Chain": ["Primitives", "Ledger", "Economy"] + collections,
        "Node": ["Primitives", "Chain", "Provider", "Gossip", "Consensus"] + collections,
        "Store": ["Primitives", "Ledger", "CLMDB", "Logging"] + collections + system,
        "Executor": ["Primitives", "Kernels", "Logging"] + system,
        "Devices": ["Primitives", "Kernels", "COpenCL"] + system,
        "Transport": ["Primitives", "Gossip"] + nio + system,
        "Control": ["Primitives", "Kernels"] + nio + system,
        "Simulation": [
            "Primitives", "Ledger", "Kernels", "Economy", "Consensus", "Gossip", "Provider",
            "Chain", "Node",
        ] + collections,
        "starlingd": [
            "Primitives", "Ledger", "Kernels", "Economy", "Consensus", "Gossip", "Provider",
            "Chain",
            "Node", "Store", "Executor", "Transport", "Control", "ArgumentParser", "Logging",
            "ServiceLifecycle", "UnixSignals", "TOMLKit",
        ] + system,
        "starling": ["Primitives", "Kernels", "Control", "ArgumentParser", "TOMLKit"] + system,
        "starling-worker": ["Primitives", "Kernels", "Devices"] + system,
        "starling-bench": [
            "Primitives", "Ledger", "Economy", "Chain", "Store", "ArgumentParser",
        ] + system,
        "starling-sim": ["Primitives", "Simulation", "ArgumentParser"] + system,
    ]

    /// A C library has one importer.
    static let importers = ["CSodium": "Primitives", "CLMDB": "Store", "COpenCL": "Devices"]

    /// What a deterministic file may import beside its room's row, and why.
    static let excused: [String: [String]] = [:]

    /// Imports of one source file that the house does not allow.
    static func findings(imports file: SourceText) -> [Finding] {
        guard let row = self.allowed[file.room] else {
            return [Finding(path: file.path, line: 1, message: "no such room in the house")]
        }
        let pattern =
            #"^[ \t]*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?"#
            + #"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"#
        var found: [Finding] = []
        for index in lines(matching: pattern, in: file.code) {
            for groups in matches(pattern, in: file.code[index]) {
                let module = groups[1]
                if row.contains(module) { continue }
                if self.excused[file.path, default: []].contains(module) { continue }
                found.append(
                    Finding(
                        path: file.path, line: index + 1,
                        message: "\(file.room) may not import \(module)"))
            }
        }
        return found
    }

    /// Dependencies declared in the package manifest that the house does not allow.
    static func findings(manifest text: String) -> [Finding] {
        let declared = self.declared(in: text)
        var found: [Finding] = []
        func object(_ message: String) {
            found.append(Finding(path: "Package.swift", line: 1, message: message))
        }
        if declared.isEmpty { object("no room found in the manifest") }
        for (room, dependencies) in declared.sorted(by: { $0.key < $1.key }) {
            guard let row = self.allowed[room] else {
                object("\(room) is no room of the house")
                continue
            }
            for module in dependencies where !row.contains(module) {
                object("\(room) may not depend on \(module)")
            }
        }
        return found
    }

    /// Room -> declared modules, read from the manifest's `room(...)` and `door(...)` lines.
    static func declared(in text: String) -> [String: [String]] {
        var names: [String: [String]] = [:]
        let head = text.components(separatedBy: "let package").first ?? ""
        for part in ("\n" + head).components(separatedBy: "\nlet ").dropFirst() {
            let name = String(part.prefix { $0.isLetter || $0.isNumber })
            let products = matches(#"product\(\s*name:\s*"(\w+)""#, in: part).map { $0[1] }
            if !products.isEmpty { names[name] = products }
        }
        var rooms: [String: [String]] = [:]
        for kind in ["room", "door"] {
            for part in text.components(separatedBy: "        \(kind)(").dropFirst() {
                let call = self.balanced(part)
                guard let room = matches(#"^\s*"([\w-]+)""#, in: call).first?[1] else { continue }
                let rest = call.replacingOccurrences(
                    of: #"package:\s*"[\w-]+""#, with: "", options: .regularExpression)
                var modules = matches(#""([\w-]+)""#, in: rest).map { $0[1] }.filter { $0 != room }
                for (name, products) in names.sorted(by: { $0.key < $1.key })
                where !matches(#"(?<!["\w])\#(name)\b(?!["\w])"#, in: rest).isEmpty {
                    modules += products
                }
                rooms[room] = modules
            }
        }
        return rooms
    }

    /// Room -> rooms it may reach, checked to have no cycle.
    static func cycle() -> [String] {
        func visit(_ room: String, _ path: [String]) -> [String] {
            if path.contains(room) { return path + [room] }
            for next in self.allowed[room, default: []] where self.allowed[next] != nil {
                let found = visit(next, path + [room])
                if !found.isEmpty { return found }
            }
            return []
        }
        for room in self.allowed.keys.sorted() {
            let found = visit(room, [])
            if !found.isEmpty { return found }
        }
        return []
    }

    private static func balanced(_ text: String) -> String {
        var depth = 1
        var call = ""
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if depth == 0 { break }
            call.append(character)
        }
        return call
    }
}
