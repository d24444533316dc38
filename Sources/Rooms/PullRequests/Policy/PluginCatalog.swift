/// Every plugin there is, in the order in which they act. The OWNERS plugins stand in their own drawer.
package enum PluginCatalog {
    package static let all: [PullPlugin] =
        [
            TriggerPlugin.plugin, HoldPlugin.plugin, WorkInProgressPlugin.plugin, LabelPlugin.plugin,
            MatchingLabelPlugin.plugin, SizePlugin.plugin, LifecyclePlugin.plugin, AssignPlugin.plugin,
            SkipPlugin.plugin, OverridePlugin.plugin, RetitlePlugin.plugin, HelpPlugin.plugin, MilestonePlugin.plugin,
            MilestoneStatusPlugin.plugin, StagePlugin.plugin, CherryPickPlugin.plugin, AbortPlugin.plugin,
            WhyPlugin.plugin, BlockadePlugin.plugin, MergeCommitPlugin.plugin, CommitMessagePlugin.plugin,
            ReleaseNotePlugin.plugin, CherryPickApprovalPlugin.unapprovedPlugin,
            CherryPickApprovalPlugin.approvedPlugin, AfterMergePlugins.milestone, AfterMergePlugins.branch,
            NeedsRebasePlugin.plugin, AgreementPlugin.plugin, SignOffPlugin.plugin, SigMentionPlugin.plugin,
            MergeMethodPlugin.plugin,
        ] + OwnersPlugins.all

    /// Active in every repository where no `plugins.yaml` is configured.
    package static let defaults: Set<String> = [
        "trigger", "lgtm", "approve", "hold", "wip", "label", "size", "assign", "lifecycle", "override", "skip",
        "retitle", "help", "needs-rebase", "cherrypick", "verify-owners", "owners-label", "blunderbuss", "why", "abort",
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
