package import JobConfig
package import SlipwayModel

/// What the pull requests of one branch have to meet. Pure; Tide's rules and its words (pkg/tide, `status.go` and
/// `github.go`).
///
/// | asked in this order | the status where it is not met |
/// |---|---|
/// | no conflict with the base | error: Not mergeable. PR has a merge conflict. |
/// | one method at most by labels | error: Not mergeable. PR has conflicting merge method override labels |
/// | the repository allows the method | error: Not mergeable. Merge type "rebase" disallowed by repo settings |
/// | no issue blocks the branch | error: Not mergeable. Merging is blocked by issue 7. |
/// | any query, the nearest is told | pending: Not mergeable. Needs lgtm label. |
/// | its contexts, as part of a query | pending: Not mergeable. Job unit has not succeeded. |
///
/// Beyond Tide, a draft does not enter a pool: the forge would refuse it.
package struct PoolRules: Sendable {
    package let repository: RepositoryName
    package let branch: String
    package let tide: TideSettings
    package let policy: ContextPolicy
    package let queries: [TideQuery]
    /// Methods that the repository's settings allow.
    package let allowedMethods: Set<MergeMethod>
    package let blockers: [MergeBlocker]
    /// The context of the merger's own status, which blocks nothing.
    package let statusContext: String
    /// The forge does not show us check runs: what is missing may be one.
    var hidesChecks = false
    /// By context, the comment that runs its job.
    private let rerunCommands: [String: String]

    /// - Parameters:
    ///   - presubmits: of the repository.
    ///   - blockers: open issues of the repository with the blocker label.
    package init(
        repository: RepositoryName, branch: String, tide: TideSettings, presubmits: [ConfiguredJob],
        allowedMethods: Set<MergeMethod> = Set(MergeMethod.allCases), blockers: [MergeBlocker] = [],
        statusContext: String = "tide"
    ) {
        self.repository = repository
        self.branch = branch
        self.tide = tide
        policy = tide.contextPolicy(of: repository, branch: branch, presubmits: presubmits)
        queries = tide.queries(of: repository)
        self.allowedMethods = allowedMethods
        self.blockers = blockers.filter { $0.blocks(branch) }
        self.statusContext = statusContext
        var commands: [String: String] = [:]
        for job in presubmits where job.runsAgainst(branch: branch) {
            commands[job.job.context ?? job.job.name] = job.job.rerunCommand
        }
        rerunCommands = commands
    }

    /// - Parameter contexts: of the pull request's head.
    package func standing(of pull: MergeCandidate, contexts: [String: ContextState]) -> MergeStanding {
        let method = method(of: pull)
        var standing = MergeStanding(
            method: method, obstacles: [], state: "success", description: MergingText.inPool,
            priority: tide.priority(of: pull.labels))
        if pull.mergeable == false {
            standing.refuse("error", MergingText.conflict, [MergingText.conflictObstacle(base: branch)])
        }
        if pull.isDraft { standing.refuse("error", MergingText.draft, [MergingText.draftObstacle]) }
        if let method {
            if !allowedMethods.contains(method) {
                standing.refuse(
                    "error", MergingText.forbiddenMethod(method),
                    [MergingText.forbiddenMethodObstacle(method, repository)])
            }
        } else {
            standing.refuse(
                "error", MergingText.conflictingMethods, [MergingText.conflictingMethodsObstacle(methodLabels(pull))])
        }
        if !blockers.isEmpty {
            standing.refuse("error", MergingText.blocked(blockers), blockers.map(MergingText.blocker))
        }
        let unmet = nearest(pull, contexts)
        if !unmet.obstacles.isEmpty { standing.refuse("pending", unmet.reason, unmet.obstacles) }
        return standing
    }

    // MARK: Methods

    /// The method that its labels or the configuration say; nil where labels contradict each other.
    package func method(of pull: MergeCandidate) -> MergeMethod? {
        let labels = methodLabels(pull)
        guard labels.count < 2 else { return nil }
        return labels.first?.method ?? tide.mergeMethods.method(of: repository, branch: branch)
    }

    private func methodLabels(_ pull: MergeCandidate) -> [(label: String, method: MergeMethod)] {
        [(tide.squashLabel, MergeMethod.squash), (tide.rebaseLabel, .rebase), (tide.mergeLabel, .merge)]
            .compactMap { label, method in
                label.flatMap { pull.labels.contains($0) ? ($0, method) : nil }
            }
    }

    // MARK: Queries

    /// What one query misses, and how far the pull request is from it.
    private struct Distance {
        var weight = 0
        var reason: String?
        var obstacles: [MergeObstacle] = []

        mutating func add(_ weight: Int, _ reason: @autoclosure () -> String, _ obstacles: [MergeObstacle]) {
            self.weight += weight
            if self.reason == nil { self.reason = reason() }
            self.obstacles += obstacles
        }
    }

    /// Nothing where any query is met.
    private func nearest(
        _ pull: MergeCandidate, _ contexts: [String: ContextState]
    ) -> (reason: String, obstacles: [MergeObstacle]) {
        let unsuccessful = unsuccessful(contexts)
        var best: Distance?
        var all: [String] = []
        for query in queries {
            let distance = distance(of: pull, to: query, unsuccessful)
            if distance.weight == 0 { return ("", []) }
            if distance.weight < Self.wrongBranch, let reason = distance.reason { all.append(reason) }
            if distance.weight < best?.weight ?? .max { best = distance }
        }
        guard let best, let reason = best.reason else {
            return (MergingText.noQuery(branch), [MergingText.noQueryObstacle(repository)])
        }
        guard tide.showsAllQueries else { return (reason, best.obstacles) }
        if all.isEmpty { return (MergingText.noQuery(branch), best.obstacles) }
        return (MergingText.any(of: all), best.obstacles)
    }

    private static let wrongBranch = 2000

    /// The weights are Tide's: with several queries the one that was meant is told, not the one that misses least.
    private func distance(
        of pull: MergeCandidate, to query: TideQuery, _ unsuccessful: [(context: String, state: ContextState?)]
    ) -> Distance {
        var distance = Distance()
        if !query.takesBranch(branch) {
            distance.add(
                Self.wrongBranch, MergingText.forbiddenBranch(branch), [MergingText.forbiddenBranchObstacle(branch)])
        }
        if let author = query.author.map(Self.login), Self.login(pull.author) != author {
            distance.add(1000, MergingText.otherAuthor(author), [MergingText.otherAuthorObstacle(author)])
        }
        if let milestone = query.milestone, pull.milestone != milestone {
            distance.add(100, MergingText.milestone(milestone), [MergingText.milestoneObstacle(milestone)])
        }
        let missing = query.labels.filter { alternatives in
            !alternatives.split(separator: ",").contains { pull.labels.contains(String($0)) }
        }.map { $0.replacing(",", with: " or ") }.sorted()
        if !missing.isEmpty {
            distance.add(missing.count, MergingText.needs(missing), missing.map(MergingText.neededLabel))
        }
        let present = query.missingLabels.filter(pull.labels.contains).sorted()
        if !present.isEmpty {
            distance.add(present.count, MergingText.shouldNotHave(present), present.map(MergingText.unwantedLabel))
        }
        if !unsuccessful.isEmpty {
            distance.add(
                unsuccessful.count, MergingText.unsuccessful(unsuccessful.map(\.context)),
                unsuccessful.map {
                    MergingText.unsuccessful($0, $1, command: rerunCommands[$0], hidesChecks: hidesChecks)
                })
        }
        if query.reviewApprovedRequired, pull.reviewDecision?.lowercased() != "approved" {
            distance.add(50, MergingText.missingReviews, [MergingText.missingReviewsObstacle])
        }
        return distance
    }

    private static func login(_ login: String) -> String {
        (login.hasPrefix("@") ? String(login.dropFirst()) : login).lowercased()
    }

    /// What is not green on the head and may not be so, in alphabetical order; nil: it was never reported.
    func unsuccessful(_ contexts: [String: ContextState]) -> [(context: String, state: ContextState?)] {
        var found: [(context: String, state: ContextState?)] = []
        for (context, state) in contexts where state != .success && context != statusContext {
            if !policy.isOptional(context) { found.append((context, state)) }
        }
        for context in policy.required where contexts[context] == nil && context != statusContext {
            found.append((context, nil))
        }
        return found.sorted { $0.context < $1.context }
    }
}
