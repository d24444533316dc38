import ArtifactStore
import Execution
import FoundationEssentials
import SlipwayModel
import Testing

private let machine = Machine(processors: 4, memory: 8 << 30, architecture: "amd64")

@Suite struct ExecutionPodPlanTests {
    private func plan(_ json: String) throws -> PodPlan {
        try PodPlan(spec: ArtifactDocument.decode(JSONValue.self, from: Array(json.utf8)), machine: machine)
    }

    /// A spec with one container, to which a field is added.
    private func spec(container: String = "", pod: String = "") -> String {
        #"{\#(pod.isEmpty ? "" : pod + ",")"containers":[{"command":["true"]\#(container.isEmpty ? "" : "," + container)}]}"#
    }

    @Test func readsWhatAProcessCanBeGiven() throws {
        let plan = try plan(
            """
            {"activeDeadlineSeconds":60,"restartPolicy":"Never","nodeSelector":{"kubernetes.io/arch":"amd64"},
             "tolerations":[{"key":"a"}],"volumes":[{"name":"cache","emptyDir":{}}],"hostNetwork":false,
             "containers":[{"image":"debian:12","command":["make"],"args":["test"],"workingDir":"/srv",
               "env":[{"name":"A","value":"1"},{"name":"B"}],"ports":[],
               "resources":{"requests":{"cpu":"500m","memory":"1Gi"},"limits":{"cpu":32,"memory":"64Gi"}},
               "securityContext":{"privileged":false,"capabilities":{"drop":["ALL"]}},
               "volumeMounts":[{"name":"cache","mountPath":"/cache"}]}]}
            """)
        #expect(plan.deadline == 60)
        let main = plan.container
        #expect(main.command == ["make", "test"])
        #expect(main.image == "debian:12")
        #expect(main.environment.map(\.name) == ["A", "B"])
        #expect(main.environment.map(\.value) == ["1", ""])
        #expect(main.workingFolder == "/srv")
        #expect(main.mounts.map(\.path) == ["/cache"])
    }

