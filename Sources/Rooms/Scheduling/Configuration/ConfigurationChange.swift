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

/// Said by this room to itself, once per open pull request: what another version means for one open pull request.
package struct PullReconcile: Event {
    package static let type = "pull.reconcile"
    package var repository: RepositoryName
    package var number: Int
    package var version: Int64
    package var previous: Int64

    package init(repository: RepositoryName, number: Int, version: Int64, previous: Int64) {
        self.repository = repository
        self.number = number
        self.version = version
        self.previous = previous
    }

    package var subject: String { "pull/\(repository)#\(number)" }
}

/// The presubmits of one repository that two versions do not share.
struct ChangedPresubmits: Sendable {
    var ended: [ConfiguredJob] = []
    var begun: [ConfiguredJob] = []

    init(_ rows: Rows) throws {
        for row in rows {
            let (isOld, definition) = try row.decode((Bool, JSON<ConfiguredJob>).self)
            if isOld { ended.append(definition.value) } else { begun.append(definition.value) }
        }
    }
}
