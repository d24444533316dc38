import FoundationEssentials
import JobConfig
import Patterns
import SlipwayModel
import Testing

@Suite struct ConfigurationTests {
    @Test("A presubmit's defaults")
    func presubmitDefaults() throws {
        let configured = try onlyJob(presubmit())
        let job = configured.job
        #expect(job.kind == .presubmit)
        #expect(job.repository == RepositoryName(org: "lantern", repo: "engine"))
        #expect(job.context == "unit")
        #expect(job.rerunCommand == "/test unit")
        #expect(job.cluster == "default")
        #expect(job.agent == "kubernetes")
        #expect(job.isRequired)
        #expect(job.decoration == nil)
        #expect(job.source == "jobs.yaml:3")
        #expect(!configured.alwaysRun)
        #expect(configured.branches.isUnrestricted)
    }

    @Test("Every key of a presubmit arrives")
    func presubmitKeys() throws {
        let text = """
            presubmits:
              lantern/engine:
              - name: unit
                run_if_changed: '\\.c$'
                branches: [main, release-1.10]
                skip_branches: ['^old-']
                optional: true
                skip_report: true
                context: ci/unit
                trigger: '(?m)^/unit$'
                rerun_command: /unit
                run_before_merge: true
                max_concurrency: 3
                job_queue_name: small
                cluster: lab
                agent: kubernetes
                namespace: tests
                labels: {team: light, preset-x: true, level: 2}
                annotations: {description: runs the unit tests}
                decorate: true
                decoration_config: {timeout: 1h20m, grace_period: 90s, skip_cloning: true, censor_secrets: true}
                path_alias: example.org/engine
                clone_uri: https://example.org/engine.git
                clone_depth: 5
                skip_submodules: true
                extra_refs:
                - {org: lantern, repo: config, base_ref: main, workdir: true, path_alias: example.org/config}
                spec: {containers: [{name: test, image: tools, command: [make], args: [test, 1, true], env: [{name: N, value: 0600}]}]}
            """
        let configured = try onlyJob(text)
        let job = configured.job
        #expect(configured.runIfChanged?.expression == #"\.c$"#)
        #expect(configured.branches.branches == ["main", "release-1.10"])
        #expect(configured.branches.skipBranches == ["^old-"])
        #expect(configured.isTriggered(by: "see\n/unit\n"))
        #expect(!configured.isTriggered(by: "/test unit"))
        #expect(configured.runBeforeMerge)
        #expect(job.optional && job.skipReport && !job.isRequired)
        #expect(job.context == "ci/unit")
        #expect(job.rerunCommand == "/unit")
        #expect(job.maxConcurrency == 3)
        #expect(job.jobQueueName == "small")
        #expect(job.cluster == "lab")
        #expect(job.namespace == "tests")
        #expect(job.labels == ["team": "light", "preset-x": "true", "level": "2"])
        #expect(job.annotations == ["description": "runs the unit tests"])
        #expect(job.decoration?.timeout == 4800)
        #expect(job.decoration?.gracePeriod == 90)
        #expect(job.decoration?.skipCloning == true)
        #expect(job.decoration?.censoring?["censor_secrets"] == .bool(true))
        #expect(job.pathAlias == "example.org/engine")
        #expect(job.cloneURI == "https://example.org/engine.git")
        #expect(job.cloneDepth == 5)
        #expect(job.skipSubmodules == true)
        #expect(job.extraRefs.count == 1)
        #expect(job.extraRefs.first?.baseRef == "main")
        #expect(job.extraRefs.first?.workdir == true)
        let container = job.spec?["containers"]?.arrayValue?.first
        #expect(container?["args"] == .array([.string("test"), .string("1"), .string("true")]))
        #expect(container?["env"]?.arrayValue?.first?["value"] == .string("384"))
    }

    @Test("A postsubmit runs always unless it has a change rule")
    func postsubmits() throws {
        let text = { (keys: String) in
            "postsubmits:\n  lantern/engine:\n  - {name: image, \(keys) spec: {containers: [{command: [make]}]}}\n"
        }
        #expect(try onlyJob(text("")).alwaysRun)
        #expect(try onlyJob(text("")).trigger == nil)
        #expect(try !onlyJob(text("always_run: false,")).alwaysRun)
        #expect(try !onlyJob(text("run_if_changed: x,")).alwaysRun)
    }

