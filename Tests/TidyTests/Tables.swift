import Foundation

/// The tables of protocol/, read as text.
enum Tables {
    /// Rows of a CSV file without its header; fields may be quoted.
    static func rows(_ text: String) -> [[String]] {
        text.split(separator: "\n").dropFirst().map { self.fields(String($0)) }
    }

    static func fields(_ line: String) -> [String] {
        var fields = [""]
        var quoted = false
        for character in line {
            switch character {
            case "\"": quoted.toggle()
            case "," where !quoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        return fields
    }

    /// Domain name -> tag, from the enum's source.
    static func domains(source: String) -> [(name: String, tag: String)] {
        matches(#"case (\w+) = "([^"]*)""#, in: source).map { (name: $0[1], tag: $0[2]) }
    }

    /// Differences between the enum of domains and the rows `domain.NAME` of constants.csv.
    static func domainFindings(source: String, constants: String) -> [Finding] {
        var found: [Finding] = []
        func object(_ message: String) {
            found.append(Finding(path: "protocol/constants.csv", line: 1, message: message))
        }
        let declared = self.domains(source: source)
        let listed = self.rows(constants).filter { $0[0].hasPrefix("domain.") }
        if declared.isEmpty { object("no domain found in the source") }
        for domain in declared {
            if domain.tag.utf8.count > 16 { object("\(domain.tag) has more than 16 bytes") }
            if declared.filter({ $0.tag == domain.tag }).count > 1 { object("\(domain.tag) twice") }
            let row = listed.first { $0[0] == "domain.\(domain.name)" }
            if row?[1] != domain.tag {
                object("domain.\(domain.name) is not listed as \(domain.tag)")
            }
        }
        for row in listed where !declared.contains(where: { "domain.\($0.name)" == row[0] }) {
            object("\(row[0]) is listed and not declared")
        }
        return found
    }

    /// Rows of constants.csv whose `code` does not occur in their `source` file.
    ///
    /// Columns: name, value, unit, source, code, meaning.
    static func constantFindings(constants: String, read: (String) -> String) -> [Finding] {
        var found: [Finding] = []
        for (index, row) in self.rows(constants).enumerated() {
            func object(_ message: String) {
                found.append(
                    Finding(path: "protocol/constants.csv", line: index + 2, message: message))
            }
            guard row.count == 6 else {
                object("\(row.count) fields, six are wanted")
                continue
            }
            guard !row[0].hasPrefix("domain.") else { continue }
            if !self.squeezed(read(row[3])).contains(self.squeezed(row[4])) {
                object("\(row[3]) does not say `\(row[4])`")
            }
        }
        return found
    }

    private static func squeezed(_ text: String) -> String {
        text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
}
