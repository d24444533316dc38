package import Fleet
package import FoundationEssentials
package import JobConfig
import Postgres
import Signatures
package import SlipwayModel

/// Puts configurations into force and tells about those that were.
package struct ConfigurationStore: Sendable {
    private let bus: FleetBus
    private var database: PostgresPool { bus.database }

    package init(_ bus: FleetBus) { self.bus = bus }

    /// What applying a configuration changed.
    package struct Applied: Sendable, Codable, Hashable {
        package var version: Int64
        /// False where it was in force already.
        package var changed: Bool
        package var jobs: Int
        package var added: Int
        package var removed: Int
        /// Under the same name with another definition.
        package var modified: Int
    }

    /// A version, as it is listed.
    package struct Version: Sendable, Codable, Hashable {
        package var version: Int64
        package var hash: String
        package var appliedAt: Date
        package var appliedBy: String
        package var source: String
        package var jobs: Int

        enum CodingKeys: String, CodingKey {
            case version, hash, source, jobs
            case appliedAt = "applied_at"
            case appliedBy = "applied_by"
        }
    }

    /// A job that two versions do not share.
    package struct Difference: Sendable, Codable {
        package enum Kind: String, Sendable, Codable { case added, removed, modified }

        package var kind: Kind
        package var job: String
        package var jobKind: JobKind
        package var repository: RepositoryName?
        /// The fields that differ; empty unless modified.
        package var fields: [String]
    }

    /// Puts a configuration into force as a whole, unless it has errors, and tells it. Equal content is not applied
    /// again.
    ///
    /// - Throws: `ConfigurationRefused` with every problem.
    package func apply(_ loaded: LoadedConfiguration, by: String, source: String) async throws -> Applied {
        guard loaded.isValid else { throw ConfigurationRefused(problems: loaded.errors) }
        let jobs = loaded.jobs.map(DigestedJob.init)
        // Jobs of one digest would be one job; the loader has refused such clashes.
        let digests = Set(jobs.map(\.digest))
        let settings = JSONText.canonical(loaded.settings)
        let inRepository = loaded.inRepository.isInUse ? JSONText.canonical(loaded.inRepository) : nil
        let parts = digests.sorted() + [settings.text] + [inRepository?.text].compactMap(\.self)
        let hash = SHA256.hexadecimal(Array(parts.joined(separator: "\n").utf8))
        let files = loaded.files.map { FileEntry(path: $0.path, sha256: SHA256.hexadecimal($0.bytes)) }
        return try await bus.commit { effects in
            let transaction = effects.database
            var previous: Int64?
            try await transaction.execute(SchedulingStore.lockConfiguration)
            if let row = try await transaction.execute(SchedulingStore.currentConfiguration).first {
                let (version, current) = try row.decode((Int64, String).self)
                previous = version
                if current == hash {
                    return Applied(
                        version: version, changed: false, jobs: jobs.count, added: 0, removed: 0, modified: 0)
                }
            }
            let before = try await transaction.execute(SchedulingStore.currentDigests).map { row in
                let (id, digest, name) = try row.decode((Int64, String, String).self)
                return (id: id, digest: digest, name: name)
            }
            let known = Set(before.map(\.digest))
            let ended = before.filter { !digests.contains($0.digest) }
            let begun = jobs.filter { !known.contains($0.digest) }
            let version = try await transaction.execute(
                SchedulingStore.insertVersion, hash, by, source, JSON(files), jobs.count, settings,
                inRepository
            ).one().decode(Int64.self)
            try await transaction.execute(SchedulingStore.endJobs, version, ended.map(\.id))
            try await transaction.execute(
                SchedulingStore.insertDefinitions, begun.map(\.job.hash), begun.map { JSON($0.job.job) })
            try await transaction.execute(
                SchedulingStore.insertJobs, version, begun.map(\.job.job.name), begun.map(\.job.job.kind.rawValue),
                begun.map(\.job.job.repository?.org), begun.map(\.job.job.repository?.repo), begun.map(\.job.hash),
                begun.map(\.digest), begun.map(\.job.job.source), begun.map { JSONText.canonical($0.job) })
            if let previous { effects.emit(ConfigurationApplied(version: version, previous: previous)) }
            let endedNames = Set(ended.map(\.name))
            let modified = Set(begun.map(\.job.job.name)).intersection(endedNames)
            return Applied(
                version: version, changed: true, jobs: jobs.count,
                added: begun.count { !modified.contains($0.job.job.name) },
                removed: ended.count { !modified.contains($0.name) }, modified: modified.count)
        }
    }

    package func history(limit: Int) async throws -> [Version] {
        try await database.execute(SchedulingStore.configurationVersions, limit).map { row in
            let (version, hash, appliedAt, appliedBy, source, jobs) = try row.decode(
                (Int64, String, Date, String, String, Int).self)
            return Version(
                version: version, hash: hash, appliedAt: appliedAt, appliedBy: appliedBy, source: source, jobs: jobs)
        }
    }

    /// The version in force; 0 where nothing was applied yet.
    private func currentVersion() async throws -> Int64 {
        try await database.execute(SchedulingStore.currentVersion).one().decode(Int64.self)
    }

    /// The jobs of a version, or of the current one.
    package func jobs(of version: Int64? = nil) async throws -> [ConfiguredJob] {
        let current = try await currentVersion()
        if let version, !(0...current).contains(version) { throw NoSuchVersion(version: version, current: current) }
        return try await database.execute(SchedulingStore.jobsOfVersion, version ?? current).map { row in
            try row.decode(JSON<ConfiguredJob>.self).value
        }
    }

    /// What became of each job between two versions.
    package func differences(from old: Int64, to new: Int64) async throws -> [Difference] {
        let current = try await currentVersion()
        for version in [old, new] where !(0...current).contains(version) {
            throw NoSuchVersion(version: version, current: current)
        }
        struct Key: Hashable {
            var name: String
            var kind: JobKind
            var repository: RepositoryName?
        }
        var order: [Key] = []
        var sides: [Key: (old: [JSONValue], new: [JSONValue])] = [:]
        for row in try await database.execute(SchedulingStore.changedJobs, old, new) {
            let (name, kind, org, repo, isOld, definition) = try row.decode(
                (String, JobKind, String?, String?, Bool, JSON<JSONValue>).self)
            let repository = org.flatMap { org in repo.map { RepositoryName(org: org, repo: $0) } }
            let key = Key(name: name, kind: kind, repository: repository)
            if sides[key] == nil { order.append(key) }
            var side = sides[key] ?? ([], [])
            if isOld { side.old.append(definition.value) } else { side.new.append(definition.value) }
            sides[key] = side
        }
        return order.map { key in
            let (old, new) = sides[key] ?? ([], [])
            let kind: Difference.Kind = old.isEmpty ? .added : new.isEmpty ? .removed : .modified
            let fields = kind == .modified ? zip(old, new).flatMap { Self.changedFields($0, $1) } : []
            return Difference(
                kind: kind, job: key.name, jobKind: key.kind, repository: key.repository,
                fields: Set(fields).sorted())
        }
    }

    /// The paths, two levels deep, at which two definitions differ; hashes and places in files left out.
    private static func changedFields(_ old: JSONValue, _ new: JSONValue, prefix: String = "") -> [String] {
        guard case .object(let left) = old, case .object(let right) = new else { return [] }
        return Set(left.keys).union(right.keys).sorted().flatMap { key -> [String] in
            guard left[key] != right[key], key != "hash", key != "source" else { return [] }
            if prefix.isEmpty, key == "job", let inner = left[key], let other = right[key] {
                return changedFields(inner, other, prefix: "job")
            }
            return [key]
        }
    }
}

