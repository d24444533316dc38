import FoundationEssentials
import JobConfig
import SlipwayModel
import Testing

@Suite struct TideTests {
    static let engine = RepositoryName(org: "lantern", repo: "engine")

    static func load(_ text: String) -> LoadedProwSettings {
        JobConfiguration.prowSettings(SourceFile(path: "config.yaml", bytes: Array(text.utf8)))
    }

    static func tide(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> TideSettings {
        let loaded = load(text)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)", sourceLocation: sourceLocation)
        return try #require(loaded.settings.version.tide, sourceLocation: sourceLocation)
    }

    @Test("Without the section nothing is merged")
    func absent() {
        #expect(Self.load("plank: {}").settings.version.tide == nil)
        #expect(Self.load("tide: {}").settings.version.tide == TideSettings())
    }

    @Test("Every field of a query")
    func query() throws {
        let settings = try Self.tide(
            """
            tide:
              queries:
              - orgs: [lantern]
                excludedRepos: [lantern/attic]
                repos: [other/thing]
                labels: [lgtm, 'a,b']
                missingLabels: [hold]
                includedBranches: [main]
                author: maria
                milestone: v1
                reviewApprovedRequired: true
              - repos: [lantern/attic]
                excludedBranches: [old]
            """)
        var query = TideQuery()
        query.orgs = ["lantern"]
        query.excludedRepos = ["lantern/attic"]
        query.repos = ["other/thing"]
        query.labels = ["lgtm", "a,b"]
        query.missingLabels = ["hold"]
        query.includedBranches = ["main"]
        query.author = "maria"
        query.milestone = "v1"
        query.reviewApprovedRequired = true
        query.line = 3
        #expect(settings.queries.first == query)
        #expect(settings.queries(of: Self.engine).count == 1)
        #expect(settings.queries(of: RepositoryName(org: "lantern", repo: "attic")).map(\.line) == [12])
        #expect(settings.queries(of: RepositoryName(org: "other", repo: "else")).isEmpty)
        #expect(settings.queries[1].takesBranch("main") && !settings.queries[1].takesBranch("old"))
        #expect(settings.queries[0].takesBranch("main") && !settings.queries[0].takesBranch("old"))
        // As it is stored with a version.
        let stored = try JSONDecoder().decode(TideSettings.self, from: JSONEncoder().encode(settings))
        #expect(stored == settings)
    }

    static let methods = """
        tide:
          merge_method:
            lantern/engine@stable: rebase
            lantern/engine: squash
            lantern: rebase
            other:
              thing: {'ma(ster|in)': squash, 'm': rebase}
              plain: squash
              '*': {'^release-': rebase}
            other/far: squash
        """

    @Test(
        "The method of a branch, the more particular first",
        arguments: [
            ("lantern/engine", "stable", .rebase), ("lantern/engine", "main", .squash),
            ("lantern/attic", "main", .rebase), ("other/thing", "main", .rebase), ("other/thing", "ab", .merge),
            ("other/plain", "main", .squash), ("other/any", "release-1", .rebase), ("other/any", "main", .merge),
            ("other/far", "main", .squash), ("other/far", "release-1", .rebase), ("else/where", "main", .merge),
        ] as [(String, String, MergeMethod)])
    func method(repository: String, branch: String, method: MergeMethod) throws {
        let settings = try Self.tide(Self.methods)
        let name = try #require(RepositoryName(repository))
        #expect(settings.mergeMethods.method(of: name, branch: branch) == method)
    }

    static let contexts = """
        tide:
          context_options:
            optional-contexts: [docs]
            skip-unknown-contexts: false
            orgs:
              lantern:
                required-contexts: [cla]
                optional-regex-contexts: ['^try-']
                repos:
                  engine:
                    skip-unknown-contexts: true
                    from-branch-protection: true
                    branches:
                      main: {required-if-present-contexts: [preview], overwrite-pending-contexts: true}
        branch-protection:
          required_status_checks: {contexts: [everywhere]}
          orgs:
            lantern:
              protect: true
              require_manually_triggered_jobs: true
              repos:
                engine:
                  required_status_checks: {contexts: [checked], strict: true}
                  branches: {old: {protect: false}}
        """

