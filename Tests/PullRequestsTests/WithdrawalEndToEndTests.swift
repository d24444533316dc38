import Fleet
import Forge
import ForgeTesting
import Foundation
import JobConfig
import Postgres
import SlipwayModel
import SlipwayTesting
import Testing

/// What somebody wrote and then took back counts no more; what an edit adds counts for nothing.
@Suite("Comments that are deleted and edited, end to end")
struct WithdrawalEndToEndTests {
    private static let repository = ForgeFixture.repository

    private func run(_ body: @Sendable @escaping (PullRequestsHarness, Int) async throws -> Void) async throws {
        try await PullRequestsHarness.run(files: OwnersEndToEndTests.owners, plugins: OwnersEndToEndTests.plugins) {
            harness in
            let number = try await harness.forge.open("arm", ["cranes/arm.c": "1\n"])
            try await harness.quiet()
            try await body(harness, number)
        }
    }

    private func comment(
        _ text: String, _ harness: PullRequestsHarness, _ number: Int, by author: String = "dora"
    ) async throws -> Int64 {
        try await harness.forge.user(author).createComment(Self.repository, number, body: text).id
    }

    @Test("an approval goes with its comment, and its cancelling too")
    func deleted() async throws {
        try await run { harness, number in
            let first = try await comment("/approve", harness, number)
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
            let second = try await comment("/approve cancel", harness, number)
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
            try await harness.forge.user("dora").deleteComment(Self.repository, id: second)
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
            try await harness.forge.user("dora").deleteComment(Self.repository, id: first)
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
            #expect(try await harness.approval(number)?.contains("**NOT APPROVED**") == true)
            let outcomes = try await harness.bus.database.query(
                "select outcome from pull_requests.commands_v1 order by comment_id"
            ).map { try $0.decode(String.self) }
            #expect(outcomes.count == 2 && outcomes.allSatisfy { $0.contains("deleted") })
        }
    }

    @Test("an edit that takes the word out takes the approval; one that brings it in brings nothing")
    func edited() async throws {
        try await run { harness, number in
            let said = try await comment("It turns.\n/approve", harness, number)
            try await harness.quiet()
            _ = try await harness.forge.user("dora").updateComment(
                Self.repository, id: said, body: "It turns well.\n/approve")
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
            _ = try await harness.forge.user("dora").updateComment(Self.repository, id: said, body: "It turns.")
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
            _ = try await harness.forge.user("dora").updateComment(Self.repository, id: said, body: "/approve\n/hold")
            try await harness.quiet()
            #expect(try await harness.labels(number).isEmpty)
        }
    }

    @Test("a comment whose deletion is heard of first says nothing any more")
    func overtaken() async throws {
        try await run { harness, number in
            let said = try await comment("/approve", harness, number)
            try await harness.forge.user("dora").deleteComment(Self.repository, id: said)
            var written: [Message] = []
            try await eventually("both are read") {
                let messages = try await harness.taken()
                written += messages.filter { $0.envelope.type == CommentWritten.type }
                try await harness.handOn(messages.filter { $0.envelope.type != CommentWritten.type })
                return written.count == 2
            }
            for message in written.reversed() { try await harness.handOn([message]) }
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
        }
    }

    @Test("what was said before Slipway came, too")
    func earlier() async throws {
        try await run { harness, number in
            let said = try await comment("/approve", harness, number)
            try await harness.quiet()
            _ = try await harness.bus.database.query("delete from pull_requests.pulls")
            _ = try await harness.forge.push("arm", ["cranes/arm.c": "2\n"])
            try await harness.quiet()
            #expect(try await harness.labels(number).contains("approved"))
            try await harness.forge.user("dora").deleteComment(Self.repository, id: said)
            try await harness.quiet()
            #expect(try await !harness.labels(number).contains("approved"))
        }
    }

    @Test("a look that was taken stays: the label is its record, as with Prow")
    func look() async throws {
        try await run { harness, number in
            let said = try await comment("/lgtm", harness, number, by: "li")
            try await harness.quiet()
            try await harness.forge.user("li").deleteComment(Self.repository, id: said)
            try await harness.quiet()
            #expect(try await harness.labels(number) == ["lgtm"])
        }
    }
}
