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
            "commands", values, head: PageHead(title: "Commands", section: "pulls"), context: context)
    }

    private static func values(_ plugin: PullPlugin) -> [String: PageValue] {
        [
            "name": .text(plugin.name), "summary": .text(plugin.summary),
            "commands": .objects(
                plugin.commands.map { command in
                    [
                        "usage": .list(command.usage.map { .text($0) }), "who": .text(plain(command.who)),
                        "effect": .text(plain(command.effect)),
                    ]
                }),
        ]
    }

    private static func plain(_ text: String) -> String { text.replacing("`", with: "") }

    /// Prow's shape (`pkg/pluginhelp`).
    private struct Help: Encodable {
        struct Command: Encodable {
            var Usage: String
            var Featured: Bool
            var Description: String
            var Examples: [String]
            var WhoCanUse: String
        }

        struct Plugin: Encodable {
            var Description: String
            var Events: [String]
            var Commands: [Command]
        }

        var AllRepos: [String]
        var RepoPlugins: [String: [String]]
        var RepoExternalPlugins: [String: [String]]
        var PluginHelp: [String: Plugin]
        var ExternalPluginHelp: [String: Plugin]
    }

    @Sendable private func pluginHelp(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let current = try await settings.current(database)
        var repositories = current.plugins?.plugins.mapValues(\.names) ?? [:]
        if current.plugins == nil { repositories[""] = PluginCatalog.defaults.sorted() }
        let help = Help(
            AllRepos: repositories.keys.filter { $0.contains("/") }.sorted(), RepoPlugins: repositories,
            RepoExternalPlugins: current.plugins?.externalPlugins ?? [:],
            PluginHelp: Dictionary(
                uniqueKeysWithValues: PluginCatalog.all.map { plugin in
                    let commands = plugin.commands.map { command in
                        Help.Command(
                            Usage: command.usage.joined(separator: ", "), Featured: false,
                            Description: command.effect, Examples: command.usage, WhoCanUse: command.who)
                    }
                    return (
                        plugin.name,
                        Help.Plugin(
                            Description: plugin.summary, Events: ["issue_comment", "pull_request"], Commands: commands)
                    )
                }),
            ExternalPluginHelp: [:])
        return .json(help)
    }
}

extension Optional where Wrapped: Sendable {
    fileprivate func asyncMap<T>(_ transform: (Wrapped) async throws -> T) async rethrows -> T? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
