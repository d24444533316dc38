import JobConfig

/// `/why`: what keeps the pull request from being merged. Prow has no such command.
package enum WhyPlugin {
    package static let plugin = PullPlugin(
        "why", "Tells what keeps a pull request from being merged.", commands: [why])

    static let why = CommandDefinition(
        ["why"], usage: ["/why"], who: "anyone",
        effect: "Says which rules are not met, who can meet them, what runs and how long that usually takes.",
        needs: { _, context in
            [.runs, .obstacles, .statuses] + (context.settings.isActive("approve") ? [.owners] : [])
        }
    ) { _, context in [.answer(PullRequestsText.why(Obstacles.of(context), context))] }
}
