import Hummingbird
import JobConfig
import Postgres
import SlipwayModel
import Web

/// `/command-help`, and `/plugin-help.js` for Prow's clients.
struct CommandRoutes: Sendable {
    let database: PostgresPool
    let settings: SettingsCache

    func add(to router: Router<SlipwayContext>) {
        router.get("command-help", use: help)
        router.get("plugin-help.js", use: pluginHelp)
    }

    /// With `repo=org/repo`, only the commands of the plugins that are active there.
    @Sendable private func help(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let wanted = try request.query().text("repo")
        let repository = wanted.flatMap { RepositoryName($0) }
        if let wanted, repository == nil {
            throw WebError.badRequest(PullRequestsText.noRepositoryName(wanted))
        }
        let active = try await repository.asyncMap { try await settings.current(database).plugins(of: $0) }
        let plugins = PluginCatalog.all.filter { plugin in
            !plugin.commands.isEmpty && (active?.isActive(plugin.name) ?? true)
        }
        let values: [String: PageValue] = [
            "repository": .text(repository?.description ?? ""), "isEmpty": .flag(plugins.isEmpty),
            "emptyText": .text(PullRequestsText.noCommandsHere),
            "plugins": .objects(plugins.map(Self.values)),
        ]
        return PullRequestsTemplates.set.page(
            "commands", values, head: PageHead(title: "Commands", section: "/pulls"), context: context)
    }

    private static func values(_ plugin: PullPlugin) -> [String: PageValue] {
        [
            "name": .text(plugin.name), "summary": .markup(marked(plugin.summary)),
            "commands": .objects(
                plugin.commands.map { command in
                    [
                        "usage": .list(command.usage.map { .text($0) }), "who": .markup(marked(command.who)),
                        "effect": .markup(marked(command.effect)),
                    ]
                }),
        ]
    }

    /// What stands between backticks as code. As in Markdown, as many end it as began it.
    static func marked(_ text: String) -> Markup {
        var result = Markup(stringLiteral: "")
        var rest = text[...]
        while let start = rest.firstIndex(of: "`") {
            let ticks = rest[start...].prefix { $0 == "`" }
            result += Markup(escaping: String(rest[..<start]))
            rest = rest[ticks.endIndex...]
            // Fewer or more of them are part of the code.
            guard
                let end = rest.ranges(of: ticks).first(where: { range in
                    rest[range.upperBound...].first != "`" && !rest[..<range.lowerBound].hasSuffix("`")
                })
            else {
                result += Markup(escaping: String(ticks))
                continue
            }
            var code = rest[..<end.lowerBound]
            if code.first == " ", code.last == " ", code.count > 2 { code = code.dropFirst().dropLast() }
            result += "<code>\(String(code))</code>"
            rest = rest[end.upperBound...]
        }
        return result + Markup(escaping: String(rest))
    }

    /// Prow's shape (`pkg/pluginhelp`).
    private struct Help: Encodable {
        struct Command: Encodable {
            var usage: String
            var isFeatured = false
            var description: String
            var examples: [String]
            var who: String

            enum CodingKeys: String, CodingKey {
                case usage = "Usage"
                case isFeatured = "Featured"
                case description = "Description"
                case examples = "Examples"
                case who = "WhoCanUse"
            }
        }

        struct Plugin: Encodable {
            var description: String
            var events: [String]
            var commands: [Command]

            enum CodingKeys: String, CodingKey {
                case description = "Description"
                case events = "Events"
                case commands = "Commands"
            }
        }

        var repositories: [String]
        var plugins: [String: [String]]
        var externalPlugins: [String: [String]]
        var help: [String: Plugin]
        var externalHelp: [String: Plugin] = [:]

        enum CodingKeys: String, CodingKey {
            case repositories = "AllRepos"
            case plugins = "RepoPlugins"
            case externalPlugins = "RepoExternalPlugins"
            case help = "PluginHelp"
            case externalHelp = "ExternalPluginHelp"
        }
    }

    @Sendable private func pluginHelp(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let script = try ScriptVariable(try request.query())
        let current = try await settings.current(database)
        var active = current.plugins?.plugins.mapValues(\.names) ?? [:]
        if current.plugins == nil { active[""] = PluginCatalog.defaults.sorted() }
        let described = PluginCatalog.all.map { plugin in
            let commands = plugin.commands.map { command in
                Help.Command(
                    usage: command.usage.joined(separator: ", "), description: command.effect,
                    examples: command.usage, who: command.who)
            }
            return (
                plugin.name,
                Help.Plugin(
                    description: plugin.summary, events: ["issue_comment", "pull_request"], commands: commands)
            )
        }
        return try script.response(
            Help(
                repositories: active.keys.filter { $0.contains("/") }.sorted(), plugins: active,
                externalPlugins: current.plugins?.externalPlugins ?? [:],
                help: Dictionary(uniqueKeysWithValues: described)))
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
