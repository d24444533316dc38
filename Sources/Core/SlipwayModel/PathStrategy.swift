/// How an organisation and repository show in the path of a run's artifacts. Prow's `path_strategy`; the JSON has the
/// keys of its `gcs_configuration`.
package enum PathStrategy: Hashable, Sendable, Codable {
    /// Always `org_repo`.
    case explicit
    /// Nothing for the default repository, `repo` within the default organisation, else `org_repo`.
    case legacy(defaultOrg: String, defaultRepo: String)
    /// Nothing for the default repository, else `org_repo`.
    case single(defaultOrg: String, defaultRepo: String)

    package enum Name: String, Sendable, Codable, CaseIterable { case explicit, legacy, single }

    package var name: Name {
        switch self {
        case .explicit: .explicit
        case .legacy: .legacy
        case .single: .single
        }
    }

    /// Nil where a strategy other than `explicit` lacks its default organisation or repository.
    package init?(_ name: Name, defaultOrg: String?, defaultRepo: String?) {
        guard name != .explicit else {
            self = .explicit
            return
        }
        guard let defaultOrg, let defaultRepo, !defaultOrg.isEmpty, !defaultRepo.isEmpty else { return nil }
        self =
            name == .legacy
            ? .legacy(defaultOrg: defaultOrg, defaultRepo: defaultRepo)
            : .single(defaultOrg: defaultOrg, defaultRepo: defaultRepo)
    }

    /// The default organisation and repository; nil for `explicit`.
    package var defaults: (org: String, repo: String)? {
        switch self {
        case .explicit: nil
        case .legacy(let org, let repo), .single(let org, let repo): (org, repo)
        }
    }

    /// The path's component for a repository; nil where it has none.
    package func component(_ repository: RepositoryName) -> String? {
        // Gerrit's organisations are addresses; kept readable as Prow keeps them.
        var org = repository.org
        for prefix in ["https://", "http://"] where org.hasPrefix(prefix) { org.removeFirst(prefix.count) }
        let both = "\(org)_\(String(repository.repo.map { $0 == "/" ? "_" : $0 }))"
        switch self {
        case .explicit: return both
        case .legacy(let defaultOrg, let defaultRepo):
            guard repository.org == defaultOrg else { return both }
            return repository.repo == defaultRepo ? nil : repository.repo
        case .single(let defaultOrg, let defaultRepo):
            return repository.org == defaultOrg && repository.repo == defaultRepo ? nil : both
        }
    }

    /// The folder below which each attempt of a run has one of its own, named by its build id:
    /// `pr-logs/pull/<org_repo>/<number>/<job>`, `pr-logs/pull/batch/<job>` or `logs/<job>`. Decided once, when the run
    /// is accepted, and stored with it. A presubmit that names no pull request counts as a postsubmit, one over several as a
    /// batch.
    package func folder(kind: JobKind, job: String, refs: Refs?) -> [String] {
        let pulls = refs?.pulls ?? []
        switch kind {
        case .batch: return ["pr-logs", "pull", "batch", job]
        case .presubmit where pulls.count > 1: return ["pr-logs", "pull", "batch", job]
        case .presubmit:
            guard let refs, let pull = pulls.first else { return ["logs", job] }
            return ["pr-logs", "pull"] + (component(refs.repository).map { [$0] } ?? []) + ["\(pull.number)", job]
        case .periodic, .postsubmit: return ["logs", job]
        }
    }

    // MARK: JSON

    enum CodingKeys: String, CodingKey {
        case name = "path_strategy"
        case defaultOrg = "default_org"
        case defaultRepo = "default_repo"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard
            let strategy = PathStrategy(
                try container.decode(Name.self, forKey: .name),
                defaultOrg: try container.decodeIfPresent(String.self, forKey: .defaultOrg),
                defaultRepo: try container.decodeIfPresent(String.self, forKey: .defaultRepo))
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .name, in: container, debugDescription: "default_org and default_repo are missing")
        }
        self = strategy
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encodeIfPresent(defaults?.org, forKey: .defaultOrg)
        try container.encodeIfPresent(defaults?.repo, forKey: .defaultRepo)
    }

    /// The same as a value, in Prow's shape.
    package var document: JSONValue {
        var members: [String: JSONValue] = [CodingKeys.name.rawValue: .string(name.rawValue)]
        if let defaults {
            members[CodingKeys.defaultOrg.rawValue] = .string(defaults.org)
            members[CodingKeys.defaultRepo.rawValue] = .string(defaults.repo)
        }
        return .object(members)
    }
}
