import JobConfig
import SlipwayModel
import Testing

/// Every field of `tide`, and what Prow makes of it (pkg/config, `tide.go`).
@Suite struct TideFieldsTests {
    static func name(_ text: String) throws -> RepositoryName { try #require(RepositoryName(text)) }

    // MARK: Nothing is passed over in silence

    @Test(arguments: [
        ("queries: [{orgs: [harbor]}]", true), ("merge_method: {harbor: squash}", true),
        ("merge_commit_template: {harbor/crane: {title: '{{ .Title }}', body: '{{ .Body }}'}}", true),
        ("context_options: {from-branch-protection: true, orgs: {harbor: {repos: {crane: {branches: {}}}}}}", true),
        ("target_url: https://ci.example.org/tide", true), ("target_urls: {'*': https://ci.example.org}", true),
        ("pr_status_base_url: https://ci.example.org/pr", true),
        ("pr_status_base_urls: {'*': https://ci.example.org/pr, harbor: https://harbor.example.org}", true),
        ("blocker_label: tide/merge-blocker", true), ("squash_label: tide/merge-method-squash", true),
        ("rebase_label: tide/merge-method-rebase", true), ("merge_label: tide/merge-method-merge", true),
        ("batch_size_limit: {'*': 0, harbor: 15, harbor/crane: -1}", true),
        ("prioritize_existing_batches: {'*': false}", true),
        ("github_merge_blocks_policy: {'*': ignore, harbor: permit, harbor/crane: block}", true),
        ("priority: [{labels: [kind/flake, priority/critical-urgent]}]", true),
        ("display_all_tide_queries_in_status: true", true),
        // What there is no need of is told, and changes nothing.
        ("sync_period: 2m", false), ("status_update_period: 2m", false), ("max_goroutines: 20", false),
        ("max_query_concurrency: 4", false), ("gerrit: {queries: [], ratelimit: 5}", false),
        ("quries: []", false),
    ])
    func everyFieldIsServedOrNamed(_ text: String, _ isServed: Bool) {
        let loaded = TideTests.load("tide:\n  \(text)\n")
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        #expect(loaded.warnings.isEmpty == isServed, "\(loaded.warnings)")
        let key = text.prefix { $0 != ":" }
        if !isServed { #expect(loaded.warnings.first?.message.contains(key) == true) }
    }

    /// Templates name the fields of Prow's `CodeReviewCommon`, and below `GitHub` those of its `PullRequest`.
    @Test(arguments: [
        ("{{ .Title }} (#{{ .Number }})", "Lift (#7)"), ("{{ .Org }}/{{ .Repo }}", "harbor/crane"),
        ("{{ .NameWithOwner }} {{ .AuthorLogin }} {{ .BaseRefName }}", "harbor/crane maria main"),
        (
            "{{ .GitHub.Author.Login }} {{ .GitHub.BaseRef.Name }} {{ .GitHub.Repository.Owner.Login }}",
            "maria main harbor"
        ),
        ("{{ range .GitHub.Labels.Nodes }}[{{ .Name }}]{{ end }}", "[approved][lgtm]"),
        ("{{ with .GitHub.Milestone }}{{ .Title }}{{ else }}none{{ end }}", "v1"), ("{{ .Mergeable }}", "MERGEABLE"),
    ])
    func aTemplateNamesWhatProwsDoes(_ title: String, text: String) throws {
        let loaded = TideTests.load("tide:\n  merge_commit_template: {harbor: {title: '\(title)'}}\n")
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let template = try #require(loaded.settings.version.tide?.mergeTemplate(of: Self.name("harbor/crane")))
        let subject = TideMergeTemplate.Subject(
            repository: try Self.name("harbor/crane"), number: 7, title: "Lift", body: "", author: "maria",
            baseRef: "main", headRef: "lift", headSHA: "abc", labels: ["approved", "lgtm"], milestone: "v1")
        #expect(try template.render(subject).title == text)
    }

    @Test func nestedFieldsThatDoNotExistAreNamed() {
        let loaded = TideTests.load(
            """
            tide:
              queries:
              - {orgs: [harbor], lables: [lgtm]}
              context_options:
                required_contexts: [unit]
                repos: {crane: {}}
                orgs:
                  harbor: {branches: {main: {}}}
              priority:
              - {labels: [urgent], weight: 3}
              merge_commit_template:
                harbor: {subject: x}
            """)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let told = loaded.warnings.map(\.message).joined(separator: "\n")
        for key in ["lables", "required_contexts", "repos", "branches", "weight", "subject"] {
            #expect(told.contains(key), "\(told)")
        }
    }

    // MARK: Queries

    @Test(arguments: [
        ("{orgs: [harbor]}", "harbor/crane", true), ("{orgs: [harbor]}", "other/crane", false),
        ("{orgs: [harbor], excludedRepos: [harbor/crane]}", "harbor/crane", false),
        ("{orgs: [harbor], excludedRepos: [harbor/crane]}", "harbor/quay", true),
        ("{repos: [harbor/crane]}", "harbor/crane", true), ("{repos: [harbor/crane]}", "harbor/quay", false),
        ("{orgs: [other], repos: [harbor/crane]}", "harbor/crane", true),
    ])
    func aQueryCovers(_ query: String, _ repository: String, _ isCovered: Bool) throws {
        let settings = try TideTests.tide("tide: {queries: [\(query)]}")
        #expect(try settings.queries(of: Self.name(repository)).isEmpty != isCovered)
    }

    @Test(arguments: [
        ("orgs: [kube], repos: [a/b, c/d], excludedRepos: [kube/x], includedBranches: [main], milestone: m", true),
        ("repos: [a/b]", true), ("orgs: [kube], excludedBranches: [dev]", true),
        ("orgs: ['']", false), ("orgs: [ku/be]", false), ("orgs: [kube, kube]", false), ("repos: [ab, c/d]", false),
        ("repos: [a/b/c]", false), ("repos: ['a/']", false), ("repos: [a/b, c/d, a/b]", false),
        ("orgs: [kube], repos: [a/b, kube/x]", false), ("labels: [lgtm], milestone: m", false),
        ("orgs: [kube], excludedRepos: [kube]", false), ("repos: [a/b], excludedRepos: [kube/x]", false),
        ("orgs: [kube], excludedRepos: [kube/x, kube/x]", false), ("orgs: [kube], labels: [a, a]", false),
        ("orgs: [kube], missingLabels: [a, a]", false), ("orgs: [kube], labels: [a, b], missingLabels: [c, a]", false),
        ("orgs: [kube], includedBranches: [a, a]", false), ("orgs: [kube], excludedBranches: [a, a]", false),
        ("orgs: [kube], includedBranches: [a], excludedBranches: [b]", false),
    ])
    func aQueryIsValid(_ fields: String, _ isValid: Bool) {
        let loaded = TideTests.load("tide:\n  queries:\n  - {\(fields)}\n")
        #expect(loaded.errors.isEmpty == isValid, "\(loaded.errors)")
        #expect(loaded.errors.allSatisfy { $0.line == 3 })
    }

    // MARK: Methods

    @Test(
        arguments: [
            ("{}", "harbor/crane", "main", .merge), ("{harbor: squash}", "harbor/crane", "dev", .squash),
            ("{harbor: squash}", "other/crane", "main", .merge),
            ("{harbor/crane: squash}", "harbor/crane", "x", .squash),
            ("{harbor/crane: squash}", "harbor/quay", "main", .merge),
            ("{harbor/crane@main: rebase}", "harbor/crane", "main", .rebase),
            ("{harbor/crane@main: rebase}", "harbor/crane", "master", .merge),
            ("{harbor/crane@release/1.0: rebase}", "harbor/crane", "release/1.0", .rebase),
            ("{harbor: {crane: rebase}}", "harbor/crane", "main", .rebase),
            ("{harbor: {crane: rebase}}", "harbor/quay", "main", .merge),
            ("{harbor: {'*': rebase, crane: squash}}", "harbor/quay", "main", .rebase),
            ("{harbor: {'*': rebase, crane: squash}}", "harbor/crane", "main", .squash),
            ("{harbor: {'*': {main: rebase}}}", "harbor/crane", "main", .rebase),
            ("{harbor: {'*': {main: rebase}}}", "harbor/crane", "dev", .merge),
            ("{harbor: {crane: {'release-\\d+(.\\d+)?': squash}}}", "harbor/crane", "release-0.2", .squash),
            // An expression is looked for anywhere in the branch's name; of several the first by its text counts.
            ("{harbor: {crane: {aster: squash}}}", "harbor/crane", "master", .squash),
            ("{harbor: {crane: {'mast.*': rebase, 'ma.*': squash}}}", "harbor/crane", "master", .squash),
            // The branch, an expression, org/repo, the repository below its organisation, the organisation.
            ("{harbor/crane@main: squash, harbor: {crane: {main: rebase}}}", "harbor/crane", "main", .squash),
            ("{harbor/crane: squash, harbor: {crane: {main: rebase}}}", "harbor/crane", "main", .rebase),
            ("{harbor/crane: squash, harbor: {crane: {main: rebase}}}", "harbor/crane", "dev", .squash),
            ("{harbor/crane: squash, harbor: {crane: rebase}}", "harbor/crane", "main", .squash),
            ("{harbor/crane: squash, harbor: rebase}", "harbor/crane", "main", .squash),
        ] as [(String, String, String, MergeMethod)])
    func theMethod(_ methods: String, _ repository: String, _ branch: String, _ method: MergeMethod) throws {
        let settings = try TideTests.tide("tide:\n  merge_method: \(methods)\n")
        #expect(try settings.mergeMethods.method(of: Self.name(repository), branch: branch) == method)
    }

    // MARK: Contexts

    static let levels = """
        tide:
          context_options:
            required-contexts: [r0]
            optional-contexts: [o0]
            from-branch-protection: false
            orgs:
              harbor:
                skip-unknown-contexts: false
                required-contexts: [r1]
                optional-regex-contexts: ['^try-']
                repos:
                  crane:
                    skip-unknown-contexts: true
                    required-if-present-contexts: [p2]
                    branches:
                      main: {required-contexts: [r3], optional-contexts: [o3], overwrite-pending-contexts: true}
        """

    @Test(
        arguments: [
            ("other/crane", "main", ["r0"], ["o0"], nil), ("harbor/quay", "main", ["r0", "r1"], ["o0"], false),
            ("harbor/crane", "dev", ["r0", "r1"], ["o0"], true),
            ("harbor/crane", "main", ["r0", "r1", "r3"], ["o0", "o3"], true),
        ] as [(String, String, Set<String>, Set<String>, Bool?)])
    func levelsAreUnited(
        _ repository: String, _ branch: String, _ required: Set<String>, _ optional: Set<String>, _ skips: Bool?
    ) throws {
        let settings = try TideTests.tide(Self.levels)
        let policy = settings.contextPolicy(of: try Self.name(repository), branch: branch, presubmits: [])
        #expect(policy.required == required)
        #expect(policy.optional == optional)
        #expect(policy.skipsUnknown == skips)
        #expect(policy.overwritesPending == (branch == "main" && repository == "harbor/crane" ? true : nil))
    }

    @Test(
        arguments: [
            ("", ["t": false]), ("skip-unknown-contexts: true", ["t": true]),
            ("optional-contexts: [o]", ["o": true, "t": false]),
            ("required-contexts: [c], skip-unknown-contexts: true", ["c": false, "t": true]),
            ("required-if-present-contexts: [p], skip-unknown-contexts: true", ["p": false, "t": true]),
            ("optional-contexts: [o], required-contexts: [c]", ["o": true, "c": false, "t": false]),
            ("optional-regex-contexts: ['^o-[0-9]+$']", ["o-1": true, "o-x": false]),
        ] as [(String, [String: Bool])])
    func aContextIsOptional(_ options: String, _ expected: [String: Bool]) throws {
        let settings = try TideTests.tide("tide: {context_options: {\(options)}}")
        let policy = settings.contextPolicy(of: try Self.name("harbor/crane"), branch: "main", presubmits: [])
        for (context, isOptional) in expected { #expect(policy.isOptional(context) == isOptional, "\(context)") }
    }

    static let jobs = """
        presubmits:
          harbor/crane:
          - {name: unit, always_run: true, spec: {containers: [{command: [x]}]}}
          - {name: hand, spec: {containers: [{command: [x]}]}}
          - {name: quiet, always_run: true, skip_report: true, spec: {containers: [{command: [x]}]}}
        """

    /// `branch-protection`, and what is required where `from-branch-protection` reads it.
    @Test(
        arguments: [
            ("{}", ["unit"]),
            ("{protect: true, required_status_checks: {contexts: [all]}}", ["unit"]),
            ("{protect: true, required_status_checks: {contexts: [all]}, orgs: {other: {}}}", ["unit"]),
            ("{protect: true, required_status_checks: {contexts: [all]}, orgs: {harbor: {}}}", ["unit", "all"]),
            ("{required_status_checks: {contexts: [all]}, orgs: {harbor: {}}}", ["unit"]),
            (
                "{protect-tested-repos: true, required_status_checks: {contexts: [all]}, orgs: {harbor: {}}}",
                ["unit", "all"]
            ),
            (
                "{orgs: {harbor: {protect: true, required_status_checks: {contexts: [org]}, repos: {crane: {required_status_checks: {contexts: [repo]}}}}}}",
                ["unit", "org", "repo"]
            ),
            ("{orgs: {harbor: {require_manually_triggered_jobs: true}}}", ["unit", "hand"]),
            ("{orgs: {harbor: {protect: false, require_manually_triggered_jobs: true}}}", ["unit"]),
            (
                "{protect: true, orgs: {harbor: {repos: {crane: {branches: {main: {protect: false, required_status_checks: {contexts: [x]}}}}}}}}",
                ["unit"]
            ),
        ] as [(String, Set<String>)])
    func protectionIsRead(_ protection: String, _ required: Set<String>) throws {
        let settings = try TideTests.tide(
            "tide: {context_options: {from-branch-protection: true}}\nbranch-protection: \(protection)\n")
        let presubmits = JobConfigTests.load(("jobs.yaml", Self.jobs)).jobs
        let policy = settings.contextPolicy(of: try Self.name("harbor/crane"), branch: "main", presubmits: presubmits)
        #expect(policy.required == required)
    }

    // MARK: Where the status leads

    @Test(
        arguments: [
            ("{}", nil), ("{target_url: 'https://t'}", "https://t"), ("{target_urls: {'*': 'https://t'}}", "https://t"),
            ("{target_urls: {'*': 'https://t', harbor: 'https://o'}}", "https://o"),
            ("{target_urls: {'*': 'https://t', harbor: 'https://o', harbor/crane: 'https://r'}}", "https://r"),
            ("{target_urls: {'*': 'https://t'}, pr_status_base_urls: {'*': 'https://p'}}", "https://t"),
            (
                "{pr_status_base_url: 'https://p'}",
                "https://p?query=is%3Apr+repo%3Aharbor%2Fcrane+author%3Amaria+head%3Alift"
            ),
            (
                "{pr_status_base_urls: {'*': 'https://p', harbor: 'https://o'}}",
                "https://o?query=is%3Apr+repo%3Aharbor%2Fcrane+author%3Amaria+head%3Alift"
            ),
            (
                "{pr_status_base_urls: {'*': 'https://p', harbor: 'https://o', harbor/crane: 'https://r'}}",
                "https://r?query=is%3Apr+repo%3Aharbor%2Fcrane+author%3Amaria+head%3Alift"
            ),
        ] as [(String, String?)])
    func theStatusLeads(_ tide: String, _ url: String?) throws {
        let settings = try TideTests.tide("tide: \(tide)")
        #expect(try settings.statusURL(Self.name("harbor/crane"), author: "maria", head: "lift") == url)
    }
}
