import FoundationEssentials
import JobConfig
import SlipwayModel
import Testing

@Suite struct BadConfigurationTests {
    @Test(
        "One job alone",
        arguments: [
            // Both, neither, wrong.
            (periodic("cron: '@daily'", "interval: 1h"), 4, "cron and interval are both set"),
            (periodic("interval: 1h", "minimum_interval: 1h"), 4, "interval and minimum_interval are both set"),
            (periodic("labels: {}"), 2, "it never runs; add one of cron, interval or minimum_interval"),
            (periodic("cron: every day"), 3, "not a cron expression: it has 2 fields"),
            (periodic("interval: 3 hours"), 3, "interval '3 hours' is not a duration of a second or more"),
            (periodic("minimum_interval: -1h"), 3, "not a duration of a second or more"),
            // Expressions.
            (presubmit("run_if_changed: '*.c'"), 4, "run_if_changed '*.c' is not a regular expression"),
            (presubmit("skip_if_only_changed: '(?!docs)'"), 4, "invalid perl operator: (?!"),
            (presubmit("branches: [main, 'release-[']"), 4, "branches: 'release-[' is not a regular expression"),
            (presubmit("skip_branches: [')']"), 4, "skip_branches: ')' is not a regular expression"),
            // Rules that exclude each other.
            (presubmit("run_if_changed: a", "skip_if_only_changed: b"), 5, "exclude each other; keep one"),
            (presubmit("always_run: true", "run_if_changed: a"), 5, "always_run: true and run_if_changed exclude"),
            (presubmit("always_run: true", "skip_if_only_changed: a"), 5, "and skip_if_only_changed exclude"),
            // Triggers.
            (presubmit("trigger: '^/go$'"), 4, "trigger stands without rerun_command"),
            (presubmit("rerun_command: /go"), 4, "rerun_command stands without trigger"),
            (presubmit("trigger: '^/go$'", "rerun_command: /stop"), 5, "rerun_command '/stop' does not match trigger"),
            (presubmit("trigger: '('", "rerun_command: /go"), 4, "trigger '(' is not a regular expression"),
            // Pods.
            (presubmit("decorate: true", spec: "{containers: [{image: tools}]}"), 5, "neither command nor args"),
            (
                presubmit("decorate: true", spec: "{containers: [{name: a, command: [x]}, {name: b}]}"), 5,
                "container b has neither"
            ),
            (
                presubmit(spec: "{containers: [{command: [x]}, {command: [x]}]}"), 4,
                "2 containers, for which it must be decorated"
            ),
            (presubmit(spec: "{containers: []}"), 4, "its spec has no container"),
            (presubmit(spec: "{containers: [a]}"), 4, "an entry of spec.containers is not a mapping"),
            (presubmit(spec: "~"), 3, "it has no spec"),
            (
                presubmit(spec: "{containers: [{command: make test}]}"), 4,
                "command of container 0 is not a list of texts"
            ),
            (presubmit(spec: "{containers: [{command: [x], env: [{name: JOB_NAME, value: y}]}]}"), 4, "sets JOB_NAME"),
            // Wrong types and values.
            (presubmit("always_run: 'true'"), 4, "always_run is text; write true or false, without quotes"),
            (presubmit("optional: 1"), 4, "optional is a number; write true or false"),
            (presubmit("max_concurrency: many"), 4, "max_concurrency is text; write a whole number"),
            (presubmit("max_concurrency: -1"), 4, "max_concurrency is -1; write 0 or more"),
            (presubmit("branches: main"), 4, "branches is text; write a list"),
            (presubmit("branches: [{a: b}]"), 4, "an entry of branches is a mapping; write text"),
            (presubmit("labels: [a]"), 4, "labels is a list; write a mapping"),
            (presubmit("labels: {a: [b]}"), 4, "a in labels is a list; write text"),
            (presubmit("run_if_changed: [a]"), 4, "run_if_changed is a list; write text"),
            (presubmit(spec: "make"), 4, "spec is text; write a mapping"),
            (
                presubmit("decoration_config: {timeout: 2 hours}"), 4,
                "timeout '2 hours' is not a duration; write e.g. 90s"
            ),
            (presubmit("decoration_config: {timeout: 0}"), 4, "timeout '0' is not a time that can pass"),
            (presubmit("decoration_config: {grace_period: -1s}"), 4, "not a time that can pass; write more than 0"),
            (presubmit("extra_refs: [{repo: config}]"), 4, "names the repository '/config'"),
            (presubmit("extra_refs: [config]"), 4, "an entry of extra_refs is text"),
            (periodic("interval: 1h", "retry: {interval: 1m}"), 4, "retry has 0 attempts; write 1 to 100"),
            (periodic("interval: 1h", "retry: {attempts: -1}"), 4, "attempts is -1; write 0 or more"),
            (
                presubmit("rerun_auth_config: {allow_anyone: true, github_users: [a]}"), 4,
                "allows anyone and names people as well"
            ),
            (
                presubmit("rerun_auth_config: {github_team_slugs: [{org: a}]}"), 4,
                "an entry of github_team_slugs needs an org and a slug"
            ),
            (
                presubmit("rerun_auth_config: {github_team_ids: [cranes]}"), 4,
                "an entry of github_team_ids is text and no team's number"
            ),
            (presubmit("labels: {created-by-prow: 'true'}"), 4, "the label 'created-by-prow' is set by itself"),
            (
                presubmit("skip_report: true", "labels: {prow.k8s.io/gerrit-report-label: Verified}"), 5,
                "skip_report and the label"
            ),
            (
                presubmit(spec: "{volumes: [{name: gcs-credentials}], containers: [{command: [x]}]}"), 4,
                "'gcs-credentials' is Prow's own"
            ),
            (presubmit("labels: {a: two words}"), 4, "the label 'a' has the value 'two words'"),
            (presubmit("labels: {a: '-b'}"), 4, "begin and end with a letter or digit"),
            (
                presubmit("extra_refs: [{org: lantern, repo: engine, base_ref: main}]"), 4,
                "extra_refs names lantern/engine, which is cloned already"
            ),
            (
                presubmit("extra_refs: [{org: a, repo: b}, {org: a, repo: b}]"), 4,
                "extra_refs names a/b, which is cloned already"
            ),
            (presubmit("labels: {'a b': c}"), 4, "'a b' is no name for a label"),
            (presubmit("labels: {a/b/c: d}"), 4, "'a/b/c' is no name for a label"),
            (presubmit("labels: {Upper.example/b: d}"), 4, "'Upper.example/b' is no name for a label"),
            (presubmit("annotations: {'-a': text}"), 4, "'-a' is no name for an annotation"),
            (presubmit("clone_uri: '://host/path'"), 3, "clone_uri '://host/path' is no address"),
            (
                presubmit("extra_refs: [{org: a, repo: b, clone_uri: 'git@:a/b'}]"), 3,
                "clone_uri 'git@:a/b' is no address"
            ),
            (presubmit("agent: jenkins"), 3, "spec is for agent kubernetes, not jenkins"),
            (presubmit("agent: tekton-pipeline", "decorate: true", spec: "~"), 3, "decorate is for agent kubernetes"),
            (presubmit(spec: "{initContainers: [{command: [x]}], containers: [{command: [x]}]}"), 4, "initContainers"),
            (
                presubmit(spec: "{containers: [{command: [x], env: [{name: A}, {name: A}]}]}"), 4,
                "container 0 sets A twice"
            ),
            (
                presubmit(spec: "{containers: [{name: a, command: [x], volumeMounts: [{name: v}]}]}"), 4,
                "container a mounts the volume 'v', which does not exist"
            ),
            (
                presubmit(spec: "{volumes: [{name: v}, {name: v}], containers: [{command: [x]}]}"), 4,
                "two volumes of the name 'v'"
            ),
            (presubmit(spec: "{volumes: [{name: logs}], containers: [{command: [x]}]}"), 4, "'logs' is Prow's own"),
            (
                presubmit(spec: "{containers: [{command: [x], volumeMounts: [{name: tools, mountPath: /t}]}]}"), 4,
                "container 0 mounts the volume 'tools', which is Prow's own"
            ),
            (
                presubmit(
                    spec: "{volumes: [{name: v}],"
                        + " containers: [{command: [x], volumeMounts: [{name: v, mountPath: /home/prow/go}]}]}"), 4,
                "mounts 'v' at /home/prow/go, which is Prow's own"
            ),
            (
                presubmit(
                    "decorate: true",
                    spec: "{containers: [{name: sidecar, command: [x]}, {name: b, command: [x]}]}"), 5,
                "'sidecar' is Prow's own"
            ),
            (
                periodic("interval: 1h", spec: "{containers: [{command: [x], env: [{name: CI, value: y}]}]}"), 4,
                "sets CI"
            ),
            (
                presubmit("decorate: true", spec: "{containers: [{name: a, command: [x]}, {name: a, command: [x]}]}"),
                5,
                "several containers need a name each"
            ),
            (presubmit("cluster: a/b"), 4, "cluster 'a/b' may hold"),
            (presubmit(name: "../escape"), 3, "the name may hold A-Z"),
            (presubmit(name: ".."), 3, "begin with no dot"),
            (presubmit(name: "two words"), 3, "the name may hold A-Z"),
            (presubmit(name: String(repeating: "n", count: 201)), 3, "at most 200 long"),
            (
                "presubmits:\n  lantern/engine:\n  - always_run: true\n", 3,
                "a job in presubmits of lantern/engine has no name"
            ),
            ("presubmits:\n  lantern/engine:\n  - name: [a]\n", 3, "name is a list; write text"),
            ("presubmits:\n  lantern/engine:\n  - unit\n", 3, "is text; write a job"),
            ("presubmits:\n  lantern/engine: {name: unit}\n", 2, "lantern/engine is a mapping; write a list"),
            ("presubmits:\n  engine: []\n", 2, "'engine' in presubmits is not a repository; write ORG/REPO"),
            ("presubmits:\n- name: unit\n", 2, "presubmits is a list; write a mapping"),
            ("periodics:\n  name: unit\n", 2, "periodics is a mapping; write a list"),
            ("presets: [a]\n", 1, "an entry of presets is text"),
            ("- a\n", 1, "the file is a list; write the keys presubmits"),
        ])
    func alone(text: String, line: Int, words: String) {
        let loaded = load(("jobs.yaml", text))
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        #expect(loaded.errors.first?.line == line)
        #expect(loaded.errors.first?.message.contains(words) == true, "\(loaded.errors)")
        #expect(loaded.jobs.isEmpty)
    }

