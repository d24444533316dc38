/// `/hold`: nothing merges until somebody takes it back. Anyone may do both; Prow's rule (plugins/hold).
package enum HoldPlugin {
    package static let label = "do-not-merge/hold"

    package static let plugin = PullPlugin(
        "hold", "Keeps a pull request from being merged until somebody says otherwise.", commands: [hold])

    static let hold = CommandDefinition(
        ["hold", "unhold", "remove-hold"], usage: ["/hold", "/hold cancel", "/unhold", "/remove-hold"], who: "anyone",
        effect: "Adds or removes the label `\(label)`, which keeps the pull request from being merged.",
        worksOnClosed: true
    ) { calls, _ in
        // Of both in one comment, taking it back wins.
        let isCancelled = calls.contains { $0.name != "hold" || $0.isCancel }
        return [isCancelled ? .removeLabel(label) : .addLabel(label)]
    }
}