    @Test("A periodic's three schedules")
    func periodics() throws {
        #expect(try onlyJob(periodic("cron: '0 6 * * 1-5'")).schedule == .cron(CronExpression("0 6 * * 1-5")))
        #expect(try onlyJob(periodic("interval: 1h30m")).schedule == .interval(5400))
        #expect(try onlyJob(periodic("minimum_interval: 2h")).schedule == .minimumInterval(7200))
        #expect(try onlyJob(periodic("interval: 2h")).job.context == nil)
        #expect(try onlyJob(periodic("interval: 2h")).job.repository == nil)
    }

    @Test("The default trigger means the name, not an expression")
    func defaultTrigger() throws {
        let job = try onlyJob(presubmit(name: "pull-1.3-unit"))
        for comment in [
            "/test pull-1.3-unit", "please\n/test pull-1.3-unit, thanks", "/test a pull-1.3-unit",
            "/test pull-1.3-unit now",
        ] {
            #expect(job.isTriggered(by: comment), "\(comment)")
        }
        for comment in [
            "/test pull-1x3-unit", "/test pull-1.3-unit-2", " /test pull-1.3-unit", "/testing pull-1.3-unit",
        ] {
            #expect(!job.isTriggered(by: comment), "\(comment)")
        }
    }

    @Test("An empty text is an absent key")
    func emptyTexts() throws {
        let keys = [
            "agent", "cluster", "namespace", "context", "trigger", "rerun_command", "run_if_changed",
            "skip_if_only_changed", "job_queue_name", "path_alias", "clone_uri",
        ]
        let text = presubmit(keys.map { "\($0): ''" }.joined(separator: "\n    "))
        #expect(try onlyJob(text) == onlyJob(presubmit()))
        #expect(load(("a.yaml", presubmit(name: "''"))).errors.first?.message.contains("has no name") == true)
    }

    @Test("A duration written as a number counts nanoseconds, as in Prow")
    func nanoseconds() throws {
        let job = try onlyJob(presubmit("decorate: true", "decoration_config: {timeout: 7200000000000}"))
        #expect(job.job.decoration?.timeout == 7200)
    }

    @Test("A volume that decoration brings in Prow need not stand in the spec")
    func decorationVolume() throws {
        let spec = "{containers: [{command: [x], volumeMounts: [{name: gcs-credentials, mountPath: /secrets/gcs}]}]}"
        #expect(try onlyJob(presubmit(spec: spec)).job.spec != nil)
        let own =
            "{containers: [{command: [x], volumeMounts: [{name: token, mountPath: /t}, {name: key, mountPath: /k}]}]}"
        let secrets = "decoration_config: {oauth_token_secret: {name: token, key: k}, ssh_key_secrets: [key]}"
        #expect(try onlyJob(presubmit("decorate: true", secrets, spec: own)).job.spec != nil)
    }

    @Test("A periodic, which tests no refs, may set their variables")
    func variablesOfRefs() throws {
        let spec = "{containers: [{command: [x], env: [{name: PULL_BASE_REF, value: main}]}]}"
        let job = try onlyJob(periodic("interval: 1h", spec: spec))
        #expect(job.job.spec?["containers"]?.arrayValue?.first?["env"]?.arrayValue?.count == 1)
    }

