import Foundation

/// The rules for one Swift file; each answers with what it objects to.
enum Rules {
    static let fileLinesMax = 500
    static let functionLinesMax = 60
    static let columnsMax = 100

    // MARK: Sizes

    static func fileLength(_ file: SourceText) -> [Finding] {
        let count = file.lines.count
        // A final line break makes one more.
        guard count > self.fileLinesMax + 1 else { return [] }
        return [
            Finding(
                path: file.path, line: count,
                message: "\(count) lines, at most \(self.fileLinesMax)")
        ]
    }

    /// A line of a raw string, such as a pattern, may be longer.
    static func lineLength(_ file: SourceText) -> [Finding] {
        file.lines.enumerated().filter {
            $0.element.count > self.columnsMax && !$0.element.contains("#\"")
        }.map {
            Finding(
                path: file.path, line: $0.offset + 1,
                message: "\($0.element.count) columns, at most \(self.columnsMax)")
        }
    }

    /// A table or script test is one function, so tests may be a little longer.
    static func functionLength(_ file: SourceText) -> [Finding] {
        let isTest = file.path.hasPrefix("Tests/")
        let most = isTest ? self.functionLinesMax + 15 : self.functionLinesMax
        return self.functions(file).filter { $0.lines > most }.map {
            Finding(
                path: file.path, line: $0.start + 1,
                message: "a function of \($0.lines) lines, at most \(most)")
        }
    }

