import FoundationEssentials
import JobConfig
import SlipwayModel
import Testing

@Suite struct ProwSettingsTests {
    static func settings(_ text: String) -> LoadedProwSettings {
        JobConfiguration.prowSettings(SourceFile(path: "config.yaml", bytes: Array(text.utf8)))
    }

    static func load(_ job: String, with settings: String) -> LoadedConfiguration {
        JobConfiguration.load(
            files: [SourceFile(path: "jobs.yaml", bytes: Array(job.utf8))], prowSettings: Self.settings(settings))
    }

    static let entries = """
        plank:
          default_decoration_config_entries:
          - config: {timeout: 1h, grace_period: 1m, censor_secrets: true}
          - {repo: lantern, config: {timeout: 2h}}
          - {repo: lantern/engine, cluster: lab, config: {timeout: 3h}}
          - {cluster: slow, config: {timeout: 4h, skip_cloning: true}}
          - {repo: other/thing, config: {timeout: 5h}}
        """

    static let map = """
        plank:
          default_decoration_configs:
            lantern/engine: {timeout: 3h}
            '*': {timeout: 1h, grace_period: 1m}
            lantern: {timeout: 2h}
        """

    @Test(
        "Decoration defaults by repository and cluster; the job's own come last",
        arguments: [
            (entries, presubmit("decorate: true"), 7200, 60.0, false),
            (entries, presubmit("decorate: true", "cluster: lab"), 10_800, 60, false),
            (entries, presubmit("decorate: true", "cluster: slow"), 14_400, 60, true),
            (entries, presubmit("decorate: true", "decoration_config: {grace_period: 5s}"), 7200, 5, false),
            (
                entries,
                presubmit("decorate: true", "cluster: slow", "decoration_config: {timeout: 9s, skip_cloning: false}"),
                9, 60, false
            ),
            (entries, periodic("interval: 1h", "decorate: true"), 3600, 60, false),
            (
                entries, periodic("interval: 1h", "decorate: true", "extra_refs: [{org: other, repo: thing}]"),
                18_000, 60, false
            ),
            (map, presubmit("decorate: true"), 10_800, 60, false),
            (map, periodic("interval: 1h", "decorate: true"), 3600, 60, false),
            ("plank: {}", presubmit("decorate: true"), 7200, 15, false),
        ] as [(String, String, Double, Double, Bool)])
    func decoration(settings: String, job: String, timeout: Double, grace: Double, skipsCloning: Bool) throws {
        let loaded = Self.load(job, with: settings)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let decoration = try #require(loaded.jobs.first?.job.decoration)
        #expect(decoration.timeout == timeout)
        #expect(decoration.gracePeriod == grace)
        #expect(decoration.skipCloning == skipsCloning)
    }

    @Test("Presets and jobs may stand in config.yaml; decorate_all_jobs holds for all")
    func jobsInside() throws {
        let text = """
            decorate_all_jobs: true
            presets: [{labels: {a: b}, env: [{name: X, value: y}]}]
            periodics: [{name: inside, interval: 1h, spec: {containers: [{command: [x]}]}}]
            """
        let loaded = Self.load(presubmit("labels: {a: b}"), with: text)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        #expect(loaded.jobs.map(\.job.name) == ["inside", "unit"])
        #expect(loaded.jobs.allSatisfy { $0.job.decoration != nil })
        let container = loaded.jobs.last?.job.spec?["containers"]?.arrayValue?.first
        #expect(container?["env"]?.arrayValue?.count == 1)
        #expect(loaded.presets.count == 1)
    }

    @Test("A job's queue has to have a capacity, once there is a config.yaml")
    func queues() {
        let job = presubmit("job_queue_name: small")
        #expect(Self.load(job, with: "plank: {job_queue_capacities: {small: 2, none: 0, all: -1}}").isValid)
        #expect(JobConfigTests.load(("jobs.yaml", job)).isValid)
        for text in ["plank: {job_queue_capacities: {large: 2}}", "deck: {}", "plank: {}"] {
            let loaded = Self.load(job, with: text)
            #expect(loaded.errors.first?.message.contains("'small' is not among plank.job_queue_capacities") == true)
        }
    }

    static let strategies = """
        plank:
          default_decoration_config_entries:
          - config: {gcs_configuration: {path_strategy: legacy, default_org: lantern, default_repo: engine}}
          - {repo: other, config: {gcs_configuration: {path_strategy: explicit}}}
          - {repo: lantern/engine, cluster: lab, config: {gcs_configuration: {default_repo: lamp}}}
        """