    @Test("A job as a file would say it reads as the same job")
    func documents() throws {
        let texts = [
            presubmit(), presubmit("decorate: true"),
            presubmit(
                "always_run: true", "branches: [main]", "skip_branches: [old]", "context: ci/unit", "optional: true",
                "trigger: '(?m)^/unit$'", "rerun_command: /unit", "cluster: lab", "labels: {a: b}",
                "annotations: {description: text}", "run_before_merge: true", "skip_report: true",
                "decoration_config: {timeout: 90s, censor_secrets: true, gcs_configuration: {path_strategy: legacy,"
                    + " default_org: a, default_repo: b}}",
                "decorate: true", "extra_refs: [{org: a, repo: b, base_ref: main, workdir: true}]",
                "leases: [{types: [lab, desk], count: 2}]", "max_concurrency: 3", "path_alias: a.example/b",
                "clone_uri: https://a.example/b", "clone_depth: 1", "skip_submodules: true", "namespace: tests",
                "rerun_auth_config: {github_users: [a], github_orgs: [b], github_team_ids: [7],"
                    + " github_team_slugs: [{org: a, slug: b}]}"),
            presubmit("run_if_changed: '\\.c$'"), presubmit("skip_if_only_changed: '\\.md$'"),
            periodic("cron: '@daily'", "retry: {attempts: 2, interval: 5m, run_all: true}"),
            periodic("interval: 1h20m"), periodic("minimum_interval: 1.5h"), periodic("interval: 1.5s"),
        ]
        for text in texts {
            let job = try onlyJob(text)
            let document = String(decoding: try JSONEncoder().encode(job.document), as: UTF8.self)
            let section = job.job.kind == .periodic ? "periodics: [" : "presubmits: {lantern/engine: ["
            var again = try onlyJob(section + document + (job.job.kind == .periodic ? "]" : "]}"))
            again.job.source = job.job.source
            #expect(again == job)
        }
        let postsubmit = { (keys: String) in
            "postsubmits:\n  lantern/engine:\n  - {name: image, \(keys) spec: {containers: [{command: [make]}]}}\n"
        }
        for keys in ["", "always_run: false,", "run_if_changed: x,", "always_run: true,"] {
            let job = try onlyJob(postsubmit(keys))
            let document = String(decoding: try JSONEncoder().encode(job.document), as: UTF8.self)
            #expect(try onlyJob("postsubmits: {lantern/engine: [\(document)]}").alwaysRun == job.alwaysRun, "\(keys)")
        }
    }

