/// The plugins that `plugins.yaml` may name.
package enum PluginNames {
    /// Those that Slipway has.
    package static let served: Set<String> = [
        "abort", "approve", "assign", "blockade", "blunderbuss", "branchcleaner", "cherry-pick-approved",
        "cherry-pick-unapproved", "cherrypick", "dco", "help", "hold", "invalidcommitmsg", "label", "lgtm", "lifecycle",
        "merge-method-comment", "mergecommitblocker", "milestone", "milestoneapplier", "milestonestatus",
        "needs-rebase", "override", "owners-label", "release-note", "require-matching-label", "retitle", "size",
        "skip", "stage", "trigger", "verify-owners", "why", "wip", "cla", "sigmention",
    ]

    /// Those of Prow that it has not, and what follows from that.
    static let unserved: [String: String] = {
        let fun = "it is for fun, and says nothing"
        let issues = "it is about issues, and Slipway looks at pull requests"
        return [
            "cat": fun, "dog": fun, "pony": fun, "goose": fun, "shrug": fun, "heart": fun, "yuks": fun, "joke": fun,
            "trick-or-treat": fun, "bugzilla": "Bugzilla is not served", "jira": "Jira is not served",
            "welcome": "nobody is welcomed; who is no member is told how tests start",
            "golint": "changes are not read line by line; run a linter as a job",
            "buildifier": "changes are not read line by line; run a linter as a job",
            "slackevents": "nothing is reported to Slack",
            "testfreeze": "it reads the calendar of Kubernetes' own releases",
            "issue-management": issues, "transfer-issue": issues, "project": "GitHub's classic projects are gone",
            "project-manager": "GitHub's classic projects are gone",
            "config-updater": "configuration is applied by 'slipway config apply', or from config.folder",
            "updateconfig": "configuration is applied by 'slipway config apply', or from config.folder",
            "docs-no-retest": "changes of documents are tested like others",
            "pipeline-controller": "Tekton is not driven",
            "require-sig": "it was replaced by require-matching-label",
            "requiresig": "it was replaced by require-matching-label",
            "jira-lifecycle-plugin": "Jira is not served",
        ]
    }()

    /// External plugins of Prow whose work Slipway does itself where they are named without an endpoint.
    package static let builtIn: [String: String] = ["needs-rebase": "needs-rebase", "cherrypicker": "cherrypick"]
}