    @Test(arguments: [
        (#""securityContext":{"privileged":true}"#, "spec.containers[0].securityContext.privileged"),
        (
            #""securityContext":{"capabilities":{"add":["NET_ADMIN"]}}"#,
            "spec.containers[0].securityContext.capabilities.add"
        ),
        (#""securityContext":{"runAsUser":1000}"#, "spec.containers[0].securityContext.runAsUser"),
        (#""ports":[{"containerPort":80}]"#, "spec.containers[0].ports"),
        (
            #""env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]"#,
            "spec.containers[0].env[0].valueFrom.secretKeyRef"
        ),
        (#""envFrom":[{"configMapRef":{"name":"c"}}]"#, "spec.containers[0].envFrom"),
        (#""resources":{"requests":{"cpu":5}}"#, "spec.containers[0].resources.requests.cpu"),
        (#""resources":{"requests":{"memory":"9Gi"}}"#, "spec.containers[0].resources.requests.memory"),
        (#""resources":{"limits":{"nvidia.com/gpu":1}}"#, "spec.containers[0].resources.limits.nvidia.com/gpu"),
        (#""resources":{"limits":{"cpu":"many"}}"#, "spec.containers[0].resources.limits.cpu"),
        (#""volumeMounts":[{"name":"none","mountPath":"/x"}]"#, "spec.containers[0].volumeMounts[0].name"),
        (
            #""livenessProbe":{"exec":{}},"lifecycle":{"preStop":{"exec":{"command":["x"]}}}"#,
            "spec.containers[0].lifecycle"
        ),
        (#""somethingNew":1"#, "spec.containers[0].somethingNew"), (#""tty":true"#, "spec.containers[0].tty"),
        (#""args":["a",1]"#, "spec.containers[0].args[1]"), (#""args":["a\u0000b"]"#, "spec.containers[0].args[0]"),
    ])
    func namesTheFieldOfAContainer(container: String, field: String) throws {
        let problem = #expect(throws: PodProblem.self) { try plan(spec(container: container)) }
        #expect(problem?.field == field)
        #expect(problem?.description.contains(field) == true)
    }

    @Test(arguments: [
        (#""volumes":[{"name":"s","secret":{"secretName":"x"}}]"#, "spec.volumes[0].secret"),
        (#""volumes":[{"name":"h","hostPath":{"path":"/"}}]"#, "spec.volumes[0].hostPath"),
        (#""volumes":[{"name":"m","emptyDir":{"medium":"Memory"}}]"#, "spec.volumes[0].emptyDir.medium"),
        (#""volumes":[{"name":"../x","emptyDir":{}}]"#, "spec.volumes[0].name"),
        (#""hostNetwork":true"#, "spec.hostNetwork"), (#""hostPID":true"#, "spec.hostPID"),
        (#""serviceAccountName":"builder""#, "spec.serviceAccountName"),
        (#""nodeSelector":{"kubernetes.io/arch":"arm64"}"#, "spec.nodeSelector['kubernetes.io/arch']"),
        (#""nodeSelector":{"pool":"fast"}"#, "spec.nodeSelector['pool']"),
        (#""runtimeClassName":"gvisor""#, "spec.runtimeClassName"), (#""dnsPolicy":"None""#, "spec.dnsPolicy"),
        (#""initContainers":[{"name":"i","command":["x"]}]"#, "spec.initContainers"),
    ])
    func namesTheFieldOfAPod(pod: String, field: String) throws {
        #expect(#expect(throws: PodProblem.self) { try plan(spec(pod: pod)) }?.field == field)
    }

    @Test(arguments: [
        ("null", "spec"), ("{}", "spec.containers"), (#"{"containers":{}}"#, "spec.containers"),
        (#"{"containers":[{"args":["x"]}]}"#, "spec.containers[0].command"),
        (#"{"containers":[{"command":["a"]},{"command":["b"]}]}"#, "spec.containers[1]"),
    ])
    func needsExactlyOneCommand(json: String, field: String) throws {
        #expect(#expect(throws: PodProblem.self) { try plan(json) }?.field == field)
    }
}

@Suite struct ExecutionEnvironmentTests {
    private static let repository = RepositoryName(org: "lantern", repo: "engine")
    private static let base = String(repeating: "a", count: 40)
    private static let head = String(repeating: "b", count: 40)

    private static func refs(_ numbers: [Int], link: String? = nil, alias: String? = nil) -> Refs {
        var refs = Refs(
            repository: repository, baseRef: "main", baseSHA: base,
            pulls: numbers.isEmpty
                ? nil : numbers.map { Pull(number: $0, author: "ada", sha: head, title: "Glow", headRef: "glow") })
        refs.repoLink = link
        refs.pathAlias = alias
        return refs
    }

    private static let always = ["CI", "JOB_NAME", "JOB_TYPE", "JOB_SPEC", "BUILD_ID", "BUILD_NUMBER", "PROW_JOB_ID"]
    private static let ofRefs = [
        "REPO_OWNER", "REPO_NAME", "SRC_HOST", "SRC_BASE", "PULL_BASE_REF", "PULL_BASE_SHA", "PULL_REFS",
    ]
    private static let ofPull = ["PULL_NUMBER", "PULL_PULL_SHA", "PULL_HEAD_REF", "PULL_TITLE"]

    /// The table of Prow's jobs documentation: which variable exists for which type of job.
    @Test(arguments: [
        (JobKind.periodic, always), (.postsubmit, always + ofRefs), (.batch, always + ofRefs),
        (.presubmit, always + ofRefs + ofPull),
    ])
    func variablesAreProws(kind: JobKind, names: [String]) {
        let spec = JobSpec(
            type: kind, job: "unit", buildID: BuildID(42), runID: RunID(),
            refs: kind == .periodic ? nil : Self.refs(kind == .postsubmit ? [] : kind == .batch ? [1, 2] : [7]),
            extraRefs: [Self.refs([])])
        let variables = JobEnvironment.prow(spec, json: "{}")
        #expect(variables.keys.sorted() == names.sorted())
        #expect(variables["CI"] == "true")
        #expect(variables["BUILD_ID"] == "42" && variables["BUILD_NUMBER"] == "42")
        #expect(variables["JOB_TYPE"] == kind.rawValue)
        switch kind {
        case .periodic: break
        case .postsubmit: #expect(variables["PULL_REFS"] == "main:\(Self.base)")
        case .batch: #expect(variables["PULL_REFS"] == "main:\(Self.base),1:\(Self.head),2:\(Self.head)")
        case .presubmit:
            #expect(variables["PULL_REFS"] == "main:\(Self.base),7:\(Self.head)")
            #expect(variables["PULL_NUMBER"] == "7" && variables["PULL_PULL_SHA"] == Self.head)
            #expect(variables["PULL_HEAD_REF"] == "glow" && variables["PULL_TITLE"] == "Glow")
        }
    }

    @Test(arguments: [
        (
            nil as String?, nil as String?, "github.com", "lantern/engine",
            ["github.com", "lantern", "engine"] as [String]?
        ),
        (
            "https://ghe.example.org/lantern/engine", nil, "ghe.example.org", "lantern/engine",
            ["ghe.example.org", "lantern", "engine"]
        ),
        // A port would put a colon into PATH.
        (
            "http://127.0.0.1:8081/lantern/engine", nil, "127.0.0.1", "lantern/engine",
            ["127.0.0.1", "lantern", "engine"]
        ),
        (nil, "k8s.io/engine", "k8s.io", "engine", ["k8s.io", "engine"]),
        (nil, "engine", "engine", "lantern/engine", ["engine"]), (nil, "../../etc", "..", "../etc", nil),
        (nil, "/etc/cron.d", "", "etc/cron.d", nil), (nil, "a/.git/hooks", "a", ".git/hooks", nil),
    ])
    func sourcesLieWhereProwPutsThem(link: String?, alias: String?, host: String, base: String, folder: [String]?) {
        let refs = Self.refs([], link: link, alias: alias)
        #expect(CloneLocation(refs).host == host)
        #expect(CloneLocation(refs).base == base)
        #expect(CloneLocation.components(refs) == folder)
    }

    @Test(arguments: [
        ("plain", "plain"), ("$(A)-$(B)", "1-2"), ("$$(A)", "$(A)"), ("$(C)", "$(C)"), ("a$", "a$"), ("$A", "$A"),
        ("$(A", "$(A"), ("$()", "$()"), ("$$$(A)", "$1"),
    ])
    func variablesExpandAsInKubernetes(text: String, expanded: String) {
        #expect(JobEnvironment.expand(text, ["A": "1", "B": "2"]) == expanded)
    }
}
