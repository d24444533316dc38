import FoundationEssentials
package import JobConfig
import SlipwayModel

/// What one look at a pool found: the facts that its train is told, and its pages show.
struct PoolLook: Sendable {
    /// One open pull request.
    struct Found: Sendable {
        var pull: MergeCandidate
        var standing: MergeStanding
        var contexts: [String: ContextState]
        /// What of our own runs was known when the contexts were read.
        var sign: String
        /// Its contexts were read at the forge just now.
        var isFresh: Bool
        /// When its head passed jobs, by their hashes.
        var passes: [String: Date] = [:]
        /// Why it was put out of the train at this head.
        var ejection: String?
        /// The forge has yet to say that it is merged.
        var hasLanded = false

        var mayEnter: Bool { standing.isEligible && ejection == nil && !hasLanded }
    }

    var pulls: [Int: Found]
    var rules: PoolRules
    var presubmits: [ConfiguredJob]
    /// Somebody may enter, or is in the train already.
    var needsBase: Bool
    /// The branch as it stands; nil where it is gone, or where nobody asked.
    var base: TrainBase?
    var capacity: Int

    var plans: [Int: PrefixBuilder.Plan] {
        let template = rules.tide.mergeTemplate(of: rules.repository)
        return pulls.compactMapValues { found in
            found.standing.method.map { PrefixBuilder.Plan(pull: found.pull, method: $0, template: template) }
        }
    }

    /// Under `overwrite-pending-contexts` what passed together stands for what each has yet to show alone, so that the
    /// forge does not refuse a merge for it.
    ///
    /// - Parameter contexts: at the forge, by pull request.
    func pendingContexts(
        _ contexts: [Int: [String: ContextState]], passedBy trial: Trial?
    ) -> [Int: Set<String>] {
        guard rules.policy.overwritesPending == true, let trial else { return [:] }
        let passed = Set(trial.runs.filter { $0.state == .passed }.map(\.job.name))
        let own = presubmits.filter { passed.contains($0.job.name) && $0.runsAgainst(branch: rules.branch) }
            .map { $0.job.context ?? $0.job.name }
        return contexts.mapValues { shown in Set(own.filter { shown[$0] == .pending }) }
    }

    /// The branch is gone: nothing is eligible.
    mutating func missBranch() {
        for number in pulls.keys {
            pulls[number]?.standing.refuse(
                "error", MergingText.noBranch(rules.branch), [MergingText.noBranchObstacle(rules.branch)])
        }
    }

    /// The most pull requests that are tested together.
    var maxMembers: Int {
        switch rules.tide.batchSizeLimit(of: rules.repository) {
        case 0: TrainPolicy().maxMembers
        case -1: 1
        case let limit: limit
        }
    }

    /// What pages show of it without asking anybody again.
    var facts: PoolFacts {
        let required = presubmits.filter { $0.runsAgainst(branch: rules.branch) && $0.job.isRequired }
        return PoolFacts(
            blockers: rules.blockers, methods: Array(Set(pulls.values.compactMap(\.standing.method))),
            jobs: required.map(\.job.name).sorted(), base: base?.commit, capacity: capacity, maxMembers: maxMembers,
            configuration: 0, hidesChecks: rules.hidesChecks)
    }
}

/// What a look found, stored with the pool.
package struct PoolFacts: Sendable, Hashable, Codable {
    package var blockers: [MergeBlocker]
    package var methods: [MergeMethod]
    /// Required presubmits of the branch.
    package var jobs: [String]
    package var base: String?
    package var capacity: Int
    package var maxMembers: Int
    /// The version of the configuration that was in force.
    package var configuration: Int64
    /// The forge does not show us check runs.
    package var hidesChecks: Bool?
}

/// What is known of a pull request from the last look.
struct KnownMember: Sendable {
    var number: Int
    var head: String
    var title: String
    var author: String
    var headRef: String
    var isEligible: Bool
    var eligibleSince: Date?
    var method: MergeMethod?
    var priority: Int
    var obstacles: [MergeObstacle]
    var state: String
    var text: String
    var contexts: [String: ContextState]
    var sign: String
    /// Seconds since the contexts were read at the forge.
    var contextsAge: Double
    var ejectedHead: String?
    var ejection: String?
}

extension MergeTrain {
    /// Every trial, those of the line first.
    package var trials: [Trial] { line + lanes.compactMap(\.trial) }

    /// Everybody in the train, by number.
    package var membersByNumber: [Int: TrainMember] {
        Dictionary((queue + line.flatMap(\.members) + lanes.flatMap(\.members)).map { ($0.number, $0) }) { first, _ in
            first
        }
    }

    /// Contexts of the jobs that are under test for a pull request now.
    package func contextsUnderTest(of number: Int) -> [String] {
        let runs = trials.filter { $0.numbers.contains(number) && $0.state == .testing }.flatMap(\.runs)
        return Set(runs.filter { $0.state == .requested }.map(\.job.context)).sorted()
    }
}
