import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Testing

private let repository = RepositoryName(org: "lantern", repo: "engine")
private let pulls = [Pull(number: 7, author: "ada", sha: String(repeating: "b", count: 40), title: "Brighter")]
private let refs = Refs(
    repository: repository, baseRef: "main", baseSHA: String(repeating: "a", count: 40), pulls: pulls)

@Suite struct ArtifactLayoutTests {
    struct Row: Sendable {
        var kind: JobKind
        var folder: String
        var link: String?
        var latest: [String]
    }

    @Test(arguments: [
        Row(
            kind: .presubmit, folder: "pr-logs/pull/lantern_engine/7/unit/42", link: "pr-logs/directory/unit/42.txt",
            latest: [
                "pr-logs/directory/unit/latest-build.txt", "pr-logs/pull/lantern_engine/7/unit/latest-build.txt",
            ]),
        Row(
            kind: .batch, folder: "pr-logs/pull/batch/unit/42", latest: ["pr-logs/directory/unit/latest-build.txt"]),
        Row(kind: .postsubmit, folder: "logs/unit/42", latest: ["logs/unit/latest-build.txt"]),
        Row(kind: .periodic, folder: "logs/unit/42", latest: ["logs/unit/latest-build.txt"]),
    ])
    func isProws(row: Row) throws {
        let layout = try ArtifactLayout(kind: row.kind, job: "unit", build: BuildID(42), refs: refs)
        #expect(layout.folder.description == row.folder)
        #expect(layout.link?.description == row.link)
        #expect(layout.latestBuilds.map(\.description) == row.latest)
        #expect(layout.finished.description == row.folder + "/finished.json")
        #expect(layout.logChunk(3).description == row.folder + "/.log/00000003")
    }

    @Test(arguments: [
        (PathStrategy.explicit, "lantern_engine" as String?),
        (.legacy(defaultOrg: "x", defaultRepo: "y"), "lantern_engine"),
        (.legacy(defaultOrg: "lantern", defaultRepo: "y"), "engine"),
        (.legacy(defaultOrg: "lantern", defaultRepo: "engine"), nil),
        (.single(defaultOrg: "lantern", defaultRepo: "y"), "lantern_engine"),
        (.single(defaultOrg: "lantern", defaultRepo: "engine"), nil),
    ])
    func strategies(strategy: PathStrategy, component: String?) {
        #expect(strategy.component(repository) == component)
    }

    @Test func namesThatAreNoPathAreRefused() {
        #expect(throws: ArtifactLayoutError.unusableName("..", .dotComponent(".."))) {
            try ArtifactLayout(kind: .periodic, job: "..", build: BuildID(1), refs: nil)
        }
        #expect(throws: ArtifactLayoutError.unusableName("a/b", .forbiddenByte)) {
            try ArtifactLayout(kind: .periodic, job: "a/b", build: BuildID(1), refs: nil)
        }
        #expect(throws: ArtifactLayoutError.unusableName("unit", .dotComponent(".."))) {
            try ArtifactLayout(kind: .periodic, job: "unit", build: BuildID(1), jobFolder: "logs/../x")
        }
        #expect(throws: ArtifactLayoutError.noPull("unit")) {
            try ArtifactLayout(kind: .presubmit, job: "unit", build: BuildID(1), refs: nil)
        }
    }
}

@Suite struct ArtifactDocumentTests {
    private func text(_ document: some Encodable) throws -> String {
        String(decoding: try ArtifactDocument.encode(document), as: UTF8.self)
    }

    private let time = Date(timeIntervalSince1970: 1_750_000_000)

    @Test func startedNamesWhatIsTested() throws {
        let spec = JobSpec(
            type: .presubmit, job: "unit", buildID: BuildID(42), runID: RunID(), refs: refs, extraRefs: nil)
        let (a, b) = (String(repeating: "a", count: 40), String(repeating: "b", count: 40))
        #expect(
            try text(StartedDocument(timestamp: time, spec: spec, finalSHA: nil)) == """
                {"pull":"7","repo-commit":"\(b)","repo-version":"\(b)",\
                "repos":{"lantern/engine":"main:\(a),7:\(b)"},"timestamp":1750000000}
                """)
        #expect(StartedDocument(timestamp: time, spec: spec, finalSHA: "merged").repoCommit == "merged")
    }

    @Test(arguments: [
        (RunState.success, true, "SUCCESS"), (.failure, false, "FAILURE"), (.aborted, false, "ABORTED"),
        (.error, false, "ERROR"),
    ])
    func finished(state: RunState, passed: Bool, result: String) throws {
        #expect(
            try text(FinishedDocument(timestamp: time, state: state, revision: "main"))
                == #"{"passed":\#(passed),"result":"\#(result)","revision":"main","timestamp":1750000000}"#)
    }

    @Test func cloneRecordsHaveProwsNames() throws {
        var record = CloneRecord(refs: Refs(repository: repository, baseRef: "main"))
        record.commands = [.init(command: "git init", output: "ok", error: nil, duration: 5)]
        record.finalSHA = "c"
        record.duration = 9
        #expect(
            try text([record]) == """
                [{"commands":[{"command":"git init","duration":5,"output":"ok"}],"duration":9,"final_sha":"c",\
                "refs":{"base_ref":"main","org":"lantern","repo":"engine"}}]
                """)
    }

    @Test func aProwJobReadsBack() throws {
        var job = ResolvedJob(name: "unit", kind: .presubmit, repository: repository)
        job.context = "ci/unit"
        job.spec = .object(["containers": .array([.object(["image": .string("debian")])])])
        job.decoration = Decoration()
        let run = RunID()
        let document = ProwJobDocument(
            runID: run, kind: .presubmit, job: job, refs: refs,
            status: .init(
                startTime: time, pendingTime: time, completionTime: nil, state: .running, description: nil, url: nil,
                podName: nil, buildID: BuildID(42)))
        let written = try text(document)
        #expect(written.contains(#""startTime":"2025-06-15T15:06:40Z""#))
        #expect(written.contains(#""state":"pending""#))
        #expect(written.contains(#""decoration_config":{"grace_period":"15s","timeout":"2h0m0s"}"#))
        #expect(written.contains(#""prow.k8s.io/refs.pull":"7""#))
        #expect(document.metadata.name == run.description)
        #expect(try ArtifactDocument.decode(ProwJobDocument.self, from: Array(written.utf8)) == document)
    }

    @Test(arguments: [
        (7200.0, "2h0m0s"), (15, "15s"), (90.5, "1m30.5s"), (0.25, "250ms"), (0, "0s"), (-1, "0s"),
        (3600.5, "1h0m0.5s"),
        (.infinity, "0s"),
    ])
    func durationsAreGos(seconds: Double, text: String) {
        #expect(goDuration(seconds) == text)
    }
}
