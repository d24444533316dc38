import JobConfig
import SlipwayModel

/// `/milestone`. Prow's rule (plugins/milestone).
package enum MilestonePlugin {
    package static let plugin = PullPlugin("milestone", "Sets milestones.", commands: [milestone])

    static let milestone = CommandDefinition(
        ["milestone"], usage: ["/milestone TITLE", "/milestone clear"], who: "the team that `repo_milestone` names",
        effect: "Sets the milestone, or takes it away.", worksOnClosed: true,
        needs: { _, context in
            [.milestones] + (MilestoneTeam(context).map { [$0.question(context)] } ?? [])
        }
    ) { calls, context in
        guard let team = MilestoneTeam(context) else { return [.answer(PullRequestsText.noMilestoneTeam)] }
        guard team.holds(context) else { return [.answer(PullRequestsText.notInMilestoneTeam(team.name))] }
        guard let title = calls.first?.arguments, !title.isEmpty else {
            return [.answer(PullRequestsText.whichMilestone(context.facts.milestones ?? []))]
        }
        if title.lowercased() == "clear" { return [.milestone(nil)] }
        guard let known = context.facts.milestones?.first(where: { $0 == title }) else {
            return [.answer(PullRequestsText.unknownMilestone(title, context.facts.milestones ?? []))]
        }
        return context.pull.milestone == known ? [] : [.milestone(known)]
    }
}

/// Who may set milestones and their labels in a repository.
struct MilestoneTeam {
    let org: String
    let slug: String
    let name: String

    /// Nil where no team is named.
    init?(_ context: PullContext) {
        let repository = context.pull.repository
        let teams = context.settings.settings.milestoneMaintainers
        guard let team = teams[repository.description] ?? teams[repository.org] ?? teams[""], !team.team.isEmpty else {
            return nil
        }
        org = repository.org
        slug = team.team
        name = team.friendlyName ?? team.team
    }

    func question(_ context: PullContext) -> Question { .teamMember(org: org, team: slug, login: context.actor) }
    func holds(_ context: PullContext) -> Bool { context.facts.isTeamMember(org, slug, context.actor) }
}
