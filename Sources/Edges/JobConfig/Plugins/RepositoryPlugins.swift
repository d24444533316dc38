package import SlipwayModel

/// What `plugins.yaml` says about one repository.
package struct RepositoryPlugins: Sendable, Hashable {
    package let repository: RepositoryName
    /// Names of the plugins that hold here.
    package let names: Set<String>
    /// Names of the external plugins that get this repository's deliveries.
    package let externalNames: Set<String>
    package let settings: PluginSettings
    /// Expressions for folders whose OWNERS files do not count.
    package var ignoredOwnersFolders = IgnoredOwnersFolders.usual
    /// How pull requests are merged; nil where nothing is.
    package var tide: TideSettings?

    /// - Parameters:
    ///   - settings: nil where no `plugins.yaml` is configured.
    ///   - defaults: the plugins that hold then.
    package init(_ repository: RepositoryName, _ settings: PluginSettings?, defaults: Set<String>) {
        self.repository = repository
        self.settings = settings ?? PluginSettings()
        guard let settings else {
            (names, externalNames) = (defaults, [])
            return
        }
        var names: Set<String> = []
        if let ofOrg = settings.plugins[repository.org],
            !ofOrg.excludedRepositories.contains(where: { $0 == repository.repo || $0 == repository.description })
        {
            names.formUnion(ofOrg.names)
        }
        names.formUnion(settings.plugins[repository.description]?.names ?? [])
        externalNames = Set(
            (settings.externalPlugins[repository.org] ?? [])
                + (settings.externalPlugins[repository.description] ?? []))
        // What Slipway adds to Prow holds wherever pull requests are tested.
        if names.contains("trigger") { names.formUnion(["abort", "why"]) }
        self.names = names
    }

    package func isActive(_ plugin: String) -> Bool { names.contains(plugin) }

    package var trigger: PluginSettings.Trigger { section(settings.triggers, \.repos) ?? PluginSettings.Trigger() }
    package var approve: PluginSettings.Approve { section(settings.approve, \.repos) ?? PluginSettings.Approve() }
    package var lgtm: PluginSettings.LGTM { section(settings.lgtm, \.repos) ?? PluginSettings.LGTM() }

    package var blunderbuss: PluginSettings.Blunderbuss { entry(settings.blunderbussOf) ?? settings.blunderbuss }

    /// The rule of sign-offs.
    package var signOff: PluginSettings.SignOff {
        entry(settings.signOff) ?? settings.signOff["*"] ?? PluginSettings.SignOff()
    }

    /// The restrictions of labels that hold here, each once: the repository's own goes before its organisation's, and
    /// that before everybody's.
    package var restrictedLabels: [PluginSettings.Labels.Restricted] {
        let scopes = [repository.description, repository.org, "*"]
        var known: Set<String> = []
        return scopes.flatMap { (settings.label.restricted[$0] ?? []).reversed() }.filter {
            known.insert($0.label.lowercased()).inserted
        }
    }

    /// Whether OWNERS count here instead of the forge's collaborators.
    package var skipsCollaborators: Bool { isNamed(in: settings.owners.skipsCollaboratorsIn) }
    /// Whether Markdown files carry owners in a head of YAML here.
    package var readsMarkdownHeads: Bool { isNamed(in: settings.owners.markdownHeadRepos) }

    /// Whether a list of `org` and `org/repo` means this repository.
    package func isNamed(in repos: [String]) -> Bool {
        repos.contains(repository.description) || repos.contains(repository.org)
    }

    /// The repository's own entry, else its organisation's.
    package func entry<Value>(_ entries: [String: Value]) -> Value? {
        entries[repository.description] ?? entries[repository.org]
    }

    private func section<Section>(_ sections: [Section], _ repos: (Section) -> [String]) -> Section? {
        sections.first { repos($0).contains(repository.description) }
            ?? sections.first { repos($0).contains(repository.org) }
    }
}
