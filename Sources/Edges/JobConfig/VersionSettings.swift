package import SlipwayModel

/// What a configuration says beside its jobs, from Prow's `config.yaml` and `plugins.yaml`; stored with each version. Its JSON keys are read
/// in SQL.
package struct VersionSettings: Sendable, Hashable, Codable {
    /// `plank.max_concurrency`: runs at once over all jobs and clusters; 0 = unlimited.
    package var maxConcurrency = 0
    /// `plank.job_queue_capacities`: runs at once of a queue's jobs; 0 = never, below 0 = unlimited.
    package var queueCapacities: [String: Int] = [:]
    /// `deck.default_rerun_auth_configs`: the last one that matches a job holds for it.
    package var rerunRules: [RerunRule] = []
    /// `plank.report_templates`, by `*`, organisation or repository.
    package var reportTemplates: [String: String] = [:]
    /// `owners_dir_denylist`.
    package var ignoredOwnersFolders = IgnoredOwnersFolders()
    /// `plugins.yaml`; nil where none is configured.
    package var plugins: PluginSettings?
    /// `tide`: what is merged, and how; nil where the section is not there, and nothing is merged.
    package var tide: TideSettings?

    package init() {}

    enum CodingKeys: String, CodingKey {
        case tide
        case maxConcurrency = "max_concurrency"
        case queueCapacities = "queue_capacities"
        case rerunRules = "rerun_rules"
        case reportTemplates = "report_templates"
        case ignoredOwnersFolders = "owners_dir_denylist"
        case plugins
    }

    /// Tolerant of what an older version did not write.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        maxConcurrency = try container.decodeIfPresent(Int.self, forKey: .maxConcurrency) ?? 0
        queueCapacities = try container.decodeIfPresent([String: Int].self, forKey: .queueCapacities) ?? [:]
        rerunRules = try container.decodeIfPresent([RerunRule].self, forKey: .rerunRules) ?? []
        reportTemplates = try container.decodeIfPresent([String: String].self, forKey: .reportTemplates) ?? [:]
        ignoredOwnersFolders =
            try container.decodeIfPresent(IgnoredOwnersFolders.self, forKey: .ignoredOwnersFolders)
            ?? IgnoredOwnersFolders()
        plugins = try container.decodeIfPresent(PluginSettings.self, forKey: .plugins)
        tide = try container.decodeIfPresent(TideSettings.self, forKey: .tide)
    }

    /// The rule of the installation for a repository's jobs on a cluster.
    package func rerunAuthorization(of repository: RepositoryName?, cluster: String) -> RerunAuthorization? {
        rerunRules.last { $0.scope.matches(repository, cluster: cluster) }?.authorization
    }
}
