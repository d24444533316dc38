import JobConfig

/// `/why`: what keeps the pull request from being merged. Prow has no such command.
package enum WhyPlugin {
    package static let plugin = PullPlugin(
        "why", "Tells what keeps a pull request from being merged.", commands: [why])

    static let why = CommandDefinition(
        ["why"], usage: ["/why"], who: "anyone",
        effect: "Says which rules are not met, who can meet them, what runs and how long that usually takes.",
        needs: { _, context in
            [.runs, .obstacles, .statuses] + (context.settings.isActive("approve") ? [.owners, .earlier] : [])
        }
    ) { _, context in
        var context = context
        context.facts.approval = context.facts.owners.map { owners in
            ApprovalSummary(
                ApprovePlugin.decision(context, owners, byHand: nil), byHand: nil, problem: owners.problem)
        }
        return [.answer(PullRequestsText.why(Obstacles.of(context), context))]
    }
}
