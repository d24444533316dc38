import FoundationEssentials
import JobConfig
import SlipwayModel
import Web

/// `/configured-jobs`, `/config` and `/config/<version>`.
struct ConfigurationPages {
    let store: ResultsStore

    static let rows = 100
    static let versions = 50
    /// Definitions that one comparison looks at.
    static let changes = 400

    // MARK: Jobs by repository

    /// - Parameter org: whose repositories; of all where nil.
    func repositories(of org: String? = nil) async throws -> [String: PageValue] {
        let found = try await store.configuredRepositories().filter { org == nil || $0.repository?.org == org }
        if let org, found.isEmpty { throw WebError.notFound(ResultsText.noJobsOf(org)) }
        let rows = found.map { entry -> [String: PageValue] in
            let path = entry.repository.map { Link.path("configured-jobs", $0.org, $0.repo) }
            return [
                "name": .text(entry.repository?.description ?? "Periodics"),
                "path": .text(path ?? "/configured-jobs/periodics"),
                "presubmits": .text(Self.count(entry.presubmits)), "postsubmits": .text(Self.count(entry.postsubmits)),
                "periodics": .text(Self.count(entry.periodics)),
            ]
        }
        return [
            "title": .text(org.map(ResultsText.repositories) ?? "Configuration"), "repositories": .objects(rows),
            "isEmpty": .flag(rows.isEmpty), "emptyText": .text(ResultsText.noJobs),
            "tabs": .objects(Self.tabs(current: "/configured-jobs")),
        ]
    }

    func jobs(of repository: RepositoryName?, after: String) async throws -> [String: PageValue] {
        let found = try await store.configuredJobs(of: repository, after: after, limit: Self.rows)
        let name = repository?.description ?? "Periodics"
        let broken = try await problems(of: repository)
        guard !found.isEmpty || !after.isEmpty || !broken.isEmpty else {
            throw WebError.notFound(ResultsText.noJobsOf(name))
        }
        let jobs = found.prefix(Self.rows)
        let path = repository.map { Link.path("configured-jobs", $0.org, $0.repo) } ?? "/configured-jobs/periodics"
        return [
            "name": .text(name), "jobs": .objects(jobs.map(JobFacts.row)),
            "hasBranches": .flag(repository != nil), "hasJobs": .flag(!jobs.isEmpty),
            "broken": .objects(
                broken.map { branch, problems in
                    [
                        "branch": .text(branch),
                        "problems": .objects(problems.map { ["text": .text($0)] }),
                    ]
                }),
            "whichPath": repository.map { .text("/which-jobs" + Link.query([("repo", $0.description)])) } ?? .nothing,
            "runsPath": repository.map { .text("/runs" + Link.query([("repo", $0.description)])) } ?? .nothing,
            "firstPath": after.isEmpty ? .nothing : .text(path),
            "nextPath": found.count > Self.rows
                ? .text(path + Link.query([("after", jobs.last?.job.name)])) : .nothing,
        ]
    }

    private func problems(of repository: RepositoryName?) async throws -> [(branch: String, problems: [String])] {
        guard let repository else { return [] }
        return try await store.problems(of: repository)
    }

    private static func count(_ number: Int) -> String { number == 0 ? "" : String(number) }

    /// The pages that belong together.
    static func tabs(current: String) -> [[String: PageValue]] {
        [("Jobs by repository", "/configured-jobs"), ("Which jobs would run", "/which-jobs"), ("Versions", "/config")]
            .map {
                ["title": .text($0.0), "path": .text($0.1), "isCurrent": .flag($0.1 == current)]
            }
    }

    // MARK: Versions

    func history(before: Int64?, now: Date) async throws -> [String: PageValue] {
        let found = try await store.configurationVersions(before: before, limit: Self.versions)
        let shown = found.prefix(Self.versions)
        return [
            "versions": .objects(
                shown.map { version in
                    Self.facts(version, now: now).merging([
                        "path": .text("/config/\(version.version)"),
                        "changes": .text("\(version.begun) in, \(version.ended) out"),
                        "isCurrent": .flag(before == nil && version.version == shown.first?.version),
                    ]) { $1 }
                }),
            "isEmpty": .flag(found.isEmpty), "emptyText": .text(ResultsText.noJobs),
            "nextPath": found.count > Self.versions
                ? .text("/config" + Link.query([("before", shown.last.map { String($0.version) })])) : .nothing,
            "newestPath": before == nil ? .nothing : "/config",
            "tabs": .objects(Self.tabs(current: "/config")),
        ]
    }

