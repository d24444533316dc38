import Foundation
import JobConfig
import SlipwayModel
import Testing

/// Jobs in a repository's own `.prow.yaml` or `.prow` folder.
@Suite struct InRepositoryTests {
    private static let repository = RepositoryName(org: "lantern", repo: "engine")
    private static let spec = "spec: {containers: [{command: [x]}]}"

    private static func rules(_ settings: String, jobs: String = "") -> LoadedConfiguration {
        JobConfiguration.load(
            files: [SourceFile(path: "jobs.yaml", bytes: Array(jobs.utf8))],
            prowSettings: ProwSettingsTests.settings(settings))
    }

    private static func own(
        _ text: String, of whole: LoadedConfiguration = rules("in_repo_config: {enabled: {'*': true}}")
    ) -> LoadedConfiguration {
        JobConfiguration.load(
            inRepository: repository, files: [SourceFile(path: ".prow.yaml", bytes: Array(text.utf8))],
            rules: whole.inRepository, central: whole.jobs)
    }

    @Test(
        "The most particular entry of enabled decides",
        arguments: [
            ("{}", false), ("{enabled: {}}", false), ("{enabled: {'*': true}}", true),
            ("{enabled: {'*': false, lantern: true}}", true), ("{enabled: {'*': true, lantern: false}}", false),
            ("{enabled: {lantern: false, lantern/engine: true}}", true),
            ("{enabled: {lantern: true, lantern/engine: false}}", false), ("{enabled: {other: true}}", false),
        ])
    func enabled(section: String, isEnabled: Bool) {
        let whole = Self.rules("in_repo_config: \(section)")
        #expect(whole.errors.isEmpty && whole.warnings.isEmpty, "\(whole.errors) \(whole.warnings)")
        #expect(whole.inRepository.isEnabled(Self.repository) == isEnabled)
    }

    @Test(
        "Entries of allowed_clusters are united; without one for all, 'default' is allowed",
        arguments: [
            ("{}", ["default"]), ("{lantern: [lab]}", ["default", "lab"]), ("{'*': [lab]}", ["lab"]),
            ("{'*': []}", []), ("{'*': ~}", ["default"]), ("{'*': [], lantern: [lab]}", ["lab"]),
            ("{'*': [a], lantern: [b], lantern/engine: [c], other: [d]}", ["a", "b", "c"]),
        ])
    func clusters(section: String, allowed: [String]) {
        let whole = Self.rules("in_repo_config: {allowed_clusters: \(section)}")
        #expect(whole.inRepository.clusters(of: Self.repository).sorted() == allowed)
    }

    @Test(
        "What is wrong in in_repo_config names its line",
        arguments: [
            ("in_repo_config: {enabled: {a/b/c: true}}", "'a/b/c' is neither an organisation nor a repository"),
            ("in_repo_config: {enabled: {a: 1}}", "a is a number; write true or false"),
            ("in_repo_config: {allowed_clusters: {a: lab}}", "a is text; write a list"),
        ])
    func settingsErrors(text: String, message: String) throws {
        let problem = try #require(Self.rules(text).errors.first)
        #expect(problem.line == 1 && problem.message.contains(message), "\(problem)")
    }

    @Test("Gerrit hosts and keys that do not exist are named")
    func settingsWarnings() {
        let loaded = Self.rules("in_repo_config: {enabled: {'https://gerrit.example': true}, enable: {}}")
        #expect(loaded.errors.isEmpty)
        #expect(loaded.warnings.contains { $0.message.contains("Gerrit is not served") })
        #expect(loaded.warnings.contains { $0.message.contains("'enable' is not a key of in_repo_config") })
    }

    @Test("Lists for itself, no periodics; presets, defaults and queues of the whole")
    func jobs() throws {
        let whole = Self.rules(
            """
            decorate_all_jobs: true
            in_repo_config: {enabled: {lantern: true}}
            plank:
              default_decoration_config_entries: [{config: {timeout: 7m}}]
              job_queue_capacities: {slow: 1}
            """, jobs: "presets: [{labels: {a: b}, env: [{name: X, value: y}]}]")
        let own = Self.own(
            """
            presets: [{labels: {c: d}, env: [{name: Z, value: y}]}]
            presubmits:
            - {name: own, labels: {a: b, c: d}, job_queue_name: slow, \(Self.spec)}
            postsubmits:
            - {name: image, \(Self.spec)}
            """, of: whole)
        #expect(own.errors.isEmpty, "\(own.errors)")
        #expect(own.jobs.map(\.job.repository) == [Self.repository, Self.repository])
        #expect(own.jobs.map(\.job.source) == [".prow.yaml:3", ".prow.yaml:5"])
        #expect(own.jobs.allSatisfy { $0.job.decoration?.timeout == 420 })
        let container = own.jobs.first?.job.spec?["containers"]?.arrayValue?.first
        #expect(container?["env"]?.arrayValue?.count == 2)
    }

    @Test("The rules survive being stored, so that a file read by them later gives the same")
    func stored() throws {
        let whole = Self.rules(
            """
            decorate_all_jobs: true
            in_repo_config: {enabled: {lantern: true}, allowed_clusters: {lantern: [lab]}}
            plank: {default_decoration_config_entries: [{repo: lantern, config: {timeout: 7m}}]}
            """, jobs: "presets: [{labels: {a: b}, env: [{name: X, value: y}], volumes: [{name: v, emptyDir: {}}]}]")
        let data = try JSONEncoder().encode(whole.inRepository)
        #expect(try JSONDecoder().decode(InRepositoryRules.self, from: data) == whole.inRepository)
    }

