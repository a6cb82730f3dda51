import Foundation
import TOMLKit

/// A table of a TOML file, read key by key with errors that name file and key.
struct SettingsFile {
    let path: String
    private let table: TOMLTable
    private let prefix: String

    init(text: String, path: String) throws {
        self.path = path
        self.prefix = ""
        do { self.table = try TOMLTable(string: text) } catch {
            throw Settings.Failure(description: "\(path): \(error)")
        }
    }

    private init(_ table: TOMLTable, _ path: String, _ prefix: String) {
        self.table = table
        self.path = path
        self.prefix = prefix
    }

    /// What is wrong with a key.
    func failure(_ key: String, _ expected: String) -> Settings.Failure {
        Settings.Failure(description: "\(self.path): \(self.prefix)\(key): \(expected) expected")
    }

    /// Refuses keys that nobody reads: they are misspelt.
    func check(_ prefix: String, _ known: [String]) throws {
        for key in self.table.keys where !known.contains(key) {
            throw Settings.Failure(
                description: "\(self.path): unknown key `\(prefix)\(key)`; known are "
                    + known.map { "`\(prefix)\($0)`" }.joined(separator: ", "))
        }
    }

    func section(_ name: String) throws -> SettingsFile? {
        guard let value = self.table[name] else { return nil }
        guard let table = value.table else { throw self.failure(name, "a section [\(name)]") }
        return SettingsFile(table, self.path, name + ".")
    }

    func text(_ key: String) throws -> String? {
        guard let value = self.table[key] else { return nil }
        guard let text = value.string else { throw self.failure(key, "a string") }
        return text
    }

    func texts(_ key: String) throws -> [String]? {
        guard let value = self.table[key] else { return nil }
        guard let array = value.array else { throw self.failure(key, "a list of strings") }
        return try array.map { entry in
            guard let text = entry.string else { throw self.failure(key, "a list of strings") }
            return text
        }
    }

    /// A path; one that does not begin at the root begins at the file's folder.
    func path(_ key: String) throws -> String? {
        guard let text = try self.text(key) else { return nil }
        guard !text.isEmpty else { throw self.failure(key, "a path") }
        let folder = URL(fileURLWithPath: self.path).deletingLastPathComponent()
        return URL(fileURLWithPath: text, relativeTo: folder).standardizedFileURL.path
    }

    func place(_ key: String) throws -> HostPort? {
        guard let text = try self.text(key) else { return nil }
        do throws(Network.Failure) { return try HostPort(text) } catch {
            throw Settings.Failure(description: "\(self.path): \(key): \(error)")
        }
    }

    func number(_ key: String) throws -> UInt64? {
        guard let value = self.table[key] else { return nil }
        guard let number = value.int, number >= 0 else {
            throw self.failure(key, "a number from 0")
        }
        return UInt64(number)
    }

    func flag(_ key: String) throws -> Bool? {
        guard let value = self.table[key] else { return nil }
        guard let flag = value.bool else { throw self.failure(key, "true or false") }
        return flag
    }
}
