import SlipwayModel

/// One file's part of a configuration, as read: nothing is merged in or compared with other files yet.
struct ConfiguredFile: Sendable {
    var path: String
    var jobs: [JobDraft] = []
    var presets: [Preset] = []
    var decoratesAllJobs = false
    var errors: [ConfigProblem] = []
    var warnings: [ConfigProblem] = []
}

/// A job before presets, defaults and decoration. Expressions and times are still text; lines say where they stand.
struct JobDraft: Sendable {
    /// An expression or a time and its line.
    struct Text: Sendable {
        var value: String
        var line: Int
    }

    var job: ResolvedJob
    var file: String
    var line: Int
    var decorate: Bool?
    var decoration = DecorationDraft()
    var alwaysRun: Bool?
    var runBeforeMerge = false
    var runIfChanged: Text?
    var skipIfOnlyChanged: Text?
    var branches: [String] = []
    var branchesLine = 0
    var skipBranches: [String] = []
    var skipBranchesLine = 0
    var trigger: Text?
    var rerunCommand: Text?
    var cron: Text?
    var interval: Text?
    var minimumInterval: Text?
    var retry: PeriodicRetry?
    var rerun: RerunAuthorization?
    var specLine = 0
    var labelsLine = 0
    var annotationsLine = 0
    var extraRefsLine = 0

    /// `file:line`, for messages about two jobs.
    var place: String { "\(file):\(line)" }
}

/// The fields of a `decoration_config` that were given.
package struct DecorationDraft: Sendable, Hashable, Codable {
    /// Seconds.
    var timeout: Double?
    /// Seconds.
    var gracePeriod: Double?
    var skipCloning: Bool?
    /// `censor_secrets` and `censoring_options`, carried as configured.
    var censoring: [String: JSONValue] = [:]
    /// `gcs_configuration.path_strategy`, `default_org` and `default_repo`.
    var pathStrategy: PathStrategy.Name?
    var defaultOrg: String?
    var defaultRepo: String?
    /// Names of volumes that decoration brings in Prow, so that a container may mount them.
    var secrets: [String]?

    /// What is not given here is taken from the defaults.
    func over(_ defaults: DecorationDraft) -> DecorationDraft {
        var result = defaults
        if let timeout { result.timeout = timeout }
        if let gracePeriod { result.gracePeriod = gracePeriod }
        if let skipCloning { result.skipCloning = skipCloning }
        result.censoring.merge(censoring) { $1 }
        if let pathStrategy { result.pathStrategy = pathStrategy }
        if let defaultOrg { result.defaultOrg = defaultOrg }
        if let defaultRepo { result.defaultRepo = defaultRepo }
        if let secrets { result.secrets = Set(result.secrets ?? []).union(secrets).sorted() }
        return result
    }

    /// With Prow's own defaults for what nobody gave.
    var decoration: Decoration {
        var result = Decoration()
        result.timeout = timeout ?? result.timeout
        result.gracePeriod = gracePeriod ?? result.gracePeriod
        result.skipCloning = skipCloning ?? result.skipCloning
        result.censoring = censoring.isEmpty ? nil : .object(censoring)
        result.pathStrategy = pathStrategy.flatMap {
            PathStrategy($0, defaultOrg: defaultOrg, defaultRepo: defaultRepo)
        }
        return result
    }

    /// Prow refuses such a job: a path could not leave anything out.
    var lacksPathDefaults: Bool {
        pathStrategy.map { PathStrategy($0, defaultOrg: defaultOrg, defaultRepo: defaultRepo) == nil } ?? false
    }
}

/// What is added to the pod of every job that carries all of its labels (without labels: of every job).
package struct Preset: Sendable, Hashable, Codable {
    var labels: [String: String] = [:]
    var env: [JSONValue] = []
    var volumes: [JSONValue] = []
    var volumeMounts: [JSONValue] = []
    var tolerations: [JSONValue] = []
    var file: String
    var line: Int

    func applies(to job: ResolvedJob) -> Bool { labels.allSatisfy { job.labels[$0.key] == $0.value } }

    /// Prow's rule: a label with its value belongs to one preset.
    static func sharingALabel(_ presets: [Preset]) -> [ConfigProblem] {
        var owners: [String: Preset] = [:]
        return presets.flatMap { preset in
            preset.labels.sorted { $0.key < $1.key }.compactMap { label, value in
                let pair = "\(label): \(value)"
                guard let owner = owners.updateValue(preset, forKey: pair) else { return nil }
                return ConfigProblem(
                    file: preset.file, line: preset.line,
                    message:
                        "the preset at \(owner.file):\(owner.line) has the label '\(pair)' as well; a label belongs"
                        + " to one preset, so put both into one or give them different labels")
            }
        }
    }
}
