import ArgumentParser
import Merging

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure a fleet of its own on this machine.",
        discussion: """
            Each measurement starts real services and processes in a temporary folder, and removes them when it ends.
            """,
        subcommands: [
            BenchFleet.self, BenchFaults.self, BenchLimit.self, BenchLine.self, BenchConfig.self, BenchLeases.self,
            BenchComments.self, BenchOwners.self, BenchMergingCommand.self,
        ])
}
