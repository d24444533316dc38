import ArgumentParser
import Fleet
import FoundationEssentials
import RoomKit
import Web

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Tokens for write actions over HTTP: create, list, revoke.",
        subcommands: [Create.self, List.self, Revoke.self], defaultSubcommand: List.self)

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create one and print it: it cannot be shown again.",
            discussion: "Scopes:\n" + Scope.all.map { "  \($0.rawValue): \($0.meaning)" }.joined(separator: "\n"))

        @Option(help: "Who it speaks for, as shown beside what it did.") var owner: String
        @Option(name: .customLong("scope"), help: "What it may do; give it several times for several.")
        var scopes: [String]
        @Option(help: "Days until it expires; never where omitted.") var days: Int?
        @OptionGroup var options: CommandOptions

        func validate() throws {
            if let days, !(1...3650).contains(days) { throw ValidationError("--days takes 1 to 3650") }
        }

        func run() async throws {
            try await options.withFleet { _, bus in
                let token = try await TokenStore(bus.database).create(
                    owner: owner, scopes: scopes.map(Scope.init(rawValue:)),
                    expiresAt: days.map { Date().addingTimeInterval(Double($0) * 86_400) })
                print(token.text)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List tokens, never their text.")

        @OptionGroup var options: CommandOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await options.withFleet { _, bus in
                try output.print(
                    try await TokenStore(bus.database).list(),
                    columns: [
                        ("ID", { $0.id }), ("OWNER", { $0.owner }),
                        ("SCOPES", { $0.scopes.map(\.rawValue).joined(separator: ",") }),
                        ("CREATED", { $0.createdAt.formatted(.iso8601) }),
                        ("EXPIRES", { $0.expiresAt?.formatted(.iso8601) ?? "never" }),
                        ("REVOKED", { $0.revokedAt?.formatted(.iso8601) ?? "" }),
                    ],
                    empty: "No tokens. 'slipway token create --owner NAME --scope runs:write' makes one.")
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a token at once.")

        @Argument(help: "The id that 'list' prints.") var id: String
        @OptionGroup var options: CommandOptions

        func run() async throws {
            try await options.withFleet { _, bus in
                guard let record = try await TokenStore(bus.database).revoke(id) else {
                    throw ValidationError("there is no token \(id); 'slipway token list' shows those there are")
                }
                print("token \(record.id) of \(record.owner) is revoked")
            }
        }
    }
}
