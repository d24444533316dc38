import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import Signatures
import SlipwayModel

/// What actions leave in rows, and what other rooms are told.
extension TurnKeeper {
    func carryOut(_ turn: PullTurn, _ occurrence: Occurrence, _ effects: Effects) async throws {
        let (database, pull) = (effects.database, turn.context.pull)
        let (org, repo) = (pull.repository.org, pull.repository.repo)
        for action in turn.actions {
            switch action {
            case .override(let contexts, let isSticky):
                for context in contexts {
                    try await override(context, isSticky: isSticky, pull, occurrence, effects)
                }
            case .overrideChecks(let names):
                for name in names {
                    try await override(name, isSticky: true, isCheck: true, pull, occurrence, effects)
                }
            case .cancelOverrides(let contexts, let checks):
                try await database.execute(
                    PullRequestsStore.endOverrides, org, repo, pull.number, contexts + checks,
                    "taken back by \(occurrence.actor)")
            case .abortRuns(let runs):
                for run in runs {
                    effects.emit(
                        RunCancel(
                            runID: run, by: occurrence.actor, reason: PullRequestsText.abortedBy(occurrence.actor)))
                }
            case .cherryPick(let branches, let requester):
                try await database.execute(
                    PullRequestsStore.notePicks, org, repo, pull.number, branches, requester)
            default: break
            }
        }
        if occurrence.event == .pushed {
            try await database.execute(
                PullRequestsStore.endOverrides, org, repo, pull.number, [String](), "another head was pushed")
        }
        let moved: [PullEvent] = [.opened, .reopened, .pushed, .edited]
        if pull.isOpen, moved.contains(occurrence.event), pull.mergeable == nil {
            try await database.execute(PullRequestsStore.askMergeability, org, repo, pull.number)
            effects.afterCommit { [wake] in wake.signal() }
        }
        if occurrence.event == .closed, pull.isMerged { effects.afterCommit { [wake] in wake.signal() } }
    }

    /// Notes an override and, where a job reports under the context, has a run of it succeed.
    private func override(
        _ context: String, isSticky: Bool, isCheck: Bool = false, _ pull: PullSnapshot, _ occurrence: Occurrence,
        _ effects: Effects
    ) async throws {
        let job =
            isCheck
            ? nil
            : occurrence.facts.jobs.first { $0.contextName == context && $0.runsAgainst(branch: pull.baseRef) }
        // What deliveries say of the base is as old as the last push to the pull request.
        let base = occurrence.facts.branches[pull.baseRef] ?? pull.baseSHA
        try await effects.database.execute(
            PullRequestsStore.noteOverride, pull.repository.org, pull.repository.repo, pull.number, context,
            job?.job.name, occurrence.actor, Self.reason(occurrence.text?.visible ?? ""), pull.headSHA, pull.baseRef,
            base, isSticky, isCheck)
        guard let job else { return }
        var tested = Pull(
            number: pull.number, author: pull.author, sha: pull.headSHA, title: pull.title, headRef: pull.headRef)
        tested.link = pull.link
        effects.emit(
            RunRequested(
                requestID: .named("override/\(occurrence.delivery)/\(context)"), origin: .command, kind: .presubmit,
                job: job.job.name,
                refs: Refs(repository: pull.repository, baseRef: pull.baseRef, baseSHA: base, pulls: [tested]),
                overriddenBy: occurrence.actor))
    }

    /// Overrides end with the base they were made on, and whatever is open against it may conflict now.
    func note(_ bases: [BaseMoved], _ effects: Effects) async throws {
        for base in bases {
            let (org, repo) = (base.repository.org, base.repository.repo)
            try await effects.database.execute(
                PullRequestsStore.endOverridesOfBase, org, repo, base.branch, base.sha)
            try await effects.database.execute(PullRequestsStore.askMergeabilityOfBase, org, repo, base.branch)
        }
        guard !bases.isEmpty else { return }
        effects.afterCommit { [wake] in wake.signal() }
    }

    /// Why something is overridden: what the comment says beside its commands.
    static func reason(_ text: String) -> String {
        let lines = text.split(separator: "\n").filter { line in
            !(line.first { !$0.isWhitespace }.map { $0 == "/" } ?? true)
        }
        return String(lines.joined(separator: " ").prefix(500))
    }
}