    static let jobs = """
        presubmits:
          lantern/engine:
          - {name: unit, always_run: true, spec: {containers: [{command: [x]}]}}
          - {name: lint, run_if_changed: a, spec: {containers: [{command: [x]}]}}
          - {name: hand, spec: {containers: [{command: [x]}]}}
          - {name: maybe, always_run: true, optional: true, spec: {containers: [{command: [x]}]}}
          - {name: other, always_run: true, branches: [other], spec: {containers: [{command: [x]}]}}
        """

    @Test("Contexts: lists united, protection and jobs added")
    func contextPolicy() throws {
        let settings = try Self.tide(Self.contexts)
        let presubmits = JobConfigTests.load(("jobs.yaml", Self.jobs)).jobs
        let policy = settings.contextPolicy(of: Self.engine, branch: "main", presubmits: presubmits)
        #expect(policy.required == ["cla", "checked", "everywhere", "unit", "hand"])
        #expect(policy.requiredIfPresent == ["preview", "lint"])
        #expect(policy.optional == ["docs", "maybe"])
        #expect(policy.skipsUnknown == true)
        #expect(policy.overwritesPending == true)
        #expect(policy.isOptional("try-it") && policy.isOptional("unknown") && !policy.isOptional("lint"))
        // Its protection is off, so nothing of it counts.
        let old = settings.contextPolicy(of: Self.engine, branch: "old", presubmits: presubmits)
        #expect(old.required == ["cla", "unit"])
        #expect(old.requiredIfPresent == ["lint", "hand"])
        // Elsewhere protection is not read at all, and manual jobs count only where their context is there.
        let attic = RepositoryName(org: "lantern", repo: "attic")
        let far = settings.contextPolicy(of: attic, branch: "main", presubmits: presubmits)
        #expect(far.required == ["cla", "unit"])
        #expect(far.requiredIfPresent == ["lint", "hand"])
        #expect(!far.isOptional("unknown"))
    }

