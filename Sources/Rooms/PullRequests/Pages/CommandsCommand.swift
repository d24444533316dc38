package import ArgumentParser
import FoundationEssentials
package import RoomKit

/// `slipway commands`: what people may write on pull requests.
package struct CommandsCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "commands", abstract: "List the commands that people may write on pull requests.")

    @OptionGroup package var output: OutputOptions
    @Flag(help: "Print the table of docs/pull-requests.md.")
    package var markdown = false

    package init() {}

    package func run() async throws {
        guard !markdown else { return print(CommandListing.markdown, terminator: "") }
        try output.print(
            CommandListing.all,
            columns: [
                ("COMMAND", { "/\($0.command)" }), ("PLUGIN", \.plugin), ("WHO", \.who), ("EFFECT", \.effect),
            ], empty: "There are no commands.")
    }
}

/// A command as it is listed: once per definition, under its first name.
package struct CommandListing: Hashable, Sendable, Codable {
    package var command: String
    package var usage: [String]
    package var who: String
    package var effect: String
    package var plugin: String

    package static let all: [CommandListing] = PluginCatalog.all.flatMap { plugin in
        plugin.commands.map { command in
            CommandListing(
                command: command.names.first ?? "", usage: command.usage, who: command.who,
                effect: command.effect, plugin: plugin.name)
        }
    }

    /// The table of `docs/pull-requests.md`.
    package static var markdown: String {
        let rows = all.map { listing in
            let usage = listing.usage.map { "`\($0.replacing("|", with: "\\|"))`" }.joined(separator: "<br>")
            return "| \(usage) | \(cell(listing.who)) | \(cell(listing.effect)) | `\(listing.plugin)` |"
        }
        return (["| command | who | effect | plugin |", "|---|---|---|---|"] + rows).joined(separator: "\n") + "\n"
    }

    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}