    /// Functions and initialisers with a body: first line, and lines down to the closing brace.
    static func functions(_ file: SourceText) -> [(start: Int, lines: Int)] {
        var found: [(start: Int, lines: Int)] = []
        for (index, line) in file.code.enumerated() {
            let declares = #"(^|\s)(func\s+[^\s(<]+|init[?!]?|subscript)\s*[(<]|(^|\s)deinit\s*\{"#
            guard line.contains("func ") || line.contains("init") || line.contains("subscript")
            else { continue }
            guard !matches(declares, in: line).isEmpty else { continue }
            guard matches(#"(self|super|\w)\.init\s*\("#, in: line).isEmpty else { continue }
            if let end = self.bodyEnd(file.code, from: index) {
                found.append((index, end - index + 1))
            }
        }
        return found
    }

    /// The line of the brace that closes the first body opened at or after `start`, if there is
    /// one.
    private static func bodyEnd(_ code: [String], from start: Int) -> Int? {
        var parentheses = 0
        var braces = 0
        for index in start..<code.count {
            if index > start, parentheses == 0, braces == 0 {
                // A declaration without a body is followed by another, or by its type's end.
                let other =
                    #"^\s*(\}|@|///|(package|public|private|internal|static|mutating|func|init|"#
                    + #"var|let|case|associatedtype|subscript|extension|struct|enum|class)\b|$)"#
                if !matches(other, in: code[index]).isEmpty { return nil }
            }
            for character in code[index] {
                switch character {
                case "(", "[": parentheses += 1
                case ")", "]": parentheses -= 1
                case "{" where parentheses == 0: braces += 1
                case "}" where parentheses == 0:
                    braces -= 1
                    if braces == 0 { return index }
                    if braces < 0 { return nil }
                default: break
                }
            }
        }
        return nil
    }

    // MARK: Words

    /// What a deterministic room never says. A message, and the expression that finds it.
    static let banned: [(message: String, pattern: String)] = [
        (
            "no async, await, Task or actor",
            #"\b(async|await|actor|Task|AsyncStream|DispatchQueue|Thread)\b"#
        ),
        ("no Date", #"\bDate\b"#),
        ("no clock", #"\b([A-Z]\w*Clock|clock_gettime|gettimeofday|mach_absolute_time)\b"#),
        (
            "no system randomness",
            #"\.random\b|\.randomElement\b|\.shuffled\b|\.shuffle\b|SystemRandomNumberGenerator|\brandombytes"#
        ),
        ("no floating point", #"\b(Double|Float|Float16|Float32|Float64|Float80|CGFloat)\b"#),
        ("no hashValue or Hasher order", #"\bhashValue\b"#),
        ("no bare Dictionary: use Lookup or OrderedDictionary", #"\bDictionary\b"#),
        ("no bare Set: use OrderedSet or a sorted array", #"\bSet\s*[<(]|:\s*Set\b"#),
        (
            "no [Key: Value]: use Lookup or OrderedDictionary",
            #"\[\s*[A-Z][\w.]*[?]?\s*:\s*[\[(A-Z]"#
        ),
        ("no force unwrap: use .proven(\"why\")", #"(?<!\btry|\bas)(?<=[\w)\]}>?])!(?!=)"#),
        ("no as!", #"\bas!"#),
        ("no try!", #"\btry!"#),
        ("no try?", #"\btry\?"#),
        ("no print", #"(?<![.\w])(print|debugPrint|dump|NSLog)\s*\("#),
        ("no fatalError", #"\b(fatalError|assertionFailure|abort)\s*\("#),
        ("no any Error: errors are typed", #"\bany\s+Error\b"#),
        ("no untyped throws: write throws(X)", #"\bthrows\b(?!\s*\()"#),
    ]

    /// A file of a deterministic room and the messages that it is excused from, with the reason.
    static let excuses: [String: [String: String]] = [
        "Sources/Primitives/Core/Lookup.swift": [
            "no [Key: Value]: use Lookup or OrderedDictionary": "Lookup is the wrapper"
        ],
        "Sources/Kernels/Referee/FloatArithmetic.swift": [
            "no floating point": "the referee's one arithmetic file"
        ],
        "Sources/Kernels/Source/FloatFolding.swift": [
            "no floating point": "constant folding"
        ],
    ]

    static func bannedWords(_ file: SourceText) -> [Finding] {
        guard House.deterministic.contains(file.room) else { return [] }
        var found: [Finding] = []
        for word in self.banned {
            if self.excuses[file.path]?[word.message] != nil { continue }
            for index in lines(matching: word.pattern, in: file.code) {
                found.append(Finding(path: file.path, line: index + 1, message: word.message))
            }
        }
        return found
    }

    /// `.units` outside Primitives is raw arithmetic: the line, or the one above, says `// raw:
    /// why`.
    static func rawAmounts(_ file: SourceText) -> [Finding] {
        guard House.deterministic.contains(file.room), file.room != "Primitives" else { return [] }
        var found: [Finding] = []
        for index in lines(matching: #"(?<!eight|admitted|open)\.units\b"#, in: file.code) {
            let above = index > 0 ? file.lines[index - 1] : ""
            if (file.lines[index] + above).contains("// raw: ") { continue }
            found.append(
                Finding(path: file.path, line: index + 1, message: ".units without `// raw: why`"))
        }
        return found
    }

    // MARK: Documentation

    /// Members that only fulfil a protocol whose own comment says what they do.
    private static let witnesses =
        #"\b(static func (==|<)|func (visit|encode|hash|run|validate)\b|var (blank|json|schema|"#
        + #"description|debugDescription|rawValue|allCases|body|configuration|errorDescription|id)\b|"#
        + #"init\??\((from|json|rawValue|canonical)\b|let configuration\b)"#

    /// Types, functions and computed properties open to other rooms have a doc comment.
    ///
    /// Stored properties and memberwise initialisers are covered by their type's comment.
    static func documentation(_ file: SourceText) -> [Finding] {
        var found: [Finding] = []
        let declaration =
            #"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*package[ \t]+(?!import\b|extension\b)(.*)$"#
        for index in lines(matching: declaration, in: file.code) {
            guard let rest = matches(declaration, in: file.code[index]).first?[1] else { continue }
            if !matches(self.witnesses, in: rest).isEmpty { continue }
            let isStored =
                !matches(#"^(private\(set\)\s+|static\s+)*(let|var)\b[^{]*$"#, in: rest).isEmpty
            let isMemberwise = !matches(#"^init\("#, in: rest).isEmpty
            // The vocabulary of every core; protocol/ and the core's own comment say what it is.
            let isVocabulary =
                !matches(#"^enum (Input|Effect|Message|Timer)\b|^struct Config\b"#, in: rest)
                .isEmpty
            if isStored || isMemberwise || isVocabulary { continue }
            if self.hasComment(file, above: index) { continue }
            let name = rest.trimmingCharacters(in: .whitespaces).prefix(40)
            found.append(
                Finding(path: file.path, line: index + 1, message: "no doc comment: \(name)"))
        }
        return found
    }

    private static func hasComment(_ file: SourceText, above index: Int) -> Bool {
        var line = index - 1
        while line >= 0 {
            let text = file.lines[line].trimmingCharacters(in: .whitespaces)
            if text.hasPrefix("///") { return true }
            guard text.hasPrefix("@") || text.hasPrefix("//") || text.hasPrefix("#if") else {
                return false
            }
            line -= 1
        }
        return false
    }

    /// Pages of protocol/ that a comment cites exist, and have the section that it names.
    static func citations(_ file: SourceText, read: (String) -> String) -> [Finding] {
        var found: [Finding] = []
        let pattern = #"(protocol/[a-z/-]+\.md)(?:, "([^"]+)")?"#
        for index in lines(matching: pattern, in: file.lines) {
            for groups in matches(pattern, in: file.lines[index]) {
                let page = read(groups[1])
                var message = ""
                if page.isEmpty { message = "there is no \(groups[1])" }
                if !groups[2].isEmpty, !page.contains("\n## \(groups[2])\n") {
                    message = "\(groups[1]) has no section \"\(groups[2])\""
                }
                guard !message.isEmpty else { continue }
                found.append(Finding(path: file.path, line: index + 1, message: message))
            }
        }
        return found
    }

    // MARK: The repository

    // Put together from parts, so that this file passes its own rule.
    private static let foreign: [(message: String, pattern: String)] = [
        (
            "a path of one machine",
            #"(?<![\w.$}])/(wo"# + #"rk|ro"# + #"ot|ho"# + #"me/\w+|far"# + #"m)/"#
        ),
        (
            "a folder outside the repository",
            #"\.\./sha"# + #"red\b|\bsha"# + #"red/(DES|STY|FEA|NUMB|ATT|res)"#
        ),
        ("a tool of one workplace", #"bash_jo"# + #"bs|/\.libr"# + #"ary/|\bconversation_id\b"#),
        (
            "a document outside the repository",
            #"\bDESI"# + #"GN\b|\b(NUMB"# + #"ERS|STY"# + #"LE|ATTA"# + #"CKS)\.md"#
        ),
        (
            "unfinished work belongs in docs/STATUS.md",
            #"\b(TO"# + #"DO|FIX"# + #"ME|XX"# + #"X)\b|\bnot yet imple"# + #"mented|\bunimple"#
                + #"mented\b|\bfor no"# + #"w\b"#
        ),
    ]

    /// Any text file of the repository: nothing of one machine in it, no unfinished work.
    static func foreignWords(path: String, text: String) -> [Finding] {
        var found: [Finding] = []
        let split = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for word in self.foreign {
            for index in lines(matching: word.pattern, in: split) {
                found.append(Finding(path: path, line: index + 1, message: word.message))
            }
        }
        return found
    }
}
