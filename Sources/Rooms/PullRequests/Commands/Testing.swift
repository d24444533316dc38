import JobConfig
import SlipwayModel

/// `/test` and its kin: Scheduling decides what they start; here the label `ok-to-test` is kept. Prow's rule
/// (plugins/trigger).
package enum TriggerPlugin {
    package static let okToTest = "ok-to-test"
    package static let needsOkToTest = "needs-ok-to-test"

    package static let plugin = PullPlugin(
        "trigger", "Starts jobs when pull requests change, and when somebody asks for it.",
        commands: [test, retest, retestRequired, manual, okToTestCommand], reaction: reaction)

    private static let who = "who is trusted; anyone once the pull request is"

    static let test = CommandDefinition(
        ["test"], usage: ["/test JOB", "/test all", "/test ?"], who: who,
        effect: """
            Starts the named jobs, or all that start by themselves; `/test ?` lists what can run.
            """
    ) { _, _ in [.schedule] }

    static let retest = CommandDefinition(
        ["retest"], usage: ["/retest"], who: who, effect: "Starts the failed jobs again, and those that never ran."
    ) { _, _ in [.schedule] }

    static let retestRequired = CommandDefinition(
        ["retest-required"], usage: ["/retest-required"], who: who, effect: "The same, optional jobs left out."
    ) { _, _ in [.schedule] }

    static let manual = CommandDefinition(
        ["test-manual-required"], usage: ["/test-manual-required"], who: who,
        effect: "Starts the required jobs that nothing starts by itself."
    ) { _, _ in [.schedule] }

    static let okToTestCommand = CommandDefinition(
        [okToTest], usage: ["/ok-to-test", "/ok-to-test cancel"], who: "who is trusted",
        effect: "Has a stranger's pull request tested from now on: adds the label `ok-to-test`, and starts its jobs.",
        needs: { calls, context in
            [.trusted(context.actor)] + (calls.contains(where: \.isCancel) ? [.trusted(context.pull.author)] : [])
        }
    ) { calls, context in
        guard context.facts.isTrusted(context.actor) else {
            return [.answer(PullRequestsText.untrustedOkToTest(context.pull.repository.org))]
        }
        guard !context.settings.trigger.ignoresOkToTest else {
            return [.answer(PullRequestsText.okToTestIgnored)]
        }
        if calls.contains(where: \.isCancel) {
            return [.removeLabel(okToTest)]
                + (context.facts.isTrusted(context.pull.author) ? [] : [.addLabel(needsOkToTest)])
        }
        // With other words behind it, it is a sentence: nobody's code is run for one.
        guard calls.contains(where: \.arguments.isEmpty) else { return [.answer(PullRequestsText.okToTestAlone)] }
        return [.addLabel(okToTest), .removeLabel(needsOkToTest), .schedule]
    }

    static let reaction = PullPlugin.Reaction(
        needs: { event, context in event == .opened ? [.trusted(context.pull.author)] : [] },
        react: { event, context in
            switch event {
            case .opened:
                context.facts.isTrusted(context.pull.author) || context.pull.has(okToTest)
                    || context.settings.trigger.ignoresOkToTest ? [] : [.addLabel(needsOkToTest)]
            case .labeled(let name) where Login.same(name, okToTest):
                context.pull.has(needsOkToTest) ? [.removeLabel(needsOkToTest)] : []
            case .reopened, .pushed, .edited, .readyForReview, .commented:
                context.pull.has(okToTest) && context.pull.has(needsOkToTest) ? [.removeLabel(needsOkToTest)] : []
            default: []
            }
        })
}