/// A file of an applied configuration.
private struct FileEntry: Sendable, Codable {
    var path: String
    var sha256: String
}

/// A job and its digest. The JSON that is stored is made only for those that are new: encoding every job of a large
/// configuration takes longer than reading it.
private struct DigestedJob: Sendable {
    var job: ConfiguredJob
    var digest: String

    init(_ job: ConfiguredJob) {
        self.job = job
        digest = CanonicalJSON.digest(of: job)
    }
}

extension JSONText {
    fileprivate static func canonical(_ value: some Encodable) -> JSONText {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // A value of strings, numbers and lists always has a JSON form.
        return JSONText(String(decoding: (try? encoder.encode(value)) ?? Data("{}".utf8), as: UTF8.self))
    }
}

/// A configuration with errors: nothing of it was applied.
package struct ConfigurationRefused: Error, CustomStringConvertible {
    package let problems: [ConfigProblem]

    package var description: String {
        let shown = problems.prefix(100).map(\.description)
        let more = problems.count > 100 ? ["… and \(problems.count - 100) more"] : []
        let count = problems.count == 1 ? "1 error" : "\(problems.count) errors"
        return (shown + more + ["The configuration has \(count); nothing was applied."]).joined(separator: "\n")
    }
}

/// A version of the configuration that nobody applied.
package struct NoSuchVersion: Error, Hashable, CustomStringConvertible {
    package let version: Int64
    package let current: Int64

    package init(version: Int64, current: Int64) {
        self.version = version
        self.current = current
    }

    package var description: String { SchedulingText.noSuchVersion(version, current: current) }
}
