package import Forge
package import JobConfig

/// Something that only the forge, or a repository's files, can tell. Decisions name their questions; they are asked
/// before the transaction, outside of any lock.
package enum Question: Hashable, Sendable {
    /// Whether the login is trusted in this repository, by the rules of the plugin `trigger`.
    case trusted(String)
    /// Whether the login is a member of the repository's organisation.
    case member(String)
    case collaborator(String)
    /// admin, maintain, write, triage, read or none.
    case permission(String)
    case teamMember(org: String, team: String, login: String)
    /// Whether issues of the repository can be assigned to the login.
    case assignable(String)
    /// The labels the repository has.
    case repositoryLabels
    case milestones
    case changedFiles
    case commits
    /// The statuses on the head.
    case statuses
    /// Our record of commands and reviews; read under the lock.
    case history
    /// The OWNERS of the base branch for the changed files (`Owners/`).
    case owners
}

/// Answers to questions. What could not be told is absent, and counts as the narrower answer.
package struct PullFacts: Sendable {
    package var trusted: [String: Bool] = [:]
    package var members: [String: Bool] = [:]
    package var collaborators: [String: Bool] = [:]
    package var permissions: [String: String] = [:]
    package var teams: [Question: Bool] = [:]
    package var assignable: [String: Bool] = [:]
    package var repositoryLabels: [String]?
    package var milestones: [String]?
    package var changedFiles: [ChangedFile]?
    package var commits: [RepositoryCommit]?
    package var statuses: [CommitStatus]?
    package var owners: OwnersFacts?
    /// The presubmits of the repository, from the configuration in force.
    package var jobs: [ConfiguredJob] = []
    /// Why a question has no answer, where the forge refused it for good; said to people.
    package var refusals: [Question: String] = [:]
    /// What was asked, whether or not there is an answer.
    package var asked: Set<Question> = []

    package init() {}

    package func isTrusted(_ login: String) -> Bool { trusted[login.lowercased()] ?? false }
    package func isMember(_ login: String) -> Bool { members[login.lowercased()] ?? false }
    package func isCollaborator(_ login: String) -> Bool { collaborators[login.lowercased()] ?? false }
    package func permission(_ login: String) -> String { permissions[login.lowercased()] ?? "none" }
    package func isAssignable(_ login: String) -> Bool { assignable[login.lowercased()] ?? false }
    package func isTeamMember(_ org: String, _ team: String, _ login: String) -> Bool {
        teams[.teamMember(org: org, team: team, login: login)] ?? false
    }
}
