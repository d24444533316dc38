import SlipwayModel

/// What Prow's own `config.yaml` says that jobs depend on.
package struct ProwSettings: Sendable, Hashable {
    /// `plank.default_decoration_config_entries`: where it matches, it overrides the entries before it.
    struct DecorationDefault: Sendable, Hashable, Codable {
        var repository: String?
        var cluster: String?
        var decoration: DecorationDraft

        var scope: JobScope { JobScope(repository: repository, cluster: cluster) }
    }

    var decorationDefaults: [DecorationDefault] = []
    package var presets: [Preset] = []
    package var decoratesAllJobs = false
    /// `plank.job_queue_capacities`: 0 = never, below 0 = unlimited. Nil where no `config.yaml` was read.
    package internal(set) var jobQueueCapacities: [String: Int]?
    /// `pod_namespace`. Nil where no `config.yaml` was read.
    var podNamespace: String?
    /// `in_repo_config`, without what jobs take from the rest of the configuration.
    package internal(set) var inRepository = InRepositoryRules()
    /// What is stored with a version of the configuration.
    package internal(set) var version = VersionSettings()

    /// Prow's defaults, as if there were no `config.yaml`.
    package init() {}

    /// The defaults that hold for a job. A periodic counts as its first extra repository's, as in Prow.
    func decoration(for job: ResolvedJob) -> DecorationDraft {
        let repository = job.repository ?? job.extraRefs.first?.repository
        return decorationDefaults.reduce(DecorationDraft()) { defaults, entry in
            entry.scope.matches(repository, cluster: job.cluster) ? entry.decoration.over(defaults) : defaults
        }
    }
}

/// A `config.yaml` as read.
package struct LoadedProwSettings: Sendable {
    package var settings = ProwSettings()
    /// Jobs may stand in `config.yaml` too.
    var file: ConfiguredFile
    /// Of the section `branch-protection`, whether there is a `tide` to read it or not.
    var protection = ProtectionTree()
    var protectsTested = false
    package var errors: [ConfigProblem] = []
    package var warnings: [ConfigProblem] = []

    /// Once all sections are known.
    mutating func giveProtectionToTide() {
        settings.version.tide?.protection = protection
        settings.version.tide?.protectsTested = protectsTested
    }
}
