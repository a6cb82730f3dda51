import ArgumentParser

/// The daemon: arguments, configuration, and the one loop that pumps effects into drivers.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starlingd",
        abstract: "The Starling daemon: a node that validates, provides and audits verified jobs.",
        version: Service.version,
        subcommands: [
            RunCommand.self, InitCommand.self, GenesisCommand.self, LedgerCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}
