import SlipwayModel

/// `/abort`: Prow has no such command.
package enum AbortPlugin {
    package static let plugin = PullPlugin("abort", "Aborts runs of the pull request.", commands: [abort])

    static let abort = CommandDefinition(
        ["abort"], usage: ["/abort", "/abort JOB …"], who: "its author, and who is trusted",
        effect: "Aborts the unfinished runs of the named jobs or contexts, or all.",
        needs: { _, context in [.runs] + (context.isAuthor ? [] : [.trusted(context.actor)]) }
    ) { calls, context in
        guard context.isAuthor || context.facts.isTrusted(context.actor) else {
            return [.answer(PullRequestsText.mayNotAbort)]
        }
        let unfinished = context.facts.runs.filter { !$0.state.isFinished }
        let names = calls.flatMap(\.words)
        let meant =
            calls.contains { $0.words.isEmpty }
            ? unfinished : unfinished.filter { names.contains($0.job) || names.contains($0.context) }
        guard !meant.isEmpty else { return [.answer(PullRequestsText.nothingToAbort(names, unfinished))] }
        return [.abortRuns(meant.map(\.runID))]
    }
}
