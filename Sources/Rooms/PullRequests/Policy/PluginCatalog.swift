/// Every plugin there is, in the order in which they act. The OWNERS plugins stand in their own drawer.
package enum PluginCatalog {
    package static let all: [PullPlugin] =
        [
            HoldPlugin.plugin
        ] + OwnersPlugins.all

    /// Active in every repository where no `plugins.yaml` is configured.
    package static let defaults: Set<String> = [
        "trigger", "lgtm", "approve", "hold", "wip", "label", "size", "assign", "lifecycle", "override", "skip",
        "retitle", "help", "verify-owners", "owners-label", "blunderbuss", "why", "abort",
    ]

    /// The plugins that are active in a repository.
    package static func active(_ isActive: (String) -> Bool) -> [PullPlugin] { all.filter { isActive($0.name) } }

    /// Each command and its plugin, by every name it answers to. Two commands never share a name.
    package static let commands: [String: (plugin: PullPlugin, command: CommandDefinition)] = {
        var commands: [String: (plugin: PullPlugin, command: CommandDefinition)] = [:]
        for plugin in all {
            for command in plugin.commands {
                for name in command.names { commands[name] = (plugin, command) }
            }
        }
        return commands
    }()
}
