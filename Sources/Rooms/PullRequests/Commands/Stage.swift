/// `/stage alpha`. Prow's rule (plugins/stage).
package enum StagePlugin {
    static let stages = ["alpha", "beta", "stable"]

    package static let plugin = PullPlugin("stage", "Marks how ripe a feature is.", commands: [stage])

    static let stage = CommandDefinition(
        ["stage", "remove-stage"], usage: ["/stage alpha|beta|stable", "/remove-stage STAGE"], who: "anyone",
        effect: "Adds or removes a label `stage/STAGE`; there is one at a time.", worksOnClosed: true
    ) { calls, context in
        calls.flatMap { call -> [PullAction] in
            let stage = call.arguments.lowercased()
            guard stages.contains(stage) else { return [.answer(PullRequestsText.noStage(call.arguments, stages))] }
            if call.name == "remove-stage" { return [.removeLabel("stage/\(stage)")] }
            return stages.filter { $0 != stage && context.pull.has("stage/\($0)") }.map { .removeLabel("stage/\($0)") }
                + [.addLabel("stage/\(stage)")]
        }
    }
}
