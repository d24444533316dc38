/// Prow's `plugins.yaml`: which rules about pull requests hold where. Stored with each version of the configuration. A
/// list of sections with `repos` is asked for a repository's own section first, then for its organisation's.
package struct PluginSettings: Sendable, Hashable, Codable {
    /// The plugins of an organisation or a repository.
    package struct Enabled: Sendable, Hashable, Codable {
        package var names: [String] = []
        /// Repositories of the organisation without them, by their short names.
        package var excludedRepositories: [String] = []

        package init(names: [String] = [], excludedRepositories: [String] = []) {
            self.names = names
            self.excludedRepositories = excludedRepositories
        }
    }

    /// By `org` or `org/repo`; a repository has those of both.
    package var plugins: [String: Enabled] = [:]
    package var triggers: [Trigger] = []
    package var approve: [Approve] = []
    package var lgtm: [LGTM] = []
    package var owners = Owners()
    package var blunderbuss = Blunderbuss()
    /// `blunderbuss.orgs`: an entry by `org` or `org/repo` takes the place of what holds everywhere.
    package var blunderbussOf: [String: Blunderbuss] = [:]
    package var size = Size()
    package var label = Labels()
    package var blockades: [Blockade] = []
    package var matchingLabels: [MatchingLabel] = []
    /// `repo_milestone`: who may set milestones, by `org/repo`; the empty key is everybody's.
    package var milestoneMaintainers: [String: MilestoneMaintainers] = [:]
    /// `milestone_applier`: the milestone of a base branch, by `org/repo` and branch.
    package var milestonesOfBranches: [String: [String: String]] = [:]
    package var preservedBranches: [String: [String]] = [:]
    package var override = Override()
    package var cherryPickUnapproved = CherryPickUnapproved()
    package var cherryPickApproved: [CherryPickApproved] = []
    package var retitleAllowsClosed = false
    package var sigMentionPattern: String?
    package var help = Help()
    /// `dco`, by `org/repo`, `org` or `*`: the narrowest holds.
    package var signOff: [String: SignOff] = [:]
    /// Names and endpoints of external plugins by `org` or `org/repo`.
    package var externalPlugins: [String: [String]] = [:]

    package init() {}
}

// MARK: Sections. `repos` holds `org` or `org/repo`.

extension PluginSettings {
    package struct Trigger: Sendable, Hashable, Codable {
        package var repos: [String] = []
        /// Members of this organisation are trusted besides.
        package var trustedOrg: String?
        /// Bots of these GitHub Apps are trusted; without `[bot]`.
        package var trustedApps: [String] = []
        package var joinOrgURL: String?
        /// Collaborators that are no members are not trusted.
        package var onlyOrgMembers = false
        package var ignoresOkToTest = false

        package init() {}
    }

    /// Who signs commits off, and where it is told how.
    package struct SignOff: Sendable, Hashable, Codable {
        /// Commits of members of the organisation need none.
        package var skipsMembers = false
        /// Nor those of collaborators.
        package var skipsCollaborators = false
        /// Members of this organisation are members, too.
        package var trustedOrg: String?
        /// Bots of these GitHub Apps need to sign nothing; without `[bot]`.
        package var trustedApps: [String] = []
        package var guideRepository: String?
        package var guideBranch: String?
        package var guidePath: String?

        package init() {}

        /// The same as a rule of trust; nil where everybody signs.
        package var trust: Trigger? {
            guard skipsMembers || skipsCollaborators || !trustedApps.isEmpty else { return nil }
            var rule = Trigger()
            rule.trustedOrg = trustedOrg
            rule.trustedApps = trustedApps
            rule.onlyOrgMembers = !skipsCollaborators
            return rule
        }
    }

    package struct Approve: Sendable, Hashable, Codable {
        package var repos: [String] = []
        package var isIssueRequired = false
        /// The author's own rights approve nothing unless said.
        package var requiresSelfApproval = false
        package var lgtmActsAsApprove = false
        package var ignoresReviewState = false
        /// Whose `/lgtm` counts must be another one than who approves; Slipway's own addition.
        package var needsDistinctReviewers = false
        package var commandHelpLink: String?
        package var processLink: String?

        package init() {}
    }

