import Forge

/// Prow's rule (plugins/cla): the status of the agreement's service as a label.
package enum AgreementPlugin {
    static let contexts = ["EasyCLA", "cla/linuxfoundation"]
    static let yes = "cncf-cla: yes"
    static let no = "cncf-cla: no"

    package static let plugin = PullPlugin(
        "cla", "Shows as a label whether the author has signed the contributor license agreement.", commands: [check],
        reaction: PullPlugin.Reaction(
            needs: { event, _ in concerns(event) ? [.statuses] : [] },
            react: { event, context in concerns(event) ? decide(context) : [] }))

    static let check = CommandDefinition(
        ["check-cla"], usage: ["/check-cla"], who: "anyone", effect: "Looks at the status of the agreement again.",
        needs: { _, _ in [.statuses] }
    ) { _, context in decide(context) }

    private static func concerns(_ event: PullEvent) -> Bool {
        switch event {
        case .opened, .reopened, .pushed: true
        case .statusTold(let context): contexts.contains(context)
        default: false
        }
    }

    private static func decide(_ context: PullContext) -> [PullAction] {
        guard let status = context.facts.statuses?.first(where: { contexts.contains($0.context) }) else { return [] }
        switch status.state {
        case "success": return [.removeLabel(no), .addLabel(yes)]
        // Its service itself tells where to sign.
        case "failure", "error": return [.removeLabel(yes), .addLabel(no)]
        default: return []
        }
    }
}