    @Test(
        "Where artifacts lie: defaults by repository and cluster, then the job's own",
        arguments: [
            (presubmit("decorate: true"), .legacy(defaultOrg: "lantern", defaultRepo: "engine")),
            (presubmit("decorate: true", "cluster: lab"), .legacy(defaultOrg: "lantern", defaultRepo: "lamp")),
            (
                presubmit("decorate: true", "decoration_config: {gcs_configuration: {path_strategy: single}}"),
                .single(defaultOrg: "lantern", defaultRepo: "engine")
            ),
            (periodic("interval: 1h", "decorate: true", "extra_refs: [{org: other, repo: thing}]"), .explicit),
            (presubmit("decorate: false"), nil),
        ] as [(String, PathStrategy?)])
    func pathStrategy(job: String, strategy: PathStrategy?) throws {
        let loaded = Self.load(job, with: Self.strategies)
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty, "\(loaded.errors) \(loaded.warnings)")
        let resolved = try #require(loaded.jobs.first?.job)
        #expect(resolved.decoration?.pathStrategy == strategy)
        // As it is stored with the configuration, and as it is hashed.
        let stored = try JSONDecoder().decode(ResolvedJob.self, from: JSONEncoder().encode(resolved))
        #expect(stored == resolved)
        var unsourced = resolved
        unsourced.source = nil
        let value = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(unsourced))
        #expect(CanonicalJSON.bytes(of: resolved) == CanonicalJSON.bytes(of: value))
    }

    @Test("A strategy that leaves a repository out has to be told which")
    func pathStrategyWithoutDefaults() {
        let job = presubmit("decorate: true", "decoration_config: {gcs_configuration: {path_strategy: legacy}}")
        let loaded = Self.load(job, with: "plank: {}")
        #expect(loaded.errors.map(\.job) == ["unit"])
        #expect(loaded.errors.first?.message.contains("path_strategy legacy needs a repository to leave out") == true)
    }

    @Test("Report templates, the older key's as everybody's")
    func reportTemplates() {
        let loaded = Self.settings("plank: {report_templates: {lantern: '{{.Spec.Job}}', '*': plain}}")
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty)
        #expect(loaded.settings.version.reportTemplates == ["lantern": "{{.Spec.Job}}", "*": "plain"])
        let older = Self.settings("plank: {report_template: plain, report_templates: {}}")
        #expect(older.settings.version.reportTemplates == ["*": "plain"])
    }

    @Test("What is not served is named, what is unknown too")
    func unserved() {
        let loaded = Self.settings("sinker: {}\nplank: {allow_cancellations: true, reprot: 1}\nplanck: {}\n")
        #expect(loaded.errors.isEmpty)
        #expect(
            loaded.warnings.map { String($0.message.prefix { $0 != ":" }) }.sorted() == [
                "'planck' is not a key of config.yaml and is ignored; correct its spelling or remove it",
                "'reprot' is not a key of plank and is ignored; correct its spelling or remove it",
                "allow_cancellations has no effect", "sinker has no effect",
            ])
    }

    @Test(
        "Errors in config.yaml",
        arguments: [
            ("plank: [a]\n", 1, "plank is a list; write a mapping"),
            ("- plank\n", 1, "config.yaml is a list; write sections"),
            ("plank:\n  max_concurrency: many\n", 2, "max_concurrency is text"),
            ("plank:\n  job_queue_capacities: {a: b}\n", 2, "a is text; write a whole number"),
            (
                "plank:\n  default_decoration_config_entries:\n  - {config: {timeout: soon}}\n", 3,
                "timeout 'soon' is not a duration"
            ),
            ("plank:\n  default_decoration_config_entries: [a]\n", 2, "is text; write repo, cluster and config"),
            ("presets: {\n", 2, "not valid YAML"),
            ("github_reporter:\n  job_types_to_report: [presubmit, batch]\n", 2, "names 'batch'; write presubmit"),
            ("deck:\n  additional_allowed_buckets: [a]\n", 2, "needs skip_storage_path_validation: false"),
            ("plank:\n  report_template: a\n  report_templates: {'*': b}\n", 2, "report_templates exclude each other"),
            (
                "plank:\n  default_decoration_configs: {'*': {timeout: 1m}}\n"
                    + "  default_decoration_config_entries: [{config: {timeout: 1m}}]\n", 2,
                "default_decoration_config_entries exclude each other"
            ),
            (
                "deck:\n  default_rerun_auth_configs: [{rerun_auth_configs: {allow_anyone: true}}]\n"
                    + "  rerun_auth_configs: {'*': {allow_anyone: true}}\n", 3,
                "default_rerun_auth_configs exclude each other"
            ),
            (
                "plank:\n  default_decoration_config_entries:\n"
                    + "  - {config: {gcs_configuration: {path_strategy: flat}}}\n", 3,
                "path_strategy 'flat' does not exist"
            ),
            (
                "plank:\n  report_templates:\n    '*': '{{.Spec.Jobs}}'\n", 3,
                "the report template '*' names the field 'Jobs', which does not exist"
            ),
        ])
    func errors(text: String, line: Int, words: String) {
        let loaded = Self.load(presubmit(), with: text)
        #expect(loaded.errors.map(\.file) == ["config.yaml"])
        #expect(loaded.errors.first?.line == line)
        #expect(loaded.errors.first?.message.contains(words) == true, "\(loaded.errors)")
    }

    @Test(
        "A namespace is the one of all pods",
        arguments: [("pod_namespace: tests", true), ("pod_namespace: other", false), ("plank: {}", false)])
    func namespaces(text: String, isTaken: Bool) {
        let loaded = Self.load(presubmit("namespace: tests"), with: text)
        #expect(loaded.errors.isEmpty == isTaken, "\(loaded.errors)")
        #expect(isTaken || loaded.errors.first?.message.contains("is not pod_namespace") == true)
    }

    @Test("An absent config.yaml")
    func absent() {
        let loaded = JobConfiguration.prowSettings(path: "/nonexistent/config.yaml")
        #expect(loaded.errors.first?.message.contains("it cannot be read") == true)
        #expect(loaded.errors.first?.file == "/nonexistent/config.yaml")
    }
}
