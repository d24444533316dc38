import Forge
import JobConfig
import SlipwayModel

/// `/skip`: optional jobs that did not succeed are no matter. Prow's rule (plugins/skip).
package enum SkipPlugin {
    package static let plugin = PullPlugin(
        "skip", "Clears the statuses of optional jobs that did not succeed.", commands: [skip])

    static let skip = CommandDefinition(
        ["skip"], usage: ["/skip"], who: "anyone",
        effect: "Sets the statuses of optional jobs that did not succeed to success, so that nobody waits for them.",
        needs: { _, _ in [.statuses] }
    ) { _, context in
        let optional = Set(
            context.facts.jobs.filter { $0.runsAgainst(branch: context.pull.baseRef) && !$0.job.isRequired }
                .map { $0.contextName })
        let required = Set(
            context.facts.jobs.filter { $0.runsAgainst(branch: context.pull.baseRef) && $0.job.isRequired }
                .map { $0.contextName })
        return (context.facts.statuses ?? []).filter {
            $0.state != "success" && optional.contains($0.context) && !required.contains($0.context)
        }.map { .status(context: $0.context, state: "success", description: "Skipped") }
    }
}
