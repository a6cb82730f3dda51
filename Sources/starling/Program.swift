import ArgumentParser

/// The command line: a thin client of `starlingd`.
///
/// Exit status: 0 done, 1 refused, 2 no daemon could be reached, 64 wrong usage.
@main
struct Starling: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "starling",
        abstract: "Runs verified kernels on other people's GPUs, and earns with yours.",
        discussion: """
            Every command but "kernel check" talks to the daemon (starlingd) over its Unix socket.
            Exit status: 0 done, 1 refused, 2 no daemon could be reached, 64 wrong usage.
            """,
        version: "0.1.0",
        subcommands: [
            StatusCommand.self, PeersCommand.self, WalletCommand.self, TransferCommand.self,
            KernelCommand.self,
            JobCommand.self, ProviderCommand.self, BlockCommand.self, BlobCommand.self,
            LedgerCommand.self, StakeCommand.self, GovCommand.self,
        ])
}
