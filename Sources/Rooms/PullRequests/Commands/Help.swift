/// `/help` and `/good-first-issue`, which are about issues. Prow's rule (plugins/help).
package enum HelpPlugin {
    package static let plugin = PullPlugin(
        "help", "Marks issues that somebody may take; on pull requests it says that it does not.", commands: [help])

    static let help = CommandDefinition(
        ["help", "remove-help", "good-first-issue", "remove-good-first-issue"],
        usage: ["/help", "/remove-help", "/good-first-issue", "/remove-good-first-issue"], who: "anyone",
        effect: "Answers that it is for issues, and names the page of commands."
    ) { _, _ in [.answer(PullRequestsText.helpIsForIssues)] }
}