    @Test("Presets apply by labels, those without labels to every job")
    func presets() throws {
        let text = """
            presets:
            - labels: {preset-token: "true"}
              env: [{name: TOKEN_FILE, value: /etc/token}]
              volumes: [{name: token, secret: {secretName: token}}]
              volumeMounts: [{name: token, mountPath: /etc/token}]
              tolerations: [{key: lab}]
            - env: [{name: EVERYWHERE, value: 1}]
            - labels: {preset-token: "other"}
              env: [{name: NEVER, value: x}]
            """
        let job = try #require(
            load(("a.yaml", text), ("b.yaml", presubmit("labels: {preset-token: 'true'}"))).jobs.first)
        let container = job.job.spec?["containers"]?.arrayValue?.first
        #expect(container?["env"]?.arrayValue?.compactMap { $0["name"]?.stringValue } == ["TOKEN_FILE", "EVERYWHERE"])
        #expect(container?["volumeMounts"]?.arrayValue?.count == 1)
        #expect(job.job.spec?["volumes"]?.arrayValue?.count == 1)
        #expect(job.job.spec?["tolerations"]?.arrayValue?.count == 1)
        let other = try #require(load(("a.yaml", text), ("b.yaml", presubmit())).jobs.first)
        #expect(other.job.spec?["volumes"] == nil)
        #expect(other.job.spec?["containers"]?.arrayValue?.first?["env"]?.arrayValue?.count == 1)
    }

    @Test("decorate_all_jobs holds unless a job says otherwise")
    func decorateAll() throws {
        let all = "decorate_all_jobs: true\n"
        #expect(try onlyJob(all + presubmit()).job.decoration?.timeout == 7200)
        #expect(try onlyJob(all + presubmit("decorate: false")).job.decoration == nil)
        #expect(try onlyJob(presubmit("decorate: true")).job.decoration?.gracePeriod == 15)
    }

    @Test("YAML as Prow reads it: anchors, merges, 1.1 scalars, empty files and keys")
    func dialect() throws {
        let text = """
            prow_ignored:
              base: &base
                always_run: yes
                labels: &labels {a: "1"}
                spec: &spec
                  containers: [{image: tools, command: [make], resources: {limits: {cpu: 0x10, memory: 1.5}}}]
                  activeDeadlineSeconds: 1_000
            presubmits:
              lantern/engine:
              - <<: *base
                name: one
                labels: {<<: *labels, b: "2"}
                branches:
              - {<<: *base, name: two, always_run: off}
            """
        let loaded = load(("a.yaml", text), ("empty.yaml", ""), ("comment.yaml", "# nothing\n"), ("null.yaml", "~\n"))
        #expect(loaded.errors.isEmpty)
        #expect(loaded.jobs.map(\.job.name) == ["one", "two"])
        #expect(loaded.jobs.map(\.alwaysRun) == [true, false])
        #expect(loaded.jobs.first?.job.labels == ["a": "1", "b": "2"])
        let spec = loaded.jobs.first?.job.spec
        #expect(spec?["activeDeadlineSeconds"] == .integer(1000))
        let limits = spec?["containers"]?.arrayValue?.first?["resources"]?["limits"]
        #expect(limits == .object(["cpu": .integer(16), "memory": .number(1.5)]))
    }

    @Test("One name may serve several branches")
    func sharedNames() {
        let a = presubmit("branches: [main]", "cluster: a")
        let b = presubmit("branches: [release]", "cluster: b")
        #expect(load(("a.yaml", a), ("b.yaml", b)).isValid)
    }

    @Test("One broken file hides nothing of the others")
    func severalProblems() {
        let loaded = load(
            ("broken.yaml", "presubmits: [\n"), ("good.yaml", presubmit(name: "good")),
            ("bad.yaml", presubmit("run_if_changed: '('", name: "bad")), ("worse.yaml", periodic(name: "worse")))
        #expect(loaded.errors.map(\.file) == ["bad.yaml", "broken.yaml", "worse.yaml"])
        #expect(loaded.errors.map(\.job) == ["bad", nil, "worse"])
        #expect(loaded.jobs.map(\.job.name) == ["good"])
        #expect(!loaded.isValid)
    }

    @Test(
        "What is ignored is said",
        arguments: [
            (presubmit("alway_run: true"), 4, "'alway_run' is not a key of a presubmit"),
            (presubmit("cron: '@daily'"), 4, "'cron' is not a key of a presubmit"),
            (periodic("interval: 1h", "always_run: true"), 4, "'always_run' is not a key of a periodic"),
            (presubmit("decoration_config: {timout: 1h}"), 4, "'timout' is not a key of decoration_config"),
            (presubmit("extra_refs: [{org: a, repo: b, branch: c}]"), 4, "'branch' is not a key of extra_refs"),
            (presubmit("hidden: true"), 4, "hidden has no effect"),
            (presubmit("max_concurrency: 1", "max_concurrency: 2"), 5, "'max_concurrency' was already set in line 4"),
            (presubmit("branches: [1.10]"), 4, "put it in quotes"),
            (presubmit("agent: jenkins", spec: "~"), 3, "agent 'jenkins' is not served"),
            (presubmit("agent: kubernets"), 3, "agent 'kubernets' is not served"),
            (presubmit("agent: jenkins", name: "folder/unit", spec: "~"), 3, "a job in a folder of Jenkins"),
            (presubmit("decoration_config: {timeout: 7200}"), 4, "timeout 7200 counts nanoseconds"),
            (periodic("cron: '0 0 31 2 *'"), 3, "no date ever matches cron '0 0 31 2 *'"),
            ("presubmit: {}\n", 1, "'presubmit' is not a key of a job file"),
            (
                "presubmits:\n  https://review.example/lantern: [{name: unit}]\n", 2,
                "'https://review.example/lantern' is at a Gerrit host"
            ),
            ("a: 1\n---\nb: 2\n", 2, "a second document begins here"),
        ])
    func warnings(text: String, line: Int, words: String) {
        let loaded = load(("jobs.yaml", text))
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let found = loaded.warnings.contains { $0.line == line && $0.message.contains(words) }
        #expect(found, "\(loaded.warnings)")
    }
}
