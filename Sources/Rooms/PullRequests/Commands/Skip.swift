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
    ) { calls, context in
        guard calls.contains(where: \.arguments.isEmpty) else { return [] }
        let jobs = context.facts.jobs.filter { $0.runsAgainst(branch: context.pull.baseRef) }
        let required = Set(jobs.filter(\.job.isRequired).map(\.contextName))
        return (context.facts.statuses ?? []).filter { status in
            guard status.state != "success", !required.contains(status.context) else { return false }
            return jobs.contains { $0.contextName == status.context && !isStarted($0, status.state, context) }
        }.map { .status(context: $0.context, state: "success", description: "Skipped") }
    }

    /// Whether the same comment starts the job: what is tested is not skipped.
    private static func isStarted(_ job: ConfiguredJob, _ state: String, _ context: PullContext) -> Bool {
        if job.isTriggered(by: context.text) { return true }
        return CommandParser.commands(in: context.text).contains { call in
            switch call.name {
            case "test": call.words.first == "all" && job.isAutomatic
            case "ok-to-test": call.arguments.isEmpty && job.isAutomatic
            case "retest": call.arguments.isEmpty && (state == "failure" || state == "error")
            default: false
            }
        }
    }
}
