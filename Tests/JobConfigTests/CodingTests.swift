import FoundationEssentials
import JobConfig
import Patterns
import SlipwayModel
import Testing

@Suite struct CodingTests {
    /// A job with every field set, so that a field which the hash forgets fails a test.
    static func fullJob() -> ResolvedJob {
        var job = ResolvedJob(
            name: "unit", kind: .presubmit, repository: RepositoryName(org: "lantern", repo: "engine"))
        job.namespace = "tests"
        job.context = "ci/ünit \"x\"\\\n"
        job.rerunCommand = "/test unit"
        job.maxConcurrency = 2
        job.jobQueueName = "small"
        job.labels = ["b": "2", "a": "1"]
        job.annotations = ["description": "x"]
        var refs = Refs(repository: RepositoryName(org: "lantern", repo: "config"), baseRef: "main", baseSHA: "abc")
        refs.repoLink = "l"
        refs.baseLink = "b"
        refs.pathAlias = "p"
        refs.workdir = true
        refs.cloneURI = "u"
        refs.skipSubmodules = true
        refs.cloneDepth = 1
        refs.skipFetchHead = true
        job.extraRefs = [refs]
        job.spec = .object([
            "containers": .array([.object(["command": .array([.string("make")]), "n": .number(1.5), "z": .null])])
        ])
        job.decoration = Decoration(timeout: 90.5, gracePeriod: 15, skipCloning: true)
        job.decoration?.censoring = .object(["censor_secrets": .bool(true)])
        job.decoration?.pathStrategy = .legacy(defaultOrg: "lantern", defaultRepo: "engine")
        job.pathAlias = "example.org/engine"
        job.cloneURI = "https://example.org/engine.git"
        job.cloneDepth = 5
        job.skipSubmodules = false
        job.leases = [LeaseItem(types: ["board", "cloud"], count: 2, reason: "flashes firmware")]
        return job
    }

    @Test("The canonical JSON holds every field that Codable writes, but the source")
    func canonicalMatchesCodable() throws {
        var job = Self.fullJob()
        let isComplete = Mirror(reflecting: job).children.allSatisfy { $0.label == "source" || "\($0.value)" != "nil" }
        #expect(isComplete, "set the new field in fullJob")
        let value = try JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(job))
        #expect(CanonicalJSON.bytes(of: value) == CanonicalJSON.bytes(of: job))
        let hash = CanonicalJSON.hash(of: job)
        job.source = "jobs.yaml:3"
        #expect(CanonicalJSON.hash(of: job) == hash)
        #expect(hash.count == 64)
    }

    @Test("Every change of what would run changes the hash; order does not")
    func hashing() {
        let job = Self.fullJob()
        var other = job
        other.labels = ["a": "1", "b": "3"]
        #expect(CanonicalJSON.hash(of: other) != CanonicalJSON.hash(of: job))
        other = job
        other.optional = true
        #expect(CanonicalJSON.hash(of: other) != CanonicalJSON.hash(of: job))
        let text = { (labels: String) in load(("a.yaml", presubmit("labels: {\(labels)}"))).jobs.map(\.hash) }
        #expect(text("a: b, c: d") == text("c: d, a: b"))
        let moved = load(("other.yaml", "# moved\n" + presubmit("labels: {a: b, c: d}"))).jobs.map(\.hash)
        #expect(text("a: b, c: d") == moved)
    }

    @Test("Every change of a definition changes its digest")
    func digests() throws {
        var all: [ConfiguredJob] = []
        let base = try onlyJob(presubmit())
        #expect(CanonicalJSON.digest(of: base) == CanonicalJSON.digest(of: try onlyJob(presubmit())))
        all.append(base)
        all += try [
            "always_run: true", "run_before_merge: true", "run_if_changed: a", "skip_if_only_changed: a",
            "branches: [a]", "skip_branches: [a]", "rerun_auth_config: {allow_anyone: true}",
            "rerun_auth_config: {github_users: [a]}", "rerun_auth_config: {github_orgs: [a]}",
            "rerun_auth_config: {github_team_slugs: [{org: a, slug: b}]}", "rerun_auth_config: {github_team_ids: [7]}",
            "optional: true",
        ].map { try onlyJob(presubmit($0)) }
        all.append(try onlyJob(presubmit("trigger: '^/go$'", "rerun_command: /go")))
        all.append(try onlyJob("# moved\n" + presubmit()))
        all += try [
            "interval: 1h", "minimum_interval: 1h", "cron: '@hourly'", "interval: 1h, retry: {attempts: 1}",
            "interval: 1h, retry: {attempts: 2}", "interval: 1h, retry: {attempts: 1, interval: 1m}",
            "interval: 1h, retry: {attempts: 1, run_all: true}",
        ].map { try onlyJob("periodics:\n- {name: unit, \($0), spec: {containers: [{command: [make]}]}}\n") }
        #expect(Set(all.map { CanonicalJSON.digest(of: $0) }).count == all.count)
        // A field that is new here belongs into the digest.
        #expect(Mirror(reflecting: base).children.count == 11)
    }

    @Test("A configured job survives being stored")
    func roundTrip() throws {
        let text = [
            presubmit(
                "branches: [main]", "skip_branches: [x]", "run_if_changed: a", "run_before_merge: true",
                "decorate: true"),
            presubmit("skip_if_only_changed: a", "optional: true"), periodic("cron: '0 0 */2 * 1'"),
            periodic("interval: 90m", "retry: {attempts: 2, interval: 5m, run_all: true}"),
            presubmit(
                "rerun_auth_config: {github_users: [a], github_team_slugs: [{org: a, slug: b}], github_team_ids: [7]}"),
            periodic("minimum_interval: 10s"),
        ]
        for text in text {
            let job = try onlyJob(text)
            let data = try JSONEncoder().encode(job)
            #expect(try JSONDecoder().decode(ConfiguredJob.self, from: data) == job)
        }
    }

    @Test("What an older version stored still reads")
    func tolerance() throws {
        let job = ConfiguredJob(job: ResolvedJob(name: "unit", kind: .postsubmit))
        var value = try JSONDecoder().decode([String: JSONValue].self, from: JSONEncoder().encode(job))
        for key in ["alwaysRun", "runBeforeMerge", "branches"] { value[key] = nil }
        #expect(try JSONDecoder().decode(ConfiguredJob.self, from: JSONEncoder().encode(value)) == job)
    }

    @Test("A problem's JSON has every key, also without a job")
    func problems() throws {
        let problem = ConfigProblem(file: "a.yaml", line: 3, message: "m")
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = String(decoding: try encoder.encode(problem), as: UTF8.self)
        #expect(text == #"{"file":"a.yaml","job":null,"line":3,"message":"m"}"#)
        #expect(try JSONDecoder().decode(ConfigProblem.self, from: Data(text.utf8)) == problem)
        #expect(problem.description == "a.yaml:3: m")
    }
}
