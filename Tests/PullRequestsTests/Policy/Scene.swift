import Forge
import Foundation
import JobConfig
import PullRequests
import SlipwayModel

/// A pull request of noor's in `harbor/crane`, and what maria, a member and administrator, or ola, a stranger, says there.
struct Scene: Sendable {
    static let repository = RepositoryName(org: "harbor", repo: "crane")
    static let labels = [
        "kind/bug", "kind/feature", "kind/design", "kind/api-change", "area/infra", "area/api", "sig/node", "sig/api",
        "priority/urgent", "triage/accepted", "triage/needs-information", "needs-kind", "needs-sig", "needs-triage",
        "committee/steering", "language/fr", "wg/batch", "api-review", "team/katacoda", "cve/wontfix", "Kind/Upper",
    ]

    var pull: PullSnapshot
    var actor = "maria"
    var facts = PullFacts()
    var settings = PluginSettings()
    var names = PluginNames.served
    var history = PullHistory()
    var tide: TideSettings?
    var previousBase: String?

    init(labels: [String] = [], actor: String = "maria", title: String = "Add oil", branch: String = "main") {
        pull = PullSnapshot(
            repository: Self.repository, number: 7, title: title, author: "noor", headRef: "oil",
            headSHA: String(repeating: "a", count: 40), baseRef: branch, baseSHA: String(repeating: "b", count: 40))
        pull.labels = labels
        pull.headRepository = "harbor/crane"
        self.actor = actor
        facts.repositoryLabels = Self.labels
        facts.members = ["maria": true, "noor": true]
        facts.trusted = ["maria": true, "noor": true]
        facts.collaborators = ["maria": true, "noor": true, "li": true]
        facts.assignable = ["maria": true, "noor": true, "li": true]
        facts.permissions = ["maria": "admin", "noor": "write", "li": "write"]
        facts.milestones = ["v1.0", "v2.0"]
        facts.branches = ["release-1.0": "1", "release-2.0": "2", "main": "0", "oil": "a"]
        settings.label.additional = ["api-review", "team/katacoda"]
    }

    private var context: PullContext {
        var settings = settings
        settings.plugins[Self.repository.org] = PluginSettings.Enabled(names: names.sorted())
        var plugins = RepositoryPlugins(Self.repository, settings, defaults: [])
        plugins.tide = tide
        var context = PullContext(
            pull: pull, actor: actor, at: Date(timeIntervalSince1970: 1000),
            comment: CommentReference(kind: .comment, id: 1), settings: plugins, facts: facts, history: history,
            bot: "slipway-bot")
        context.previousBase = previousBase
        return context
    }

    private var plugins: [PullPlugin] {
        // Those of OWNERS have suites of their own.
        PluginCatalog.all.filter { names.contains($0.name) && !Self.ofOwners.contains($0.name) }
    }
    private static let ofOwners: Set = ["lgtm", "approve", "blunderbuss", "verify-owners", "owners-label"]

    /// What a comment leads to.
    func say(_ comment: String) -> PullTurn {
        var context = context
        context.text = CommandParser.visibleText(comment)
        context.written = comment
        var turn = PullTurn(context, plugins: plugins)
        turn.decide(
            CommandParser.commands(in: context.text, limit: CommandParser.maximumCommands + 1),
            helpURL: "https://ci/command-help")
        return turn
    }

    /// What an event leads to.
    func happen(_ event: PullEvent, text: String = "") -> PullTurn {
        var context = context
        context.text = text
        var turn = PullTurn(context, plugins: plugins)
        turn.react(to: event)
        return turn
    }

    /// What would be asked before the comment is decided.
    func questions(_ comment: String) -> Set<Question> {
        PullTurn.questions(
            CommandParser.commands(in: CommandParser.visibleText(comment)), .other(""), context, plugins: plugins)
    }

    /// Repository jobs, by their names; optional ones end with a question mark.
    mutating func jobs(_ names: String...) {
        let text = names.map { name in
            let isOptional = name.hasSuffix("?")
            return
                "  - {name: \(isOptional ? String(name.dropLast()) : name), always_run: true, optional: \(isOptional), "
                + "context: ci/\(isOptional ? String(name.dropLast()) : name), "
                + "spec: {containers: [{image: tools, command: [make]}]}}\n"
        }
        facts.jobs =
            JobConfiguration.load(
                files: [
                    SourceFile(path: "jobs.yaml", bytes: Array(("presubmits:\n  harbor/crane:\n" + text.joined()).utf8))
                ]
            ).jobs
    }

    /// A job with a trigger of its own.
    static func job(_ name: String, trigger: String, rerun: String) -> [ConfiguredJob] {
        let text = """
            presubmits:
              harbor/crane:
              - {name: \(name), trigger: "\(trigger)", rerun_command: "\(rerun)", spec: {containers: [{command: [make]}]}}
            """
        return JobConfiguration.load(files: [SourceFile(path: "jobs.yaml", bytes: Array(text.utf8))]).jobs
    }

    mutating func statuses(_ states: [String: String]) {
        facts.statuses = states.sorted { $0.key < $1.key }.map {
            CommitStatus(state: $1, context: $0, description: nil, targetURL: nil)
        }
    }
}

extension Scene {
    mutating func checks(_ conclusions: [String: String]) {
        facts.checkRuns = conclusions.sorted { $0.key < $1.key }.enumerated().map { number, check in
            CheckRun(
                id: Int64(number), name: check.key, headSHA: pull.headSHA,
                status: check.value.isEmpty ? "in_progress" : "completed",
                conclusion: check.value.isEmpty ? nil : check.value)
        }
    }
}

extension PullTurn {
    /// The actions in words: `+label`, `-label`, `assign a b`, `answer` …
    var words: [String] { actions.map(\.word) }

    /// The answers.
    var answers: [String] { actions.compactMap { if case .answer(let text) = $0 { text } else { nil } } }
}

extension PullAction {
    var word: String {
        switch self {
        case .addLabel(let name): "+\(name)"
        case .removeLabel(let name): "-\(name)"
        case .derivedLabel(let name, let isPresent): isPresent ? "+\(name)" : "-\(name)"
        case .answer: "answer"
        case .notice(_, let body): body == nil ? "unsay" : "notice"
        case .assign(let names): "assign \(names.joined(separator: " "))"
        case .unassign(let names): "unassign \(names.joined(separator: " "))"
        case .requestReviews(let names): "cc \(names.joined(separator: " "))"
        case .withdrawReviewRequests(let names): "uncc \(names.joined(separator: " "))"
        case .close: "close"
        case .reopen: "reopen"
        case .retitle(let title): "title \(title)"
        case .rewrite(let body): "body \(body)"
        case .milestone(let title): "milestone \(title ?? "none")"
        case .status(let context, let state, let description): "status \(context) \(state) \(description)"
        case .override(let contexts, let isSticky):
            "\(isSticky ? "sticky" : "override") \(contexts.joined(separator: " "))"
        case .overrideChecks(let names): "checks \(names.joined(separator: " "))"
        case .cancelOverrides(let contexts, let checks):
            "unoverride \((contexts + checks.map { "check:\($0)" }).joined(separator: " "))"
        case .cherryPick(let branches, let requester): "pick \(branches.joined(separator: " ")) for \(requester)"
        case .deleteHeadBranch: "delete branch"
        case .abortRuns(let runs): "abort \(runs.count)"
        case .noteLGTM, .forgetLGTMs, .noteApproval: "note"
        case .schedule: "schedule"
        }
    }
}
