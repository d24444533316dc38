import ArgumentParser
import Execution
import Leases
import PullRequests
import RoomKit
import Scheduling

/// One CI system for people who build a distribution out of many repositories.
@main
struct Slipway: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slipway",
        abstract: "Tests, merges and remembers: a fleet of workers around PostgreSQL and RabbitMQ.",
        discussion: """
            Start with 'slipway up': it brings a whole fleet to this machine, with its own PostgreSQL, RabbitMQ and \
            forge. Settings come from slipway.yaml, the environment and flags, in growing weight.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "On one machine", subcommands: [Up.self, Down.self, Processes.self]),
            CommandGroup(
                name: "Roles of a fleet",
                subcommands: [
                    GatewayCommand.self, WorkerCommand.self, AgentCommand.self, EntrypointCommand.self,
                    MigrateCommand.self,
                ]),
            CommandGroup(
                name: "Using a fleet",
                subcommands: [
                    RunsCommand.self, JobsCommand.self, ConfigCommand.self, CheckConfigCommand.self,
                    WhichJobsCommand.self, CommandsCommand.self, LeaseCommand.self, ForgeCommand.self,
                ]),
            CommandGroup(
                name: "Operating a fleet",
                subcommands: [
                    TokenCommand.self, DeadLettersCommand.self, SettingsCommand.self, BenchCommand.self,
                    SimulateCommand.self,
                ]),
        ])

    static func main() async {
        startLogging()
        Lifeline.watch()
        await Self.main(nil)
    }
}
