/// `/status`: what a pull request with a milestone waits for. Prow's rule (plugins/milestonestatus).
package enum MilestoneStatusPlugin {
    static let labels = [
        "approved-for-milestone": "status/approved-for-milestone", "in-progress": "status/in-progress",
        "in-review": "status/in-review",
    ]

    package static let plugin = PullPlugin(
        "milestonestatus", "Marks how far the work for a milestone is.", commands: [status])

    static let status = CommandDefinition(
        ["status"], usage: labels.keys.sorted().map { "/status \($0)" }, who: "the team that `repo_milestone` names",
        effect: "Adds a label `status/…`.", worksOnClosed: true,
        needs: { _, context in MilestoneTeam(context).map { [$0.question(context)] } ?? [] }
    ) { calls, context in
        guard let team = MilestoneTeam(context) else { return [.answer(PullRequestsText.noMilestoneTeam)] }
        guard team.holds(context) else { return [.answer(PullRequestsText.notInMilestoneTeam(team.name))] }
        return calls.map { call in
            labels[call.arguments.lowercased()].map { .addLabel($0) }
                ?? .answer(PullRequestsText.noStatus(call.arguments, labels.keys.sorted()))
        }
    }
}