    /// - Parameter against: the version to compare with; the one before where nil.
    func version(_ number: Int64, against: Int64?, now: Date) async throws -> [String: PageValue] {
        guard let version = try await store.configurationVersion(number) else {
            throw WebError.notFound(ResultsText.noSuchVersion(number))
        }
        let older = try await store.configurationVersions(before: number, limit: 1).first
        let base = against ?? older?.version ?? 0
        let found = try await store.changedJobs(from: base, to: number, limit: Self.changes + 1)
        let changes = Self.changes(Array(found.prefix(Self.changes)))
        return Self.facts(version, now: now).merging([
            "base": base == 0 ? .nothing : .text("version \(base)"),
            "basePath": .text("/config/\(base)"),
            "olderPath": older.map { .text("/config/\($0.version)") } ?? .nothing,
            "changes": .objects(changes.map(Self.values)),
            "isEmpty": .flag(changes.isEmpty),
            "summary": .text(Self.summary(changes, isAll: found.count <= Self.changes)),
            "more": found.count > Self.changes ? .text(ResultsText.moreChanges(Self.changes)) : .nothing,
        ]) { $1 }
    }

    private static func facts(_ version: ConfigurationVersion, now: Date) -> [String: PageValue] {
        [
            "version": .number(version.version), "hash": .markup(RunFacts.commit(version.hash, link: nil)),
            "applied": .markup(.age(version.appliedAt, now: now)), "by": .text(version.appliedBy),
            "source": .text(version.source), "jobs": .number(version.jobs),
        ]
    }

    /// What became of one job.
    struct Change {
        enum Kind: String { case added, changed, removed }

        var kind: Kind
        var name: String
        var jobKind: JobKind
        var repository: RepositoryName?
        var lines: [LineDifference.Line]
    }

    /// Old and new definitions of the same job, brought together.
    static func changes(_ jobs: [ChangedJob]) -> [Change] {
        struct Key: Hashable {
            var name: String
            var kind: JobKind
            var repository: RepositoryName?
        }
        var order: [Key] = []
        var sides: [Key: (old: [String], new: [String])] = [:]
        for job in jobs {
            let key = Key(name: job.name, kind: job.kind, repository: job.repository)
            if sides[key] == nil { order.append(key) }
            let text = JobFacts.text(of: job.definition)
            if job.isOld {
                sides[key, default: ([], [])].old.append(text)
            } else {
                sides[key, default: ([], [])].new.append(text)
            }
        }
        return order.map { key in
            let (old, new) = sides[key] ?? ([], [])
            return Change(
                kind: old.isEmpty ? .added : new.isEmpty ? .removed : .changed, name: key.name, jobKind: key.kind,
                repository: key.repository,
                lines: LineDifference(from: old.joined(separator: "---\n"), to: new.joined(separator: "---\n")).lines)
        }
    }

    private static func summary(_ changes: [Change], isAll: Bool) -> String {
        let parts = [Change.Kind.added, .changed, .removed].compactMap { kind -> String? in
            let count = changes.count { $0.kind == kind }
            return count == 0 ? nil : "\(count) \(kind.rawValue)"
        }
        let found = parts.joined(separator: ", ")
        return parts.isEmpty ? ResultsText.noChanges : isAll ? found : ResultsText.firstChanges(found)
    }

    private static func values(_ change: Change) -> [String: PageValue] {
        // A line is a block that holds its own end: one line on the page, and one in what is copied from it.
        let lines = change.lines.map { line -> Markup in
            switch line.mark {
            case .same: "<span>  \(line.text)\n</span>"
            case .removed: "<del>- \(line.text)\n</del>"
            case .added: "<ins>+ \(line.text)\n</ins>"
            case .gap: "<i>…\n</i>"
            }
        }
        return [
            "name": .text(change.name), "path": .text(RunRow.jobPath(change.name)),
            "kind": .text(ResultsText.kind(change.jobKind)),
            "repository": .optional(change.repository?.description), "change": .text(change.kind.rawValue),
            "class": .text(change.kind == .added ? "success" : change.kind == .removed ? "failure" : "flaky"),
            "lines": .markup(Markup(joining: lines)), "isOpen": .flag(change.kind == .changed),
        ]
    }
}
