import ArgumentParser
import Fleet
import FoundationEssentials
import RoomKit

struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters", abstract: "Messages that were given up: read, replay or discard them.",
        subcommands: [List.self, Show.self, Replay.self, Discard.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List them, newest first.")

        @Option(help: "How many at most.") var limit = 100
        @OptionGroup var options: CommandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await options.withFleet { _, bus in
                try output.print(
                    try await DeadLetters(bus).list(limit: limit),
                    columns: [
                        ("ID", { "\($0.id)" }), ("WORKER", { $0.consumer }), ("TYPE", { $0.type }),
                        ("SUBJECT", { $0.subject }), ("TRIES", { "\($0.attempts)" }),
                        ("DIED", { $0.diedAt.formatted(.iso8601) }),
                        ("REASON", { String($0.reason.prefix(120)) }),
                    ],
                    empty: "No dead letters: every message found its effect.")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print one, with the JSON that it carried.")

        @Argument(help: "The id that 'list' prints.") var id: Int64
        @OptionGroup var options: CommandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await options.withFleet { _, bus in
                guard let (letter, body) = try await DeadLetters(bus).show(id) else { throw NoSuchLetter(id: id) }
                try output.printJSON(letter)
                print(String(decoding: body, as: UTF8.self))
            }
        }
    }

    struct Replay: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send one to its worker again, with a fresh count of tries.")

        @Argument(help: "The id that 'list' prints.") var id: Int64
        @OptionGroup var options: CommandOptions

        func run() async throws {
            try await options.withFleet { _, bus in
                guard try await DeadLetters(bus).replay(id) else { throw NoSuchLetter(id: id) }
                print("dead letter \(id) is on its way to its worker again")
            }
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete one for good.")

        @Argument(help: "The id that 'list' prints.") var id: Int64
        @OptionGroup var options: CommandOptions

        func run() async throws {
            try await options.withFleet { _, bus in
                guard try await DeadLetters(bus).discard(id) else { throw NoSuchLetter(id: id) }
                print("dead letter \(id) is discarded")
            }
        }
    }

    struct NoSuchLetter: Error, CustomStringConvertible {
        let id: Int64
        var description: String { "there is no dead letter \(id); 'slipway dead-letters list' shows those there are" }
    }
}
