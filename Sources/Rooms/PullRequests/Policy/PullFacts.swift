package import Forge
package import FoundationEssentials
package import JobConfig
package import SlipwayModel

/// Something that only the forge, or a repository's files, can tell. Decisions name their questions; they are asked
/// before the transaction, outside of any lock.
package enum Question: Hashable, Sendable {
    /// Whether the login is trusted in this repository, by the rules of the plugin `trigger`.
    case trusted(String)
    /// Whether the login is a member of the repository's organisation.
    case member(String)
    /// Whether the plugin `dco` lets commits of the login pass without a sign-off.
    case needsNoSignOff(String)
    case collaborator(String)
    /// admin, maintain, write, triage, read or none.
    case permission(String)
    case teamMember(org: String, team: String, login: String)
    /// Whether the pull request can be assigned to the login.
    case assignable(String)
    /// The labels the repository has.
    case repositoryLabels
    /// The labels of another pull request of the repository.
    case labels(of: Int)
    case milestones
    case changedFiles
    case commits
    /// The statuses on the head.
    case statuses
    /// The newest check run of each name on the head.
    case checkRuns
    /// The contexts that the protection of a branch wants, whether or not they were ever reported.
    case requiredContexts(String)
    /// Whether the repository has the branch, and its head.
    case branch(String)
    /// Which of the changed files are generated, by `.generated_files` and `.gitattributes` of the base.
    case generatedFiles
    /// Contexts that are overridden now.
    case overrides
    /// The runs on the head, and how long such runs usually take.
    case runs
    /// What keeps it from being merged.
    case obstacles
    /// Our record of commands and reviews; read under the lock.
    case history
    /// The OWNERS of the base branch for the changed files (`Owners/`).
    case owners
    /// What was said on the pull request before it was known here; asked once.
    case earlier
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
    package var labelsOfOthers: [Int: [String]] = [:]
    package var milestones: [String]?
    package var changedFiles: [ChangedFile]?
    package var commits: [RepositoryCommit]?
    package var statuses: [CommitStatus]?
    package var checkRuns: [CheckRun] = []
    package var requiredContexts: [String] = []
    /// Whether the forge takes check runs from us: it does from Apps.
    package var writesChecks = false
    /// The heads of branches that were asked for and are there.
    package var branches: [String: String] = [:]
    package var generatedFiles: Set<String> = []
    package var overrides: [String] = []
    /// The same of check runs.
    package var overriddenChecks: [String] = []
    package var runs: [PullRun] = []
    package var obstacles: [MergeObstacle] = []
    package var owners: OwnersFacts?
    /// How the approval stands, as it was decided last.
    package var approval: ApprovalSummary?
    /// Nil where nothing is unknown.
    package var earlier: [ApprovalRemark]?
    /// The presubmits of the repository, from the configuration in force.
    package var jobs: [ConfiguredJob] = []
    /// Why a question has no answer, where the forge refused it for good; said to people.
    package var refusals: [Question: String] = [:]
    /// What was asked, whether or not there is an answer.
    package var asked: Set<Question> = []

    package init() {}

    package func hasBranch(_ name: String) -> Bool { branches[name] != nil }
    package func isTrusted(_ login: String) -> Bool { trusted[login.lowercased()] ?? false }
    package func isMember(_ login: String) -> Bool { members[login.lowercased()] ?? false }
    package func isCollaborator(_ login: String) -> Bool { collaborators[login.lowercased()] ?? false }
    package func needsNoSignOff(_ login: String) -> Bool { teams[.needsNoSignOff(login)] ?? false }
    package func permission(_ login: String) -> String { permissions[login.lowercased()] ?? "none" }
    package func isAssignable(_ login: String) -> Bool { assignable[login.lowercased()] ?? false }
    package func isTeamMember(_ org: String, _ team: String, _ login: String) -> Bool {
        teams[.teamMember(org: org, team: team, login: login)] ?? false
    }
}

/// A run on a pull request's head.
package struct PullRun: Hashable, Sendable {
    package var runID: RunID
    package var job: String
    package var context: String
    package var isRequired: Bool
    package var state: RunState
    package var requestedAt: Date
    package var startedAt: Date?
    /// The middle of the durations of the job's last successful runs, in seconds; nil where there were none.
    package var usualSeconds: Double?

    package init(
        runID: RunID, job: String, context: String, isRequired: Bool, state: RunState, requestedAt: Date,
        startedAt: Date? = nil, usualSeconds: Double? = nil
    ) {
        self.runID = runID
        self.job = job
        self.context = context
        self.isRequired = isRequired
        self.state = state
        self.requestedAt = requestedAt
        self.startedAt = startedAt
        self.usualSeconds = usualSeconds
    }
}
