package import SlipwayModel

/// Which repositories may bring jobs of their own, on which clusters, and what of the whole configuration such jobs take
/// part in. Prow's `in_repo_config`; stored with each version, so that a repository's file is read by the version in
/// force.
package struct InRepositoryRules: Sendable, Hashable, Codable {
    /// By `*`, organisation or repository; the most particular one decides.
    package internal(set) var enabled: [String: Bool] = [:]
    /// By the same keys, united. Where `*` is not among them it allows `default`; an empty list there allows none.
    package internal(set) var allowedClusters: [String: [String]] = [:]
    var presets: [Preset] = []
    var decoratesAllJobs = false
    var decorationDefaults: [ProwSettings.DecorationDefault] = []
    /// Nil where no `config.yaml` was read.
    var queueCapacities: [String: Int]?

    /// Nobody may.
    package init() {}

    /// The same for every repository, for a check where no `config.yaml` is at hand.
    package var unrestricted: InRepositoryRules {
        var rules = self
        rules.enabled = ["*": true]
        return rules
    }

    /// Whether any repository may.
    package var isInUse: Bool { enabled.values.contains(true) }

    package func isEnabled(_ repository: RepositoryName) -> Bool {
        for key in InRepositoryRules.keys(of: repository) {
            if let isEnabled = enabled[key] { return isEnabled }
        }
        return false
    }

    /// The clusters that a repository's own jobs may name.
    package func clusters(of repository: RepositoryName) -> Set<String> {
        var clusters = Set(InRepositoryRules.keys(of: repository).flatMap { allowedClusters[$0] ?? [] })
        if allowedClusters["*"] == nil { clusters.insert("default") }
        return clusters
    }

    private static func keys(of repository: RepositoryName) -> [String] {
        [repository.description, repository.org, "*"]
    }

    /// What the whole configuration gives to every job.
    var context: ResolutionContext {
        var prow = ProwSettings()
        prow.decorationDefaults = decorationDefaults
        prow.jobQueueCapacities = queueCapacities
        return ResolutionContext(presets: presets, decoratesAllJobs: decoratesAllJobs, prow: prow)
    }

    /// With what the whole configuration gives to every job.
    func taking(_ context: ResolutionContext) -> InRepositoryRules {
        var rules = self
        rules.presets = context.presets
        rules.decoratesAllJobs = context.decoratesAllJobs
        rules.decorationDefaults = context.prow.decorationDefaults
        rules.queueCapacities = context.prow.jobQueueCapacities
        return rules
    }
}
