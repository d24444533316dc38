import Forge
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel
import Web

/// What this room shows on the page of a pull request: what it waits for, approvals, overrides, and the timeline of
/// commands. Read
/// from the database alone: a page asks no forge.
struct PullPart: Sendable {
    let database: PostgresPool
    let settings: SettingsCache
    let bot: String
    let mergeObstacles: @Sendable (RepositoryName, Int) async throws -> [MergeObstacle]

    private static let rows = 200

    func render(_ repository: RepositoryName, _ number: Int) async throws -> Markup {
        let key = PullKey(repository, number)
        guard let pull = try await database.known(key) else { return "" }
        let now = Date()
        let approval = try await database.execute(
            PullRequestsStore.approvalSummary, repository.org, repository.repo, number
        ).first.map { try $0.decode(JSON<ApprovalSummary>.self).value }
        let context = try await context(pull, approval, now)
        let obstacles = pull.isOpen ? Obstacles.of(context) : []
        let unfinished = pull.isOpen ? context.facts.runs.filter { !$0.state.isFinished } : []
        let overrides = try await database.execute(
            PullRequestsStore.overridesOfPull, repository.org, repository.repo, number, Self.rows
        ).map { row in
            let (context, actor, reason, isSticky, madeAt, endedBy) = try row.decode(
                (String, String, String, Bool, Date, String?).self)
            return [
                "context": .text(context), "actor": .text(actor), "reason": .text(reason), "isSticky": .flag(isSticky),
                "standing": .text(endedBy.map { "ended: \($0)" } ?? "stands"), "age": .markup(.age(madeAt, now: now)),
            ] as [String: PageValue]
        }
        let commands = try await database.execute(
            PullRequestsStore.timeline, repository.org, repository.repo, number, Self.rows
        ).map { row in
            let (author, name, arguments, outcome, link, at) = try row.decode(
                (String, String, String, String, String?, Date).self)
            return [
                "author": .text(author), "text": .text(CommandCall(name: name, arguments: arguments).text),
                "outcome": .text(outcome), "link": .optional(Link.external(link)), "age": .markup(.age(at, now: now)),
            ] as [String: PageValue]
        }
        return PullRequestsTemplates.set.render(
            "pull_part",
            ApprovalsPart.values(pull.isOpen ? approval : nil, repository, base: pull.baseRef).merging([
                "isOpen": .flag(pull.isOpen), "milestone": .optional(pull.milestone),
                "isReady": .flag(obstacles.isEmpty && unfinished.isEmpty),
                "readyText": .text(PullRequestsText.nothingKeepsIt),
                "obstacles": .objects(
                    obstacles.map { obstacle in
                        [
                            "rule": .text(Self.plain(obstacle.rule)),
                            "remedy": .text(Self.plain(obstacle.remedy ?? "")),
                            "link": .optional(Link.external(obstacle.link)),
                        ]
                    }),
                "running": .objects(
                    unfinished.map { run in
                        [
                            "rule": .text(PullRequestsText.runs(run)),
                            "remedy": .text(
                                run.usualSeconds.map { "usually takes \(PullRequestsText.duration($0))" } ?? ""),
                        ]
                    }),
                "overrides": .objects(overrides), "hasOverrides": .flag(!overrides.isEmpty),
                "commands": .objects(commands), "hasCommands": .flag(!commands.isEmpty),
                "helpPath": .text("/command-help" + Link.query([("repo", repository.description)])),
            ]) { $1 })
    }

    private func context(
        _ pull: PullSnapshot, _ approval: ApprovalSummary?, _ now: Date
    ) async throws -> PullContext {
        let current = try await settings.current(database)
        var context = PullContext(
            pull: pull, actor: "", at: now, settings: current.plugins(of: pull.repository), bot: bot)
        context.facts.jobs = try await settings.jobs(of: pull.repository, in: current.version, database)
        context.facts.approval = approval
        context.facts.runs = try await database.runs(on: pull)
        context.facts.obstacles = try await mergeObstacles(pull.repository, pull.number)
        // The forge shows what Reporting wrote of these runs.
        context.facts.statuses = context.facts.runs.map { run in
            let state = run.state.isFinished ? (run.state == .success ? "success" : "failure") : "pending"
            return CommitStatus(state: state, context: run.context, description: nil, targetURL: nil)
        }
        return context
    }

    private static func plain(_ text: String) -> String { text.replacing("`", with: "").replacing("**", with: "") }
}
