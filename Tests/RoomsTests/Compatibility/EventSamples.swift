import FoundationEssentials
import Scheduling
import SlipwayModel

/// One event of each type, every field filled.
enum EventSamples {
    static let all: [any Event] = {
        let run = RunID(uuid("1"))
        let build = BuildID(1_883_191_214_894_775_414)
        let deliveryID = "11f2c5d0-0000-11ef-8000-000000000001"
        let instant = Date(timeIntervalSince1970: 1_750_000_000)
        return [
            DeliveryReceived(
                deliveryID: deliveryID, event: "pull_request", action: "opened", repository: repository),
            PullChanged(
                repository: repository, number: 7, action: "labeled", title: "A title", author: "author",
                authorAssociation: "MEMBER", isOpen: true, isDraft: false, isMerged: false, headRef: "topic",
                headSHA: sha("a"), baseRef: "main", baseSHA: sha("b"), previousBaseRef: "old", label: "lgtm",
                labels: ["lgtm"], sender: "sender", mergeable: true, link: "https://forge.example/7",
                deliveryID: deliveryID, subjectVersion: 1),
            RefPushed(
                repository: repository, ref: "main", isTag: false, before: sha("a"), after: sha("b"),
                changedFiles: ["README.md"], sender: "sender", deliveryID: deliveryID),
            CommandIssued(
                repository: repository, number: 7, actor: "actor", actorAssociation: "MEMBER", commentID: 9,
                commands: [.init(name: "test", arguments: "all")], body: "/test all", deliveryID: deliveryID),
            CommentWritten(
                repository: repository, number: 7, kind: .comment, action: "created", commentID: 9, author: "actor",
                deliveryID: deliveryID, subjectVersion: 1),
            PeopleChanged(
                org: repository.org, repository: repository, team: "team", login: "login", deliveryID: deliveryID),
            RepositoryNamed(
                repository: repository, former: RepositoryName(org: "org", repo: "former"), deliveryID: deliveryID),
            BaseMoved(repository: repository, branch: "main", sha: sha("a"), deliveryID: deliveryID),
            StatusTold(
                repository: repository, sha: sha("a"), context: "ci/else", sender: "sender", deliveryID: deliveryID),
            ForgeDesired(
                repository: repository, target: "commit/\(sha("a"))", key: "status/\(sha("a"))/unit",
                value: .status(
                    sha: sha("a"), context: "unit", state: "success", description: "passed",
                    targetURL: "https://ci.example/run"), version: 1),
            ForgeDesired(
                repository: repository, target: "pull/7", key: "comment/7/approval",
                value: .comment(number: 7, tag: "approval", body: "text"), version: 1),
            ForgeDesired(
                repository: repository, target: "pull/7", key: "label/7/lgtm",
                value: .label(number: 7, name: "lgtm", present: true), version: 1),
            RunRequested(
                requestID: uuid("2"), origin: .trigger, kind: .presubmit, job: "unit", refs: refs, priority: 1,
                reuse: .never, leases: ["cloud"], deadline: instant, overriddenBy: "somebody"),
            RunAccepted(requestID: uuid("2"), runID: run),
            RunRefused(requestID: uuid("2"), reason: "there is no such job"),
            RunCancel(runID: run, by: "somebody", reason: "not needed"),
            RunCancelled(runID: run, buildID: build, reason: "not needed"),
            RunsDispatched(cluster: "default", builds: [build]),
            RunStarted(runID: run, buildID: build, cluster: "default"),
            RunFinished(
                runID: run, buildID: build, requestID: uuid("2"), origin: .trigger, kind: .presubmit, job: "unit",
                jobHash: "hash", refs: refs, tree: sha("c"), state: .success, requestedAt: instant, startedAt: instant,
                finishedAt: instant, configVersion: 1, artifactFolder: "pr-logs/pull/org_repo/7/unit"),
            PresubmitPassed(repository: repository, branch: "main"),
            ResultsIngested(runID: run, buildID: build, passed: 1, failed: 2, flaky: 3, skipped: 4),
            LeaseRequested(
                runID: run, job: "unit", items: [LeaseItem(types: ["cloud"], count: 1, reason: "a test")], priority: 1),
            LeaseGranted(
                runID: run, leaseID: uuid("3"),
                resources: [LeasedResource(name: "cloud-1", type: "cloud", token: 1, data: "{}")]),
            LeaseLost(runID: run, reason: "expired"),
            LeaseReturned(runID: run),
            LeaseWaiting(runID: run, text: "1 before you"),
            ConfigurationApplied(version: 2, previous: 1),
            PullReconcile(
                repository: repository, number: 7, version: 2, previous: 1,
                push: .init(before: sha("a"), after: sha("b"))),
        ]
    }()

    private static let repository = RepositoryName(org: "org", repo: "repo")
    private static let refs = Refs(
        repository: repository, baseRef: "main", baseSHA: sha("b"),
        pulls: [Pull(number: 7, author: "author", sha: sha("a"), title: "A title", headRef: "topic")])

    private static func sha(_ digit: Character) -> String { String(repeating: digit, count: 40) }

    private static func uuid(_ digit: Character) -> UUID {
        UUID(uuidString: "019f0000-0000-7000-8000-\(String(repeating: digit, count: 12))") ?? UUID()
    }
}
