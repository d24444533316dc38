import Foundation
import PullRequests
import Testing

@Suite("The list of commands")
struct CommandListingTests {
    private static let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/pull-requests.md")

    @Test("docs/pull-requests.md has the table of the definitions")
    func document() throws {
        let text = try String(contentsOf: Self.page, encoding: .utf8)
        let begin = try #require(text.range(of: "<!-- commands -->\n"))
        let end = try #require(text.range(of: "<!-- /commands -->"))
        #expect(
            String(text[begin.upperBound..<end.lowerBound]) == CommandListing.markdown,
            "write it with: slipway commands --markdown")
    }

    @Test("every command says how it is written, who may, and what it does")
    func complete() {
        #expect(CommandListing.all.count > 25)
        for listing in CommandListing.all {
            #expect(
                !listing.usage.isEmpty && !listing.who.isEmpty && listing.effect.hasSuffix("."), "\(listing.command)")
            #expect(listing.usage.allSatisfy { $0.hasPrefix("/") }, "\(listing.command)")
        }
    }

    private struct Help: Decodable {
        struct Plugin: Decodable {
            struct Command: Decodable {
                var usage: String
                var examples: [String]
                var who: String

                enum CodingKeys: String, CodingKey {
                    case usage = "Usage"
                    case examples = "Examples"
                    case who = "WhoCanUse"
                }
            }
            var description: String
            var commands: [Command]

            enum CodingKeys: String, CodingKey {
                case description = "Description"
                case commands = "Commands"
            }
        }
        var plugins: [String: [String]]
        var help: [String: Plugin]

        enum CodingKeys: String, CodingKey {
            case plugins = "RepoPlugins"
            case help = "PluginHelp"
        }
    }

    @Test("/plugin-help.js has them in Prow's shape; var makes it a script")
    func pluginHelp() async throws {
        try await PullRequestsHarness.run { harness in
            let text = try await harness.page("/plugin-help.js").text
            let help = try JSONDecoder().decode(Help.self, from: Data(text.utf8))
            #expect(help.help["hold"]?.commands.first?.examples.contains("/hold") == true)
            #expect(help.help.values.allSatisfy { !$0.description.isEmpty })
            #expect(help.plugins.values.joined().allSatisfy { help.help[$0] != nil })
            #expect(try await harness.page("/plugin-help.js?var=allHelp").text == "var allHelp = \(text);")
            #expect(try await harness.page("/plugin-help.js?var=a;b").status == 400)
        }
    }
}
