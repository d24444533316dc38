import SlipwayModel

/// Rules about runs that jobs and `config.yaml` write alike.
extension FieldReader {
    /// Prow's `rerun_auth_config`.
    mutating func rerunAuthorization(_ section: YAMLEntry) -> RerunAuthorization? {
        guard let entries = mapping(section) else { return nil }
        var rule = RerunAuthorization()
        for entry in entries {
            switch entry.key {
            case "allow_anyone": rule.allowsAnyone = bool(entry) ?? false
            case "github_users": rule.users = texts(entry)
            case "github_orgs": rule.orgs = texts(entry)
            case "github_team_slugs": rule.teams = list(entry).compactMap { team($0) }
            case "github_team_ids": rule.teamIDs = list(entry).compactMap { teamID($0) }
            default: warnUnknown(entry, in: section.key)
            }
        }
        if rule.allowsAnyone, rule != RerunAuthorization(allowsAnyone: true) {
            refuse(
                section.line, "\(section.key) allows anyone and names people as well; remove allow_anyone or the names")
        }
        return rule
    }

    private mutating func teamID(_ node: YAMLNode) -> Int64? {
        if case .scalar(let scalar) = node.content, case .integer(let id) = scalar.resolved, id > 0 { return id }
        refuse(node.line, "an entry of github_team_ids is \(node.kind) and no team's number; write e.g. 2009231")
        return nil
    }

    private mutating func team(_ node: YAMLNode) -> RerunAuthorization.Team? {
        var (org, slug): (String?, String?)
        if case .mapping(let entries) = node.content {
            for entry in entries {
                switch entry.key {
                case "org": org = text(entry)
                case "slug": slug = text(entry)
                default: warnUnknown(entry, in: "github_team_slugs")
                }
            }
        }
        guard let org, let slug, !org.isEmpty, !slug.isEmpty else {
            refuse(node.line, "an entry of github_team_slugs needs an org and a slug; write both")
            return nil
        }
        return RerunAuthorization.Team(org: org, slug: slug)
    }

    /// A periodic's `retry`.
    mutating func retry(_ section: YAMLEntry) -> PeriodicRetry? {
        guard let entries = mapping(section) else { return nil }
        let before = errors.count
        var retry = PeriodicRetry(attempts: 0)
        for entry in entries {
            switch entry.key {
            case "attempts": retry.attempts = count(entry) ?? 0
            case "interval": retry.interval = duration(entry) ?? 0
            case "run_all": retry.runsAll = bool(entry) ?? false
            default: warnUnknown(entry, in: section.key)
            }
        }
        guard errors.count == before else { return nil }
        guard (1...100).contains(retry.attempts) else {
            refuse(section.line, "retry has \(retry.attempts) attempts; write 1 to 100, or leave retry out")
            return nil
        }
        return retry
    }
}
