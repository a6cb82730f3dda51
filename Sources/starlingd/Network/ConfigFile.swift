import Foundation

/// The text of a `starling.toml`: written once with every key, later changed line by line, so that
/// what a person wrote in it stays.
struct ConfigFile {
    private(set) var text: String

    init(text: String) { self.text = text }

    /// Gives a key of a section ("" for the part above all sections) a value, in TOML.
    ///
    /// The line that says it, or says it behind a `#`, is replaced; else one is added.
    mutating func set(_ key: String, in section: String = "", to value: String) {
        var lines = self.text.split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        var here = ""
        var end = section.isEmpty ? 0 : nil
        var commented: Int?
        for (index, line) in lines.enumerated() {
            let trimmed = line.trimmingCharacters(in: .whitespaces)
            if trimmed.hasPrefix("[") {
                here = trimmed.trimmingCharacters(in: CharacterSet(charactersIn: "[] "))
                if here == section { end = index + 1 }
                continue
            }
            guard here == section else { continue }
            if Self.says(trimmed, key) {
                lines[index] = "\(key) = \(value)"
                self.text = lines.joined(separator: "\n")
                return
            }
            if trimmed.hasPrefix("#"),
                Self.says(trimmed.dropFirst().trimmingCharacters(in: .whitespaces), key)
            {
                commented = index
            }
        }
        if let commented {
            lines[commented] = "\(key) = \(value)"
        } else if let end {
            lines.insert("\(key) = \(value)", at: end)
        } else {
            lines += ["[\(section)]", "\(key) = \(value)", ""]
        }
        self.text = lines.joined(separator: "\n")
    }

    private static func says(_ line: String, _ key: String) -> Bool {
        guard line.hasPrefix(key) else { return false }
        return line.dropFirst(key.count).drop { $0 == " " || $0 == "\t" }.first == "="
    }

    /// A string of TOML.
    static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\" + String(scalar)
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// A list of strings of TOML.
    static func list(_ texts: [String]) -> String {
        "[" + texts.map(Self.quote).joined(separator: ", ") + "]"
    }

    /// A file that says every key and what it means.
    init(reveals: Int) {
        let limits = Settings.Defaults.self
        self.text = """
            # One Starling node, written by `starlingd init`. Start it: starlingd run --config FILE
            # Paths begin at the folder of this file. Amounts are motes: 10^9 are one STAR.

            data = "."
            # The socket of the command line; rpc.sock in `data` if left out.
            # socket = "rpc.sock"
            # trace, debug, info, warning or error.
            log = "info"
            # An idle chain makes a block so often.
            heartbeat_ms = \(limits.heartbeatMs)

            # The network is its genesis; `starlingd init --genesis FILE` puts it here.
            genesis = "genesis.json"
            # Where peers are accepted, TCP and UDP; without it this node only dials.
            # listen = "0.0.0.0:7650"
            # What others dial, where that is not `listen`.
            # advertise = "node.example:7650"
            # Whom to dial beside those whom the genesis file names: "KEY@HOST:PORT".
            peers = []
            # The account that earns for this validator: a wallet's name or an account id.
            payout = "owner"


            """ + Self.sections(reveals)
    }

    private static func sections(_ reveals: Int) -> String {
        let limits = Settings.Defaults.self
        return """
            [validator]
            # Votes if the genesis has a seat for the node key.
            enabled = true
            # Blocks that the reveal chain of the seat serves; fixed once the genesis is made.
            reveals = \(reveals)

            [wallet]
            # The passphrase of the key files; else $CREDENTIALS_DIRECTORY/passphrase.
            # passphrase_file = "passphrase"
            # Keys without a passphrase, sealed with the least work: for test networks alone.
            testnet_keys = false

            [provider]
            # Whether this node runs jobs of others, and for which account.
            enabled = true
            account = "provider"
            price_per_giga_gas = \(limits.pricePerGigaGas)
            # Held while the offer stands.
            bond = \(limits.bond)
            # Jobs at once.
            capacity = \(limits.capacity)
            # Leaves run again here before a result is committed.
            self_check_leaves = \(limits.selfCheckLeaves)

            [worker]
            # The program that runs kernels; beside starlingd if left out.
            # path = "/usr/lib/starling/starling-worker"
            # Limits of one job.
            wall_ms = \(limits.wallMs)
            memory_bytes = \(limits.memoryBytes)
            output_bytes = \(limits.outputBytes)
            # Files of the GPU that workers see, such as "/dev/nvidia0"; empty for CPUs.
            device_nodes = []

            """
    }
}