    @Test("Values by organisation and repository")
    func values() throws {
        let settings = try Self.tide(
            """
            tide:
              blocker_label: blocker
              squash_label: s
              priority: [{labels: [urgent, flake]}, {labels: [urgent]}]
              batch_size_limit: {'*': 8, lantern: 4, lantern/attic: -1}
              prioritize_existing_batches: {lantern/engine: false}
              github_merge_blocks_policy: {lantern: block, lantern/attic: ignore}
              pr_status_base_urls: {'*': 'https://ci/pr', lantern/engine: 'https://ci/pr?x=y'}
              target_urls: {lantern/attic: 'https://ci/attic'}
              display_all_tide_queries_in_status: true
              merge_commit_template:
                lantern: {title: '{{.Title}} (#{{.Number}})', body: 'By {{.Author.Login}} of {{.GitHub.HeadRefName}}'}
              sync_period: 2m
            """)
        let (attic, far) = (RepositoryName(org: "lantern", repo: "attic"), RepositoryName(org: "far", repo: "away"))
        #expect(settings.batchSizeLimit(of: Self.engine) == 4)
        #expect(settings.batchSizeLimit(of: attic) == -1)
        #expect(settings.batchSizeLimit(of: far) == 8)
        #expect(!settings.prioritizesExistingBatches(in: Self.engine) && settings.prioritizesExistingBatches(in: far))
        #expect(settings.mergeBlocksPolicy(of: Self.engine) == .block)
        #expect(settings.mergeBlocksPolicy(of: attic) == .ignore)
        #expect(settings.mergeBlocksPolicy(of: far) == .permit)
        #expect(settings.statusURL(attic, author: "maria", head: "x") == "https://ci/attic")
        #expect(
            settings.statusURL(Self.engine, author: "maria", head: "x")
                == "https://ci/pr?x=y&query=is%3Apr+repo%3Alantern%2Fengine+author%3Amaria+head%3Ax")
        #expect(settings.priority(of: ["flake", "urgent", "x"]) == 0)
        #expect(settings.priority(of: ["urgent"]) == 1)
        #expect(settings.priority(of: ["flake"]) == 2)
        #expect(settings.showsAllQueries)
        let subject = TideMergeTemplate.Subject(
            repository: Self.engine, number: 7, title: "Shine", body: "", author: "maria", baseRef: "main",
            headRef: "shine", headSHA: "abc")
        let made = try #require(settings.mergeTemplate(of: Self.engine)).render(subject)
        #expect(made.title == "Shine (#7)")
        #expect(made.body == "By maria of shine")
        #expect(settings.mergeTemplate(of: far) == nil)
    }

    @Test(
        "What is wrong is named with its line",
        arguments: [
            ("queries: [{labels: [a]}]", 2, "has neither orgs nor repos"),
            ("queries: [a]", 2, "an entry of tide.queries is text"),
            ("queries: [{orgs: [a/b]}]", 2, "orgs of a query names 'a/b'"),
            ("queries: [{repos: [a]}]", 2, "repos of a query names 'a'; write ORG/REPO"),
            ("queries: [{orgs: [a], repos: [a/b]}]", 2, "has a/b already by its organisation a"),
            ("queries: [{orgs: [a], excludedRepos: [c/d]}]", 2, "does not have c among its orgs"),
            ("queries: [{orgs: [a, a]}]", 2, "orgs names 'a' twice"),
            (
                "queries:\n  - orgs: [a]\n    labels: [x]\n    missingLabels: [x]", 5,
                "requires and forbids the label 'x'"
            ),
            ("queries: [{orgs: [a], includedBranches: [b], excludedBranches: [c]}]", 2, "keep one"),
            ("queries: [{orgs: [a], reviewApprovedRequired: 'yes'}]", 2, "write true or false"),
            ("merge_method: {a: fast}", 2, "the merge_method of a is 'fast'; write merge, squash or rebase"),
            ("merge_method: {a: {b: {'(': merge}}}", 2, "the branch '(' is not a regular expression"),
            ("merge_method: {a/b: {c: merge}}", 2, "only an organisation may have one"),
            ("merge_method: {'a@b': merge}", 2, "write ORG, ORG/REPO or ORG/REPO@BRANCH"),
            ("merge_commit_template: {a: {title: '{{.Nme}}'}}", 2, "names the field 'Nme', which does not exist"),
            ("merge_commit_template: {a: {body: '{{'}}", 2, "the body of merge_commit_template 'a'"),
            ("batch_size_limit: {a: -2}", 2, "the batch_size_limit of a is -2"),
            ("batch_size_limit: {'a b': 2}", 2, "has an entry for 'a b'"),
            ("github_merge_blocks_policy: {a: maybe}", 2, "write ignore, permit or block"),
            ("priority: [{labels: []}]", 2, "has no labels"),
            ("squash_label: x\n  merge_label: x", 1, "share a label"),
            ("target_urls: {a: 'javascript:x'}", 2, "write a URL"),
            ("target_url: 'http://a'\n  target_urls: {a: 'http://b'}", 2, "are both set"),
            ("context_options: {required-contexts: [a], optional-contexts: [a]}", 2, "a is required and optional"),
            (
                "context_options: {required-contexts: [ab], optional-regex-contexts: [a]}", 2,
                "matches the optional expression 'a'"
            ),
            ("context_options: {optional-regex-contexts: ['(']}", 2, "is not a regular expression"),
            ("context_options: []", 2, "context_options is a list; write a mapping"),
        ])
    func bad(text: String, line: Int, words: String) {
        let loaded = Self.load("tide:\n  \(text)\n")
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        #expect(loaded.errors.first?.line == line, "\(loaded.errors)")
        #expect(loaded.errors.first?.message.contains(words) == true, "\(loaded.errors)")
    }
}
