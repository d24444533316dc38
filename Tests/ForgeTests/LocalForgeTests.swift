import Forge
import LocalForge
import SlipwayModel
import Testing

@Suite("LocalForge: GitHub's API on git repositories")
struct LocalForgeTests {
    private let repository = TestForge.repository

    @Test("a push and a pull request are told to the hook, signed")
    func deliveries() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let first = try await clone.head()
            let pushed = try await forge.sink.first { $0.event == "push" }
            #expect(
                WebhookSignature.verify(
                    header: pushed.headers["x-hub-signature-256"], body: pushed.body, secrets: [TestForge.secret]))
            #expect(pushed.headers["x-github-hook-id"] == "1")
            #expect(pushed.guid.count == 36)
            guard case .push(let push) = try pushed.delivery() else { throw CancellationError() }
            #expect(push.ref == "refs/heads/main" && push.before == PushEvent.zeroSHA && push.after == first)
            #expect(push.pusher?.name == "maria" && push.changedFiles == ["README.md"])

            try await clone.branch("feature")
            let head = try await clone.commit(["lib/a.txt": "a\n"], "Add a")
            try await clone.push("feature")
            let pull = try await forge.user("noor").openPull(
                repository, title: "Add a", head: "feature", base: "main", body: "Please.")
            #expect(pull.number == 1 && pull.author == "noor" && pull.head.sha == head && pull.base.sha == first)
            let opened = try await forge.sink.pull("opened", 1)
            #expect(opened.pullRequest.authorAssociation == "MEMBER")
            #expect(opened.pullRequest.mergeable == true)
            #expect(opened.repository.cloneURL == forge.address.cloneURL(repository))
            #expect(opened.sender?.login == "noor")

            let second = try await clone.commit(["lib/a.txt": "aa\n"], "More a")
            try await clone.push("feature")
            let moved = try await forge.sink.pull("synchronize", 1)
            #expect(moved.before == head && moved.after == second && moved.pullRequest.head.sha == second)
        }
    }

    @Test("members of teams are known by the team's slug and by its number")
    func teams() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            let team = try await forge.admin.createTeam(org: repository.org, name: "Crane Drivers")
            #expect(team.slug == "crane-drivers")
            try await forge.admin.addTeamMember(org: repository.org, team: team.slug, user: "noor")
            let bot = forge.bot
            #expect(try await bot.isTeamMember(repository.org, team: team.slug, "noor"))
            #expect(try await bot.isTeamMember(repository.org, teamID: team.id, "noor"))
            #expect(try await !bot.isTeamMember(repository.org, teamID: team.id, "maria"))
            #expect(try await !bot.isTeamMember(repository.org, teamID: team.id + 1, "noor"))
            #expect(try await !bot.isTeamMember("nowhere", teamID: team.id, "noor"))
            await #expect(throws: ForgeError.self) {
                try await forge.admin.createTeam(org: repository.org, name: "crane drivers")
            }
        }
    }

    @Test("pull refs can be fetched, the merge among them")
    func pullRefs() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            let head = try await clone.commit(["a": "1"], "a")
            try await clone.push("feature")
            _ = try await forge.user("noor").openPull(repository, title: "A", head: "feature", base: "main")
            try await clone.git(["fetch", "--quiet", clone.url, "refs/pull/1/head"])
            #expect(try await clone.git(["rev-parse", "FETCH_HEAD"]) == head)
            try await clone.git(["fetch", "--quiet", clone.url, "refs/pull/1/merge"])
            #expect(try await clone.git(["rev-parse", "FETCH_HEAD^2"]) == head)
            // The forge's own refs are not for pushing.
            await #expect(throws: Clone.Failure.self) { try await clone.push("feature:refs/pull/1/head") }
        }
    }

    @Test("a conflict makes a pull request unmergeable, and a mended one mergeable")
    func conflict() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.branch("feature")
            try await clone.commit(["README.md": "feature\n"], "feature")
            try await clone.push("feature")
            _ = try await forge.user("noor").openPull(repository, title: "F", head: "feature", base: "main")
            #expect(try await forge.bot.pull(repository, 1).mergeable == true)

            try await clone.git(["checkout", "--quiet", "main"])
            try await clone.commit(["README.md": "main\n"], "main moves")
            try await clone.push("main")
            #expect(try await forge.bot.pull(repository, 1).mergeable == false)

            try await clone.git(["checkout", "--quiet", "feature"])
            try await clone.git(["reset", "--quiet", "--hard", "main"])
            try await clone.commit(["README.md": "both\n"], "both")
            try await clone.push("+feature")
            #expect(try await forge.sink.pull("synchronize", 1).pullRequest.mergeable == true)
            #expect(try await forge.bot.pull(repository, 1).mergeable == true)
        }
    }

    @Test("what a pull request changes")
    func filesAndCommits() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            try await clone.commit(["old name.txt": "one\ntwo\nthree\nfour\n", "gone": "x\n"], "more")
            try await clone.push("main")
            try await clone.branch("feature")
            try await clone.git(["mv", "old name.txt", "new\tname.txt"])
            try await clone.git(["rm", "--quiet", "gone"])
            try await clone.commit(["README.md": "crane\nlifts\n"], "Rename\n\nand more")
            let head = try await clone.commit(["späth.txt": "ä\n"], "Add späth")
            try await clone.push("feature")
            _ = try await forge.user("noor").openPull(repository, title: "F", head: "feature", base: "main")

            let files = try await forge.bot.pullFiles(repository, 1).sorted { $0.filename < $1.filename }
            #expect(files.map(\.filename) == ["README.md", "gone", "new\tname.txt", "späth.txt"])
            #expect(files.map(\.status) == ["modified", "removed", "renamed", "added"])
            #expect(files[2].previousFilename == "old name.txt")
            #expect(files[0].additions == 1 && files[0].deletions == 0)
            let commits = try await forge.bot.pullCommits(repository, 1)
            #expect(commits.map(\.commit.message) == ["Rename\n\nand more", "Add späth"])
            #expect(commits.last?.sha == head && commits.last?.author?.login == "maria")
            let detail = try await forge.bot.pull(repository, 1)
            #expect(detail.commits == 2 && detail.changedFiles == 4 && detail.additions == 2 && detail.deletions == 1)
        }
    }

    @Test("comments are made, changed and taken away")
    func comments() async throws {
        try await TestForge.run { forge in
            try await onePull(forge)
            let made = try await forge.bot.createComment(repository, 1, body: "one")
            #expect(made.author == "slipway-bot")
            _ = try await forge.user("sam").createComment(repository, 1, body: "/test all")
            _ = try await forge.bot.updateComment(repository, id: made.id, body: "two")
            #expect(try await forge.bot.comments(repository, 1).map(\.body) == ["two", "/test all"])
            // A stranger may not touch others' words.
            let refused = try await #require(throws: ForgeError.self) {
                try await forge.user("sam").updateComment(repository, id: made.id, body: "x")
            }
            #expect(refused.status == 403)
            try await forge.bot.deleteComment(repository, id: made.id)
            let again = try await #require(throws: ForgeError.self) {
                try await forge.bot.deleteComment(repository, id: made.id)
            }
            #expect(again.isNotFound)
            let told = try await forge.sink.first {
                guard case .issueComment(let event) = try $0.delivery() else { return false }
                return event.action == "created" && event.comment.author == "sam"
            }
            guard case .issueComment(let event) = try told.delivery() else { throw CancellationError() }
            #expect(event.issue.isPullRequest && event.issue.number == 1 && event.comment.authorAssociation == "NONE")
            _ = try await forge.sink.first { try $0.delivery().action == "deleted" }
        }
    }

    @Test("labels come and go, each with an event")
    func labels() async throws {
        try await TestForge.run { forge in
            try await onePull(forge)
            let added = try await forge.bot.addLabels(repository, 1, ["kind/bug fix", "ok-to-test"])
            #expect(added.map(\.name) == ["kind/bug fix", "ok-to-test"])
            _ = try await forge.bot.addLabels(repository, 1, ["ok-to-test"])
            try await forge.bot.removeLabel(repository, 1, "kind/bug fix")
            #expect(try await forge.bot.labels(repository, 1).map(\.name) == ["ok-to-test"])
            let gone = try await #require(throws: ForgeError.self) {
                try await forge.bot.removeLabel(repository, 1, "kind/bug fix")
            }
            #expect(gone.isNotFound)
            #expect(try await forge.sink.pull("labeled", 1).label?.name == "kind/bug fix")
            #expect(try await forge.sink.pull("unlabeled", 1).label?.name == "kind/bug fix")
            let count = await forge.sink.received.count { (try? $0.delivery().action) == "labeled" }
            #expect(count == 2)
        }
    }

    @Test(
        "the combined status",
        arguments: [
            ([], "pending"), (["success"], "success"), (["success", "pending"], "pending"),
            (["success", "pending", "failure"], "failure"), (["error"], "failure"),
        ] as [([String], String)])
    func combined(states: [String], expected: String) async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let sha = try await clone.head()
            for (index, state) in states.enumerated() {
                // What was before does not count.
                try await forge.bot.createStatus(
                    repository, sha: sha, CommitStatus(state: "failure", context: "job-\(index)"))
                try await forge.bot.createStatus(
                    repository, sha: sha,
                    CommitStatus(state: state, context: "job-\(index)", targetURL: "http://127.0.0.1/runs/1"))
            }
            let combined = try await forge.bot.combinedStatus(repository, ref: "main")
            #expect(combined.state == expected && combined.sha == sha)
            #expect(combined.statuses.map(\.state) == states)
        }
    }

    @Test("a status that GitHub would refuse")
    func badStatuses() async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let sha = try await clone.head()
            let long = String(repeating: "x", count: 141)
            for (commit, status) in [
                (String(repeating: "1", count: 40), CommitStatus(state: "success", context: "a")),
                ("main", CommitStatus(state: "success", context: "a")),
                (sha, CommitStatus(state: "green", context: "a")),
                (sha, CommitStatus(state: "success", context: "a", description: long)),
                (sha, CommitStatus(state: "success", context: "")),
                (sha, CommitStatus(state: "success", context: "a", targetURL: "javascript:alert(1)")),
            ] {
                let error = try await #require(throws: ForgeError.self) {
                    try await forge.bot.createStatus(repository, sha: commit, status)
                }
                #expect(error.status == 422 && error.isPermanent)
            }
            let anonymous = try await #require(throws: ForgeError.self) {
                try await forge.stranger.createStatus(
                    repository, sha: sha, CommitStatus(state: "success", context: "a"))
            }
            #expect(anonymous.status == 401)
        }
    }

    @Test("pull requests that cannot be opened say why")
    func badPulls() async throws {
        try await TestForge.run { forge in
            try await onePull(forge)
            for (head, base, reason) in [
                ("nowhere", "main", "there is no branch nowhere"), ("feature", "nowhere", "there is no branch nowhere"),
                ("feature", "main", "already exists"), ("main", "main", "No commits between"),
            ] {
                let error = try await #require(throws: ForgeError.self) {
                    _ = try await forge.user("noor").openPull(repository, title: "T", head: head, base: base)
                }
                #expect(error.status == 422 && error.message.contains(reason), "\(error)")
            }
        }
    }

    @Test("closing, reopening, retitling, another base, and landing by a push")
    func life() async throws {
        try await TestForge.run { forge in
            let clone = try await onePull(forge)
            let noor = forge.user("noor")
            #expect(try await noor.updatePull(repository, 1, state: "closed").state == "closed")
            #expect(try await forge.bot.pulls(repository).isEmpty)
            #expect(try await forge.bot.pulls(repository, state: "closed").map(\.number) == [1])
            #expect(try await noor.updatePull(repository, 1, state: "open").state == "open")
            _ = try await forge.sink.pull("reopened", 1)

            try await clone.push("main:release")
            _ = try await noor.updatePull(repository, 1, title: "Better", base: "release")
            let edited = try await forge.sink.pull("edited", 1)
            #expect(edited.changes?.base?.ref?.from == "main" && edited.changes?.title?.from == "Feature")
            #expect(edited.pullRequest.base.ref == "release")

            try await clone.push("feature:release")
            let landed = try await forge.sink.first {
                guard case .pullRequest(let event) = try $0.delivery() else { return false }
                return event.action == "closed" && event.pullRequest.wasMerged
            }
            guard case .pullRequest(let event) = try landed.delivery() else { throw CancellationError() }
            #expect(event.pullRequest.mergeCommitSHA == event.pullRequest.head.sha)
            await #expect(throws: ForgeError.self) { _ = try await noor.updatePull(repository, 1, state: "open") }
        }
    }

    @Test("deleting a branch closes its pull request and is told")
    func deletion() async throws {
        try await TestForge.run { forge in
            let clone = try await onePull(forge)
            try await clone.push(":feature")
            #expect(try await forge.sink.pull("closed", 1).pullRequest.wasMerged == false)
            let deleted = try await forge.sink.first { $0.event == "delete" }
            guard case .delete(let event) = try deleted.delivery() else { throw CancellationError() }
            #expect(event.ref == "feature" && event.refType == "branch")
            try await clone.git(["tag", "v1.0", "main"])
            try await clone.push("v1.0")
            let created = try await forge.sink.first {
                guard case .push(let push) = try $0.delivery() else { return false }
                return push.isTag
            }
            guard case .push(let push) = try created.delivery() else { throw CancellationError() }
            #expect(push.shortRef == "v1.0" && push.changedFiles.isEmpty)
            #expect(try await forge.bot.branchHead(repository, "feature") == nil)
            #expect(try await forge.bot.reference(repository, "tags/v1.0").object.type == "commit")
        }
    }

    @Test("members, collaborators and strangers")
    func people() async throws {
        try await TestForge.run { forge in
            _ = try await forge.makeRepository()
            #expect(try await forge.bot.isMember("harbor", "noor"))
            #expect(!(try await forge.bot.isMember("harbor", "sam")))
            #expect(!(try await forge.bot.isMember("nowhere", "noor")))
            #expect(try await forge.bot.isCollaborator(repository, "noor"))
            #expect(!(try await forge.bot.isCollaborator(repository, "sam")))
            #expect(try await forge.bot.permission(repository, "maria") == "admin")
            #expect(try await forge.bot.permission(repository, "noor") == "write")
            #expect(try await forge.bot.permission(repository, "sam") == "read")
            #expect(try await forge.bot.members(of: "harbor").map(\.login) == ["maria", "noor"])
            #expect(try await forge.bot.currentUser().isBot)
        }
    }

    /// A repository with the pull request 1, `feature` into `main`, by noor.
    @discardableResult
    private func onePull(_ forge: TestForge) async throws -> Clone {
        let clone = try await forge.makeRepository()
        try await clone.branch("feature")
        try await clone.commit(["feature.txt": "f\n"], "feature")
        try await clone.push("feature")
        _ = try await forge.user("noor").openPull(repository, title: "Feature", head: "feature", base: "main")
        return clone
    }
}