    @Test(
        "Two jobs together; the later one is named, and where the other stands",
        arguments: [
            (
                presubmit(), presubmit(),
                "another presubmit of this name stands at a.yaml:3 and runs against the same branches"
            ),
            (presubmit("branches: [main]"), presubmit("skip_branches: [old]"), "another presubmit of this name"),
            (presubmit(name: "x"), presubmit("context: x", name: "y"), "context 'x' is claimed by job x at a.yaml:3"),
            (
                presubmit("context: c", "branches: [main]", name: "x"),
                presubmit("context: c", "branches: [main, b]", name: "y"),
                "context 'c' is claimed by job x"
            ),
            (periodic("interval: 1h"), periodic("cron: '@daily'"), "another periodic of this name stands at a.yaml:2"),
            (presubmit(name: "x"), presubmit("context: x", "skip_report: true", name: "y"), "context 'x' is claimed"),
            (
                "postsubmits: {lantern/engine: [{name: x, spec: {containers: [{command: [make]}]}}]}",
                "postsubmits: {lantern/engine: [{name: y, context: x, spec: {containers: [{command: [make]}]}}]}",
                "context 'x' is claimed by job x"
            ),
            (
                "presets: [{labels: {a: b}, env: [{name: A}]}]", "presets: [{labels: {c: d, a: b}}]",
                "the preset at a.yaml:1 has the label 'a: b' as well"
            ),
        ])
    func together(first: String, second: String, words: String) {
        let loaded = load(("a.yaml", first), ("b.yaml", second))
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        #expect(loaded.errors.first?.file == "b.yaml")
        #expect(loaded.errors.first?.message.contains(words) == true, "\(loaded.errors)")
    }

