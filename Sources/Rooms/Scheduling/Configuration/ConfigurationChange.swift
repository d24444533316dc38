import FoundationEssentials
import JobConfig
import Postgres
package import SlipwayModel

/// Another version of the configuration is in force.
package struct ConfigurationApplied: Event {
    package static let type = "config.applied"
    package var version: Int64
    /// The version before.
    package var previous: Int64

    package init(version: Int64, previous: Int64) {
        self.version = version
        self.previous = previous
    }

    package var subject: String { "configuration" }
    package var subjectVersion: Int64 { version }
}

/// Said by this room to itself, once per open pull request: what another version of the configuration, or of the
/// repository's own files on the base branch, means for it.
package struct PullReconcile: Event {
    package static let type = "pull.reconcile"
    package var repository: RepositoryName
    package var number: Int
    package var version: Int64
    package var previous: Int64
    /// What the base branch was at, and is at now; nil where its files did not change.
    package var push: Push?

    package struct Push: Sendable, Hashable, Codable {
        package var before: String
        package var after: String

        package init(before: String, after: String) {
            self.before = before
            self.after = after
        }
    }

    package init(repository: RepositoryName, number: Int, version: Int64, previous: Int64, push: Push? = nil) {
        self.repository = repository
        self.number = number
        self.version = version
        self.previous = previous
        self.push = push
    }

    package var subject: String { "pull/\(repository)#\(number)" }
}

/// The presubmits of one repository that two versions do not share.
struct ChangedPresubmits: Sendable {
    var ended: [ConfiguredJob] = []
    var begun: [ConfiguredJob] = []

    /// What a push to the base branch changed in the repository's own files.
    mutating func add(before: RepositoryJobs, now: RepositoryJobs) {
        let (old, new) = (Set(before.presubmits.map(\.hash)), Set(now.presubmits.map(\.hash)))
        ended += before.presubmits.filter { !new.contains($0.hash) }
        begun += now.presubmits.filter { !old.contains($0.hash) }
    }

    init(_ rows: Rows) throws {
        for row in rows {
            let (isOld, definition) = try row.decode((Bool, JSON<ConfiguredJob>).self)
            if isOld { ended.append(definition.value) } else { begun.append(definition.value) }
        }
    }
}
