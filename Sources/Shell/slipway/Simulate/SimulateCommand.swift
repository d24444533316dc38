import ArgumentParser
import Merging

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Try a policy on virtual time, beside those of other systems.",
        subcommands: [SimulateMergingCommand.self])
}
