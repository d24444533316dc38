import Fleet
import Forge
import ForgeTesting
import Foundation
import JobConfig
import LocalForge
import Postgres
import SlipwayModel
import SlipwayTesting
import Testing

/// Approvals and reviews from the forge's hook to the forge, on real repositories.
@Suite("Approvals and reviews, end to end")
struct OwnersEndToEndTests {
    static let owners = [
        "OWNERS": "approvers: [maria]\nreviewers: [li]\n",
        "cranes/OWNERS": "approvers: [dora]\nreviewers: [li]\nlabels: [area/cranes]\n",
        "docks/OWNERS": "approvers: [li]\noptions: {min_approvers: 2}\n",
    ]

    /// Only what this is about.
    static let plugins = {
        var plugins = PluginSettings()
        plugins.plugins["harbor"] = .init(
            names: ["lgtm", "approve", "verify-owners", "owners-label", "blunderbuss"])
        return plugins
    }()

    @Test("a change is looked at and approved; a push takes the look away and leaves the approval")
    func line() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.until("it is told who can approve") {
                try await harness.approval(number)?.contains("**NOT APPROVED**") == true
            }
            try await harness.say("/lgtm", on: number, by: "li")
            try await harness.say("/approve", on: number, by: "dora")
            try await harness.until("both labels are there") {
                try await harness.labels(number).isSuperset(of: ["lgtm", "approved"])
            }
            try await harness.quiet()
            #expect(try await harness.approval(number)?.contains("**APPROVED**") == true)
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "2\n"])
            try await harness.until("the look is gone") { try await !harness.labels(number).contains("lgtm") }
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["approved"])
            #expect(try await harness.words(number).contains { $0.contains("`lgtm` was removed") })
            // Another part of the tree needs somebody else.
            _ = try await harness.forge.push("arm", ["docks/wall.c": "1\n"])
            try await harness.until("the approval is gone") { try await !harness.labels(number).contains("approved") }
            try await harness.say("/approve", on: number, by: "li")
            try await harness.say("/approve", on: number, by: "maria")
            try await harness.until("two approve the docks") { try await harness.labels(number).contains("approved") }
        }
    }

    @Test("only those who may: the author, a stranger, somebody without a say")
    func refusals() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            for author in ["noor", "sam"] { try await harness.say("/lgtm", on: number, by: author) }
            for author in ["noor", "sam", "li"] { try await harness.say("/approve", on: number, by: author) }
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
            let words = try await harness.words(number)
            #expect(words.contains { $0.hasPrefix("@noor: ") && $0.contains("somebody else than its author") })
            #expect(words.contains { $0.hasPrefix("@sam: ") && $0.contains("collaborators") })
        }
    }

    @Test("the same comment delivered three times acts once; comments that arrive the wrong way round end the same")
    func deliveries() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            try await harness.say("/approve", on: number, by: "dora")
            try await harness.say("/approve cancel", on: number, by: "dora")
            try await harness.say("/approve", on: number, by: "dora")
            var said: [Message] = []
            try await eventually("three comments are read") {
                // Deliveries have to be read before they are comments.
                let messages = try await harness.taken()
                said += messages.filter { $0.envelope.type == CommentWritten.type }
                try await harness.handOn(messages.filter { $0.envelope.type != CommentWritten.type })
                return said.count == 3
            }
            // The last first, each three times, each in a batch of its own.
            for message in said.reversed() {
                for _ in 0..<3 { try await harness.handOn([message]) }
            }
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["approved"])
            let commands = try await harness.bus.database.query("select count(*) from pull_requests.commands_v1").one()
                .decode(Int.self)
            #expect(commands == 3)
        }
    }

    @Test("two who speak at once leave one state", arguments: 0..<3)
    func racing(round: Int) async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            try await harness.say("/approve", on: number, by: "dora")
            try await harness.say("/approve\n/approve cancel", on: number, by: "maria")
            var said: [Message] = []
            try await eventually("both are read") {
                let messages = try await harness.taken()
                said += messages.filter { $0.envelope.type == CommentWritten.type }
                try await harness.handOn(messages.filter { $0.envelope.type != CommentWritten.type })
                return said.count == 2
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for message in said { group.addTask { try await harness.handOn([message]) } }
                try await group.waitForAll()
            }
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["approved"])
        }
    }

    @Test("a push between /lgtm and its handling: the word is about something else")
    func pushedOver() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            try await harness.say("/lgtm", on: number, by: "li")
            var said: [Message] = []
            try await eventually("it is read") {
                let messages = try await harness.taken()
                said += messages.filter { $0.envelope.type == CommentWritten.type }
                try await harness.handOn(messages.filter { $0.envelope.type != CommentWritten.type })
                return said.count == 1
            }
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "evil\n"])
            try await harness.quiet()
            try await harness.handOn(said)
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("lgtm"))
            #expect(try await harness.words(number).contains { $0.hasPrefix("@li: ") && $0.contains("say it again") })
        }
    }

    @Test("a forced push while approved: the approval stays, the look goes, unless the tree is the same")
    func forced() async throws {
        var plugins = PluginSettings()
        plugins.plugins["harbor"] = .init(names: ["lgtm", "approve"])
        plugins.lgtm = [PluginSettings.LGTM()]
        plugins.lgtm[0].repos = ["harbor"]
        plugins.lgtm[0].storesTreeHash = true
        try await PullRequestsHarness.run(files: Self.owners, plugins: plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            try await harness.say("/lgtm", on: number, by: "li")
            try await harness.say("/approve", on: number, by: "dora")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
            try await harness.forge.git("commit", "--quiet", "--amend", "--message", "The same, told better")
            try await harness.forge.git("push", "--quiet", "--force", "origin", "arm")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "2\n"])
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["approved"])
        }
    }

    @Test("OWNERS are those of the base branch, whatever the pull request says of itself")
    func base() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open(
                "arm", ["cranes/OWNERS": "approvers: [noor]\n", "cranes/arm.c": "1\n"])
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
            // A new rule on the base counts from the next event on.
            _ = try await harness.forge.push("main", ["cranes/OWNERS": "approvers: [li]\n"])
            try await harness.say("/approve", on: number, by: "li")
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
        }
    }

    @Test("a label set by hand stands against the rules until a hand takes it away")
    func byHand() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            _ = try await harness.forge.user("maria").addLabels(ForgeFixture.repository, number, ["approved"])
            try await harness.quiet()
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "2\n"])
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
            #expect(try await harness.approval(number)?.contains("by hand") == true)
            try await harness.forge.user("maria").removeLabel(ForgeFixture.repository, number, "approved")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
            #expect(try await harness.approval(number)?.contains("**NOT APPROVED**") == true)
        }
    }

    @Test("a broken OWNERS file is named with line and cause, and does not merge; the rest of the tree works")
    func broken() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open(
                "arm",
                ["new/OWNERS": "approvers:\n- dora\n- sam\nlabels: [approved]\n", "docks/OWNERS": "approvers: li\n"])
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("do-not-merge/invalid-owners-file"))
            let words = try #require(try await harness.words(number).first { $0.contains("cannot be accepted") })
            #expect(words.contains("`docks/OWNERS`, line 1: approvers is text; write a list"))
            #expect(words.contains("`new/OWNERS`, line 4: OWNERS files may not set the label 'approved'"))
            #expect(words.contains("`sam` in `new/OWNERS`, line 3"))
            _ = try await harness.forge.push(
                "arm", ["new/OWNERS": "approvers:\n- dora\n", "docks/OWNERS": "approvers: [li]\n"])
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("do-not-merge/invalid-owners-file"))
            #expect(try await !harness.words(number).contains { $0.contains("cannot be accepted") })
            // What is broken on the base already keeps nobody else from working.
            _ = try await harness.forge.push("main", ["docks/OWNERS": "approvers: {"])
            let other = try await harness.forge.open("leg", ["cranes/leg.c": "1\n"])
            try await harness.say("/approve", on: other, by: "dora")
            try await harness.quiet()
            #expect(try await harness.labels(other).contains("approved"))
        }
    }

    @Test("OWNERS give labels that the repository has, and reviewers")
    func labelsAndReviewers() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let first = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            #expect(try await !harness.labels(first).contains("area/cranes"))
            try await harness.forge.bot.defineLabel(
                ForgeFixture.repository, "area/cranes", color: "0b5d66", description: "The cranes")
            let second = try await harness.forge.open("leg", ["cranes/leg.c": "1\n"])
            try await harness.quiet()
            #expect(try await harness.labels(second).contains("area/cranes"))
            #expect(try await harness.desired("reviewer/\(second)/").count == 2)
            #expect(try await harness.desired("reviewer/\(second)/li") == ["reviewer/\(second)/li"])
        }
    }

    @Test("where OWNERS count instead of collaborators, they do for both")
    func skipCollaborators() async throws {
        var plugins = PluginSettings()
        plugins.plugins["harbor"] = .init(names: ["lgtm", "approve", "verify-owners"])
        plugins.owners.skipsCollaboratorsIn = ["harbor/crane"]
        let owners = ["OWNERS": "approvers: [maria]\n", "cranes/OWNERS": "approvers: [sam]\nreviewers: [sam]\n"]
        try await PullRequestsHarness.run(files: owners, plugins: plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.say("/lgtm", on: number, by: "dora")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("lgtm"))
            try await harness.say("/lgtm\n/approve", on: number, by: "sam")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
        }
        // And where collaborators count, somebody outside is no approver whatever the file says.
        try await PullRequestsHarness.run(files: owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.say("/approve", on: number, by: "sam")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
        }
    }

    @Test("a forge that does not tell who collaborates approves nothing, and it is said")
    func failsClosed() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            harness.forge.server.faults.inject(
                .answer(403, message: "Forbidden"), method: "GET", path: "/collaborators", times: 1000)
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.say("/approve", on: number, by: "dora")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
            #expect(try await harness.approval(number)?.contains("does not tell who collaborates") == true)
        }
    }

    @Test("lgtm that acts as approve, and people who must be two")
    func together() async throws {
        var plugins = PluginSettings()
        plugins.plugins["harbor"] = .init(names: ["lgtm", "approve"])
        plugins.approve = [PluginSettings.Approve()]
        plugins.approve[0].repos = ["harbor/crane"]
        plugins.approve[0].lgtmActsAsApprove = true
        try await PullRequestsHarness.run(files: Self.owners, plugins: plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.say("/lgtm", on: number, by: "dora")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
        }
        plugins.approve[0].lgtmActsAsApprove = false
        plugins.approve[0].needsDistinctReviewers = true
        try await PullRequestsHarness.run(files: Self.owners, plugins: plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.say("/lgtm\n/approve", on: number, by: "dora")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm"])
            try await harness.say("/lgtm", on: number, by: "li")
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm", "approved"])
        }
    }

    @Test("approvals that were given before Slipway came count")
    func takenOver() async throws {
        try await PullRequestsHarness.run(files: Self.owners, plugins: Self.plugins) { harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.say("/approve", on: number, by: "dora")
            try await harness.quiet()
            // As if none of it had been delivered.
            _ = try await harness.bus.database.query("delete from pull_requests.pulls")
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "2\n"])
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
            try await harness.say("/approve cancel", on: number, by: "dora")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
        }
    }
}