    @Test(
        "What is refused",
        arguments: [
            (
                "presubmits: [{name: own, cluster: build, \(spec)}]", 1,
                "lantern/engine may not use the cluster 'build' in its own configuration"
            ),
            ("presubmits: [{name: unit, \(spec)}]", 1, "another presubmit of this name stands at jobs.yaml:3"),
            ("\npresubmits: [{name: other, context: unit, \(spec)}]", 2, "its context 'unit' is claimed by job unit"),
            ("postsubmits: [{name: image, \(spec)}]", 1, "another postsubmit of this name stands at jobs.yaml:5"),
            ("presubmits: [{name: a, \(spec)}, {name: a, \(spec)}]", 1, "another presubmit of this name stands at"),
            ("presubmits: {lantern/engine: [{name: a, \(spec)}]}", 1, "presubmits is a mapping; write a list"),
            ("presubmits: [{name: a, job_queue_name: none, \(spec)}]", 1, "job_queue_name 'none' is not among"),
            ("presubmits: [{name: a}]", 1, "it has no spec"),
        ])
    func refused(text: String, line: Int, message: String) throws {
        let whole = Self.rules(
            "in_repo_config: {enabled: {'*': true}}\nplank: {job_queue_capacities: {}}",
            jobs: """
                presubmits:
                  lantern/engine:
                  - {name: unit, branches: [main], \(Self.spec)}
                  - {name: free, \(Self.spec)}
                postsubmits: {lantern/engine: [{name: image, \(Self.spec)}]}
                """)
        #expect(whole.errors.isEmpty, "\(whole.errors)")
        let problem = try #require(Self.own(text, of: whole).errors.first)
        #expect(problem.file == ".prow.yaml" && problem.line == line, "\(problem)")
        #expect(problem.message.contains(message), "\(problem)")
    }

    @Test("A central job's name is free on branches that it does not run against")
    func sameNameElsewhere() {
        let whole = Self.rules(
            "in_repo_config: {enabled: {'*': true}}",
            jobs: "presubmits: {lantern/engine: [{name: unit, branches: [main], \(Self.spec)}]}")
        let own = Self.own("presubmits: [{name: unit, branches: [next], \(Self.spec)}]", of: whole)
        #expect(own.errors.isEmpty, "\(own.errors)")
    }

    @Test("Periodics are no part of it, and said so")
    func periodics() {
        let own = Self.own("periodics: [{name: own, interval: 1h, \(Self.spec)}]")
        #expect(own.jobs.isEmpty && own.errors.isEmpty)
        #expect(own.warnings.first?.message.contains("'periodics' is not a key") == true)
    }

    @Test(
        "The folder goes before the file; .prowignore leaves out files of the folder",
        arguments: [
            ([".prow.yaml"], [:], [".prow.yaml"]),
            ([".prow.yaml", ".prow/a.yaml", ".prow/deep/b.yml"], [:], [".prow/a.yaml", ".prow/deep/b.yml"]),
            ([".prow.yaml", ".prow/README.md"], [:], []),
            ([".prow/a.yaml", ".prow/b.yaml"], [".prowignore": ".prow/b.yaml\n"], [".prow/a.yaml"]),
            ([".prow/a.yaml", ".prow/b.yaml"], [".prow/.prowignore": "a.yaml\n"], [".prow/b.yaml"]),
            ([".prow/old/a.yaml", ".prow/b.yaml"], [".prow/.prowignore": "old/\n"], [".prow/b.yaml"]),
            ([".prow.yaml"], [".prowignore": ".prow.yaml\n"], [".prow.yaml"]),
        ] as [([String], [String: String], [String])])
    func choice(paths: [String], ignoreRules: [String: String], chosen: [String]) {
        #expect(InRepositoryFiles.choose(from: paths, ignoreRules: ignoreRules) == chosen)
    }

    @Test("A checkout, its folder and its file are read alike from this machine")
    func folder() throws {
        let root = FileManager.default.temporaryDirectory.path + "/slipway-own-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(atPath: root + "/.prow", withIntermediateDirectories: true)
        let file = Data("presubmits: [{name: a, \(Self.spec)}]".utf8)
        try file.write(to: URL(filePath: root + "/.prow/a.yaml"))
        try file.write(to: URL(filePath: root + "/.prow/skipped.yaml"))
        try file.write(to: URL(filePath: root + "/.prow.yaml"))
        try Data(".prow/skipped.yaml\n".utf8).write(to: URL(filePath: root + "/.prowignore"))
        #expect(InRepositoryFiles.read(path: root).files.map(\.path) == [".prow/a.yaml"])
        #expect(InRepositoryFiles.read(path: root + "/.prow/").files.map(\.path) == [".prow/a.yaml"])
        #expect(InRepositoryFiles.read(path: root + "/.prow.yaml").files.map(\.path) == [".prow.yaml"])
        #expect(InRepositoryFiles.read(path: root + "/nothing").errors.count == 1)
    }
}
