import ArgumentParser
import Foundation
import Logging
import UnixSignals

/// Runs a node until SIGTERM or SIGINT.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs a node until SIGTERM or SIGINT (the default).")

    @Flag(
        help:
            "One validator, funded test accounts, jobs run and audited here. For trying and tests.")
    var dev = false

    @Option(help: "The data directory; with --dev a temporary one if left out, else the file says.")
    var data: String?

    @Option(help: "The socket for commands; rpc.sock in the data directory if left out.")
    var socket: String?

    @Option(help: "A TOML file, starling.toml in --data if left out; arguments win over it.")
    var config: String?

    @Option(help: "trace, debug, info, warning or error.")
    var log: String?

    func validate() throws {
        guard self.dev || self.config != nil || self.data != nil else {
            throw ValidationError(
                "give --dev to try Starling on this machine, or --config FILE or --data DIR of a "
                    + "node that starlingd init made")
        }
    }

    private var file: String? {
        self.config ?? (self.dev ? nil : self.data.map { $0 + "/starling.toml" })
    }

    func run() async throws {
        let settings: Settings
        do {
            settings = try Settings(
                file: self.file, dev: self.dev, data: self.data, socket: self.socket,
                log: self.log)
            try settings.check()
        } catch {
            FileHandle.standardError.write(Data("starlingd: \(error)\n".utf8))
            throw ExitCode(78)  // EX_CONFIG of sysexits.h
        }
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = settings.logLevel
            return handler
        }
        let logger = Logger(label: "starlingd")
        let daemon: Daemon
        do {
            daemon = try await Daemon(settings, logger: logger)
        } catch {
            logger.critical("cannot start: \(error)")
            throw ExitCode(1)
        }
        logger.info(
            "ready", metadata: ["socket": "\(daemon.socketPath)", "data": "\(settings.data)"])
        let failure = await Self.untilEnd(daemon)
        await daemon.stop()
        if let failure {
            logger.critical("stopped: \(failure)")
            throw ExitCode(1)
        }
        logger.info("stopped")
    }

    /// Waits for a signal, `node.stop`, or the end of what the node can do; answers the failure.
    private static func untilEnd(_ daemon: Daemon) async -> String? {
        await withTaskGroup(of: String?.self) { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) { return nil }
                return nil
            }
            group.addTask { await daemon.end.wait() }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}
