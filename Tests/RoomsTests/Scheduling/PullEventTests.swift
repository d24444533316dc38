import Fleet
import Forge
import ForgeTesting
import Foundation
import LocalForge
import Scheduling
import SlipwayModel
import Testing

/// Events and commands of pull requests of a real forge, up to the runs and comments they lead to.
@Suite("Pull requests at a forge")
struct PullEventTests {
    private static let jobs = [
        (name: "unit", keys: "always_run: true"), (name: "docs", keys: "run_if_changed: '\\.md$'"),
        (name: "manual", keys: "optional: true"),
    ]

    private func run(
        _ body: @Sendable @escaping (SchedulingHarness, ForgeFixture) async throws -> Void
    ) async throws {
        try await SchedulingHarness.run { harness, forge in
            try await harness.apply(presubmits: Self.jobs[0], Self.jobs[1], Self.jobs[2])
            try await body(harness, forge)
        }
    }

    @Test("a member's pull request starts its automatic jobs, on the base as it is")
    func opened() async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            try await forge.git("checkout", "--quiet", "main")
            let base = try await forge.push("main", ["later.txt": "x\n"])
            try await harness.deliver(pull.changed("opened"))
            let runs = try await harness.runs()
            #expect(runs.map(\.job) == ["unit"])
            try await harness.announce()
            let refs = try #require(try await harness.claimLatest().refs)
            #expect(refs.baseSHA == base && refs.baseRef == "main")
            #expect(refs.repoLink == "\(forge.address.web)/harbor/crane")
            #expect(refs.pulls?.first?.sha == pull.head.sha)
            #expect(refs.pulls?.first?.link == pull.htmlURL)
        }
    }

    @Test("change rules see the files of the pull request")
    func changedFiles() async throws {
        try await run { harness, forge in
            _ = try await forge.push("words", ["guide.md": "x\n"])
            let pull = try await forge.user("noor").openPull(
                ForgeFixture.repository, title: "Words", head: "words", base: "main")
            try await harness.deliver(pull.changed("opened"))
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "docs"])
        }
    }

    @Test("a push ends the runs of older commits and starts them on the new one")
    func push() async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            let old = try #require(try await harness.runs().first)
            let head = try await forge.push("feature", ["feature.txt": "y\n"])
            let moved = try await forge.bot.pull(ForgeFixture.repository, pull.number)
            try await harness.deliver(moved.changed("synchronize", delivery: "d2"))
            #expect(try await harness.run(old.runID).description == SchedulingText.newHead(head))
            #expect(try await harness.state(old.runID) == .aborted)
            #expect(try await harness.count(.waiting) == 1)
            // The older delivery comes late, and again: nothing of it happens any more.
            try await harness.deliver(pull.changed("opened", delivery: "late"))
            #expect(try await harness.runs().count == 2)
        }
    }

    @Test(
        "closing ends everything, also what was not the newest commit's", arguments: ["closed", "converted_to_draft"])
    func closed(action: String) async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            var event = pull.changed(action, delivery: "end")
            event.isOpen = action != "closed"
            event.isDraft = action != "closed"
            event.subjectVersion += 1000
            try await harness.deliver(event)
            #expect(try await harness.runs().map(\.state) == [.aborted])
        }
    }

    @Test("a stranger's pull request starts nothing and says who may; a member's command starts it")
    func stranger() async throws {
        try await run { harness, forge in
            let pull = try await forge.strangersPull()
            let welcome = try await harness.deliver(pull.changed("opened")).all(ForgeDesired.self)
            #expect(welcome.map(\.key) == ["comment/\(pull.number)/slipway-untrusted"])
            #expect(try await harness.runs().isEmpty)

            let ignored = try await harness.deliver(pull.command("/test all", by: "stranger", delivery: "c1"))
            #expect(
                try ignored.all(ForgeDesired.self).map(\.key) == ["comment/\(pull.number)/slipway-untrusted-command"])
            #expect(try await harness.runs().isEmpty)

            try await harness.deliver(pull.command("/test all", by: "maria", delivery: "c2"))
            #expect(try await harness.runs().map(\.job) == ["unit"])
        }
    }

    @Test("with ok-to-test everything follows, the author's commands too")
    func okToTest() async throws {
        try await run { harness, forge in
            let opened = try await forge.strangersPull()
            try await forge.bot.addLabels(ForgeFixture.repository, opened.number, ["ok-to-test"])
            let pull = try await forge.bot.pull(ForgeFixture.repository, opened.number)
            var event = pull.changed("labeled")
            event.label = "ok-to-test"
            try await harness.deliver(event)
            #expect(try await harness.runs().map(\.job) == ["unit"])
            try await harness.deliver(pull.command("/test manual", by: "stranger", delivery: "c1"))
            #expect(try await Set(harness.runs().map(\.job)) == ["unit", "manual"])
        }
    }

    @Test("ok-to-test that is there when it is opened starts nothing by that: its own event does")
    func openedWithLabel() async throws {
        try await run { harness, forge in
            let opened = try await forge.strangersPull()
            try await forge.bot.addLabels(ForgeFixture.repository, opened.number, ["ok-to-test"])
            let pull = try await forge.bot.pull(ForgeFixture.repository, opened.number)
            let wishes = try await harness.deliver(pull.changed("opened")).all(ForgeDesired.self)
            #expect(wishes.map(\.key) == ["comment/\(pull.number)/slipway-untrusted"])
            #expect(try await harness.runs().isEmpty)
        }
    }

    @Test("/test all where nothing runs by itself says so")
    func nothingByItself() async throws {
        try await SchedulingHarness.run { harness, forge in
            try await harness.apply(presubmits: (name: "manual", keys: "optional: true"))
            let pull = try await forge.openPull()
            for (command, words) in [
                ("/test all", "No jobs can be run with `/test all`."),
                ("/test", "The `/test` command needs one or more targets."),
                ("/retest manual", "The `/retest` command does not accept any targets."),
            ] {
                let wishes = try await harness.deliver(pull.command(command, by: "noor", delivery: command))
                    .all(ForgeDesired.self)
                guard case .comment(_, _, let body?)? = wishes.first?.value else {
                    Issue.record("\(command): \(wishes)")
                    continue
                }
                #expect(body.hasPrefix(words) && body.contains("`/test manual`"))
            }
            #expect(try await harness.runs().isEmpty)
        }
    }

    @Test("a conflict is said in the statuses of all jobs that would start")
    func conflict() async throws {
        try await run { harness, forge in
            _ = try await forge.push("feature", ["README.md": "mine\n"])
            try await forge.git("checkout", "--quiet", "main")
            _ = try await forge.push("main", ["README.md": "theirs\n"])
            let pull = try await forge.user("noor").openPull(
                ForgeFixture.repository, title: "Mine", head: "feature", base: "main")
            let wishes = try await harness.deliver(pull.changed("opened")).all(ForgeDesired.self)
            #expect(try await harness.runs().isEmpty)
            let statuses = wishes.compactMap { wish -> String? in
                guard case .status(_, let context, let state, let description, _) = wish.value else { return nil }
                #expect(state == "error" && description == SchedulingText.conflict(base: "main"))
                return context
            }
            #expect(Set(statuses) == ["unit", "docs"])
        }
    }

    @Test("/retest starts what failed on this commit")
    func retest() async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            try await harness.deliver(pull.changed("opened"))
            try await harness.announce(capacity: 4)
            let first = try await harness.claimLatest()
            _ = try await harness.finish(first, .success)
            try await harness.deliver(pull.command("/retest", by: "noor", delivery: "c1"))
            #expect(try await harness.runs().count == 1)
            try await harness.deliver(pull.command("/test unit", by: "noor", delivery: "c2"))
            let second = try await harness.claimLatest()
            _ = try await harness.finish(second, .failure)
            try await harness.deliver(pull.command("/retest", by: "noor", delivery: "c3"))
            #expect(try await harness.runs().count == 3)
        }
    }

    @Test("help is posted for a name that nobody knows, and taken away by the next command")
    func help() async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            let wishes = try await harness.deliver(pull.command("/test uint", by: "noor", delivery: "c1"))
                .all(ForgeDesired.self)
            guard case .comment(_, let tag, let body?)? = wishes.first?.value else {
                Issue.record("no comment: \(wishes)")
                return
            }
            #expect(body.contains("`uint`") && body.contains("`/test unit`") && body.contains(tag))
            let later = try await harness.deliver(pull.command("/test unit", by: "noor", delivery: "c2"))
                .all(ForgeDesired.self)
            #expect(later.map(\.value) == [.comment(number: pull.number, tag: tag, body: nil)])
        }
    }

    @Test("a command on a closed pull request, or one that is gone, does nothing")
    func closedCommand() async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            _ = try await forge.user("maria").updatePull(ForgeFixture.repository, pull.number, state: "closed")
            try await harness.deliver(pull.command("/test all", by: "maria", delivery: "c1"))
            var gone = pull
            gone.number = 99
            try await harness.deliver(gone.command("/test all", by: "maria", delivery: "c2"))
            #expect(try await harness.runs().isEmpty)
        }
    }

    @Test("while the forge does not answer, the event is kept for later")
    func outage() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(presubmits: Self.jobs[0])
            let pull = PullRequest(
                number: 1, state: "open", title: "t", user: Account(login: "noor"),
                head: .init(ref: "f", sha: "abc"), base: .init(ref: "main", sha: "def"))
            await #expect(throws: RetryLater.self) { try await harness.deliver(pull.changed("opened")) }
        }
    }

    @Test("events of one pull request in one batch are handled one after the other")
    func batch() async throws {
        try await run { harness, forge in
            let pull = try await forge.openPull()
            try await harness.deliver([
                pull.changed("opened"), pull.command("/test unit", by: "noor", delivery: "c1"),
                pull.command("/test manual", by: "noor", delivery: "c2"),
            ])
            let states = try await harness.runs().map { "\($0.job) \($0.state.rawValue)" }
            #expect(Set(states) == ["unit aborted", "unit waiting", "manual waiting"])
        }
    }
}

extension PullRequest {
    /// The event of a delivery about this state.
    func changed(_ action: String, delivery: String = "d1") -> PullChanged {
        PullChanged(
            repository: ForgeFixture.repository, number: number, action: action, title: title, author: author,
            authorAssociation: authorAssociation, isOpen: isOpen, isDraft: isDraft ?? false, isMerged: wasMerged,
            headRef: head.ref, headSHA: head.sha, baseRef: base.ref, baseSHA: base.sha, previousBaseRef: nil,
            label: nil, labels: labelNames, sender: author, mergeable: mergeable, link: htmlURL,
            deliveryID: delivery, subjectVersion: updatedAt?.milliseconds ?? 0)
    }

    func command(_ text: String, by actor: String, delivery: String) -> CommandIssued {
        let words = text.dropFirst().split(separator: " ", maxSplits: 1)
        return CommandIssued(
            repository: ForgeFixture.repository, number: number, actor: actor, actorAssociation: nil, commentID: 1,
            commands: [.init(name: String(words[0]), arguments: words.count > 1 ? String(words[1]) : "")],
            body: text, deliveryID: delivery)
    }
}