    package struct LGTM: Sendable, Hashable, Codable {
        package var repos: [String] = []
        package var reviewActsAsLGTM = false
        package var storesTreeHash = false
        /// The slug of the team whose members keep the label through a push.
        package var stickyTeam: String?

        package init() {}
    }

    package struct Owners: Sendable, Hashable, Codable {
        package struct Filenames: Sendable, Hashable, Codable {
            package var owners = "OWNERS"
            package var aliases = "OWNERS_ALIASES"

            package init() {}
        }

        /// Repositories whose Markdown files carry owners in a head of YAML.
        package var markdownHeadRepos: [String] = []
        /// Repositories where OWNERS count instead of the forge's collaborators.
        package var skipsCollaboratorsIn: [String] = []
        /// Labels that OWNERS may not set; nil is Prow's `approved`, `lgtm`.
        package var labelsDenied: [String]?
        package var filenames: [String: Filenames] = [:]

        package init() {}
    }

    package struct Blunderbuss: Sendable, Hashable, Codable {
        /// Reviewers asked for.
        package var requestCount = 2
        /// Reviewers asked at most; nil: no bound.
        package var maximumRequests: Int?
        package var excludesApprovers = false
        package var ignoresDrafts = false
        package var ignoredAuthors: [String] = []
        /// Reviewers are asked once this status is there, and not when a pull request is opened.
        package var waitsFor: AwaitedStatus?

        package init() {}
    }

    /// `wait_for_status`, with Prow's defaults: the merge pool says that nothing but a review is missing.
    package struct AwaitedStatus: Sendable, Hashable, Codable {
        package var context = "tide"
        package var state = "pending"
        /// A regular expression.
        package var description =
            #"Not mergeable. (PullRequest is missing sufficient approving GitHub review\(s\)|"#
            + #"Needs (lgtm|approved|approved, lgtm) labels?)\.?"#

        package init() {}
    }

    /// Changed lines from which each size begins.
    package struct Size: Sendable, Hashable, Codable {
        package var small = 10
        package var medium = 30
        package var large = 100
        package var extraLarge = 500
        package var huge = 1000

        package init() {}
    }

    package struct Labels: Sendable, Hashable, Codable {
        package struct Restricted: Sendable, Hashable, Codable {
            package var label = ""
            package var teams: [String] = []
            package var users: [String] = []
            /// Who may is assigned when one of these labels is set.
            package var assignOn: [String] = []
            /// Whoever can approve every changed file may as well.
            package var allowsApprovers = false
            /// A push takes the label away.
            package var endsWithPush = false

            package init() {}
        }

        /// Labels that `/label` may set, for everybody.
        package var additional: [String] = []
        /// By `org`, `org/repo` or `*`.
        package var restricted: [String: [Restricted]] = [:]

        package init() {}
    }

    package struct Blockade: Sendable, Hashable, Codable {
        package var repos: [String] = []
        package var branchPattern: String?
        package var blocked: [String] = []
        package var exceptions: [String] = []
        package var explanation = ""

        package init() {}
    }

    package struct MatchingLabel: Sendable, Hashable, Codable {
        package var org = ""
        /// Nil where all of the organisation's repositories are meant.
        package var repo: String?
        package var branch: String?
        package var pattern = ""
        package var missingLabel = ""
        package var comment: String?

        package init() {}
    }

    package struct MilestoneMaintainers: Sendable, Hashable, Codable {
        /// The slug of the team.
        package var team = ""
        package var friendlyName: String?

        package init() {}
    }

    package struct Override: Sendable, Hashable, Codable {
        /// Approvers of the root OWNERS may override too.
        package var allowsTopLevelOwners = false
        /// Slugs of teams by `org` or `org/repo`.
        package var teams: [String: [String]] = [:]

        package init() {}
    }

    package struct CherryPickUnapproved: Sendable, Hashable, Codable {
        package var branchPattern = "^release-.*$"
        package var comment: String?

        package init() {}
    }

    package struct CherryPickApproved: Sendable, Hashable, Codable {
        package var org = ""
        package var repo = ""
        package var branchPattern = "^release-.*$"
        package var approvers: [String] = []
        /// Labels that the pull request has to have before.
        package var neededLabels: Set<String> = ["approved", "lgtm"]

        package init() {}
    }

    package struct Help: Sendable, Hashable, Codable {
        package var guidelinesURL: String?
        package var guidelinesSummary: String?

        package init() {}
    }
}