    @Test(
        "A preset that collides with the job",
        arguments: [
            (
                "env: [{name: A, value: x}]", "{containers: [{command: [x], env: [{name: A, value: y}]}]}",
                "the variable 'A'"
            ),
            ("volumes: [{name: v}]", "{volumes: [{name: v}], containers: [{command: [x]}]}", "the volume 'v'"),
            (
                "volumeMounts: [{name: v}]",
                "{volumes: [{name: v}], containers: [{command: [x], volumeMounts: [{name: v}]}]}",
                "the volume mount 'v'"
            ),
            (
                "tolerations: [{key: lab, effect: NoSchedule}]",
                "{tolerations: [{effect: NoSchedule, key: lab}], containers: [{command: [x]}]}", "the toleration 'lab'"
            ),
        ])
    func presetClash(preset: String, spec: String, words: String) {
        let loaded = load(("a.yaml", "presets:\n- \(preset)\n"), ("b.yaml", presubmit(spec: spec)))
        #expect(loaded.errors.map(\.file) == ["b.yaml"])
        #expect(
            loaded.errors.first?.message.contains("\(words) is set in its spec and again by the preset at a.yaml:2")
                == true)
    }

    @Test("Files of one name in different folders")
    func sameFileName() {
        let loaded = load(("a/jobs.yaml", presubmit(name: "x")), ("b/jobs.yaml", presubmit(name: "y")))
        #expect(loaded.errors.map(\.file) == ["b/jobs.yaml"])
        #expect(loaded.errors.first?.message.contains("a/jobs.yaml has the same file name") == true)
    }

    @Test(
        "Broken YAML: the line and what to do",
        arguments: [
            ("presubmits:\n  a/b:\n  - name: x\n     branches: [y]\n", 4, "not valid YAML"),
            ("presubmits: [\n", 2, "not valid YAML"),
            ("a: 'open\n", 2, "not valid YAML"),
            ("\tperiodics: []\n", 1, "not valid YAML"),
            ("a: *nowhere\n", 1, "the alias *nowhere has no anchor &nowhere before it"),
            ("a: &a [*a]\n", 1, "the alias *a has no anchor"),
            ("? [a, b]\n: c\n", 1, "a key is a list; write keys as plain text"),
            ("a: {<<: b}\n", 1, "'<<' merges mappings"),
            (String(repeating: "[", count: 100), 1, "nests deeper than 64 levels"),
            (String(repeating: "[", count: 5000), 1, "nest"),
        ])
    func brokenYAML(text: String, line: Int, words: String) {
        let loaded = load(("jobs.yaml", text))
        #expect(loaded.errors.count == 1)
        #expect(loaded.errors.first?.line == line, "\(loaded.errors)")
        #expect(loaded.errors.first?.message.contains(words) == true, "\(loaded.errors)")
    }

    @Test("Bytes that are no text")
    func notText() {
        let invalid = JobConfiguration.load(files: [
            SourceFile(path: "a.yaml", bytes: Array("a: b\nc: ".utf8) + [0xFF, 0x0A])
        ])
        #expect(invalid.errors.first?.line == 2)
        #expect(invalid.errors.first?.message.contains("save the file as UTF-8 text") == true)
        let compressed = JobConfiguration.load(files: [SourceFile(path: "a.yaml", bytes: [0x1F, 0x8B, 8, 0])])
        #expect(compressed.errors.first?.message.contains("compress it again") == true)
    }

    @Test("A bomb of aliases ends before it is written out")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            text += "a\(level): &a\(level) [\((0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]\n"
        }
        let loaded = load(("bomb.yaml", text))
        #expect(loaded.errors.first?.message.contains("more than 1000000 values") == true)
        // The same by merging, and by depth.
        var chain = "m0: &m0 {k: v}\n"
        for level in 1...100 { chain += "m\(level): &m\(level) {n: *m\(level - 1)}\n" }
        #expect(load(("chain.yaml", chain)).errors.first?.message.contains("nests deeper than 64 levels") == true)
    }

    @Test("Thousands of jobs and one error: the error is named, the others are read")
    func oneInThousands() {
        var text = "presubmits:\n  harbor/crane:\n"
        for index in 0..<10_000 {
            let rule = index == 700 ? "run_if_changed: '('" : "always_run: true"
            text += "  - {name: job-\(index), \(rule), spec: {containers: [{command: [make]}]}}\n"
        }
        let loaded = load(("many.yaml", text))
        #expect(loaded.errors.map(\.line) == [703], "\(loaded.errors)")
        #expect(loaded.errors.first?.message.contains("run_if_changed") == true)
        #expect(loaded.jobs.count == 9999)
    }

    @Test("A folder: links, other files, hidden versions, size, absence")
    func folder() throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "slipway-config-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        func write(_ path: String, _ bytes: [UInt8]) throws {
            let folder = "\(root)/\(path.split(separator: "/").dropLast().joined(separator: "/"))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: "\(root)/\(path)"))
        }
        try write("a/one.yaml", Array(presubmit(name: "one").utf8))
        try write("a/deeper/two.yml", Array(presubmit(name: "two").utf8))
        try write("OWNERS", Array("not: [yaml".utf8))
        try write("..2026/three.yaml", Array(presubmit(name: "three").utf8))
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/three.yaml", withDestinationPath: "..2026/three.yaml")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/loop", withDestinationPath: ".")
        let loaded = JobConfiguration.load(folder: root)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        #expect(loaded.files.map(\.path) == ["a/deeper/two.yml", "a/one.yaml", "three.yaml"])
        #expect(loaded.jobs.map(\.job.name) == ["two", "one", "three"])
        #expect(JobConfiguration.load(folder: root).hash == loaded.hash)

        let single = JobConfiguration.load(folder: "\(root)/a/one.yaml")
        #expect(single.errors.isEmpty && single.jobs.map(\.job.name) == ["one"])

        try write("huge.yaml", [UInt8](repeating: UInt8(ascii: "#"), count: 50 << 20))
        let oversized = JobConfiguration.load(folder: root)
        #expect(oversized.errors.map(\.file) == ["huge.yaml"])
        #expect(
            oversized.errors.first?.message
                == "it has 50 MB and is not read; a file may have 16 MB, so split it")
        #expect(oversized.jobs.count == 3)

        let absent = JobConfiguration.load(folder: "\(root)/none")
        #expect(absent.errors.first?.message.contains("there is no such folder") == true)
    }
}
