import Forge
import ForgeTesting
import Foundation
import LocalForge
import SlipwayModel
import SlipwayTesting
import Testing
import Triggers

@Suite("What the forge could not deliver")
struct RecoveryTests {
    @Test("what was sent while no gateway was there is sent again once it is back, once", arguments: [false, true])
    func redelivery(asApp: Bool) async throws {
        try await RecoveryHarness.run(asApp: asApp) { harness in
            try await harness.look()
            harness.gateway(isDown: true)
            let pull = try await harness.forge.openPull()
            _ = try await harness.forge.user("noor").createComment(
                ForgeFixture.repository, pull.number, body: "/test unit")
            try await harness.settle()
            let missed = Set(try await harness.deliveries().filter { $0.statusCode == 503 }.map(\.guid))
            #expect(missed.count == 4)
            #expect(try await harness.stored().isDisjoint(with: missed))

            harness.gateway(isDown: false)
            try await harness.look()
            try await eventually("everything has come") { try await harness.stored().isSuperset(of: missed) }
            try await harness.settle()
            // What the pull request shows by itself was told by the delivery, though nobody has handled it yet.
            for _ in 1...2 { try await harness.look() }
            #expect(try await harness.emitted(PullChanged.self).map(\.number) == [1])
            #expect(try await harness.emitted(CommentWritten.self).map(\.number) == [1])
            try await harness.schedule()

            // Nothing is left: nothing is asked for, and looking costs nothing.
            let count = try await harness.deliveries().count
            try await harness.look()
            let charged = harness.forge.server.meter.counts.charged
            try await harness.look()
            #expect(harness.forge.server.meter.counts.charged == charged)
            #expect(try await harness.deliveries().count == count)
        }
    }

    @Test("a forge that cannot be asked fails the round, and forgets nothing")
    func unreachable() async throws {
        try await RecoveryHarness.run { harness in
            try await harness.look()
            harness.gateway(isDown: true)
            _ = try await harness.forge.openPull()
            try await harness.settle()
            harness.gateway(isDown: false)
            harness.forge.server.faults.inject(.answer(401, message: "no"), path: "/hooks", times: 2)
            await #expect(throws: (any Error).self) { try await harness.look() }
            try await harness.look()
            try await eventually("the pull request has come") {
                try await harness.emitted(PullChanged.self).count == 1
            }
        }
    }

    @Test("a pull request that no delivery told of is made up for at the second look, and starts its jobs once")
    func reconciliation() async throws {
        try await RecoveryHarness.run { harness in
            try await harness.look()
            harness.gateway(isDown: true)
            let pull = try await harness.forge.openPull()
            try await harness.settle()
            harness.gateway(isDown: false)
            harness.hideHooks()
            try await harness.schedule()

            try await harness.look()
            #expect(try await harness.emitted(PullChanged.self).isEmpty)
            try await harness.look()
            // Emitted again as long as nobody has handled it, under the same id.
            try await harness.look()
            let events = try await harness.emitted(PullChanged.self)
            #expect(events.map(\.action) == ["opened", "opened"])
            #expect(Set(events.map(\.deliveryID)).count == 1)
            #expect(events.first?.headSHA == pull.head.sha && events.first?.author == "noor")
            try await harness.schedule()
            #expect(try await harness.runs() == 1)

            // Known now: nothing differs, and the look after that costs nothing.
            try await harness.look()
            let charged = harness.forge.server.meter.counts.charged
            try await harness.look()
            #expect(harness.forge.server.meter.counts.charged == charged)
            #expect(try await harness.emitted(PullChanged.self).isEmpty)
        }
    }

    @Test("pushes and closings that were missed are made up for")
    func laterChanges() async throws {
        try await RecoveryHarness.run { harness in
            try await harness.look()
            let pull = try await harness.forge.openPull()
            _ = try await harness.forge.openPull("other")
            try await harness.settle()
            try await harness.schedule()
            harness.gateway(isDown: true)
            let head = try await harness.forge.push("feature", ["more.txt": "x\n"])
            _ = try await harness.forge.user("noor").updatePull(ForgeFixture.repository, 2, state: "closed")
            try await harness.settle()
            harness.gateway(isDown: false)
            harness.hideHooks()
            for _ in 1...2 { try await harness.look() }
            let events = try await harness.emitted(PullChanged.self).sorted { $0.number < $1.number }
            #expect(events.map(\.action) == ["synchronize", "closed"])
            #expect(events.first?.headSHA == head && head != pull.head.sha)
        }
    }

    @Test("what was delivered and waits to be handled is not told a second time")
    func inFlight() async throws {
        try await RecoveryHarness.run { harness in
            try await harness.look()
            _ = try await harness.forge.openPull()
            try await harness.settle()
            let before = try await harness.emitted(PullChanged.self).count
            for _ in 1...3 { try await harness.look() }
            #expect(try await harness.emitted(PullChanged.self).count == before)
        }
    }

    // MARK: Decisions

    struct Redelivery: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// Seconds before now of each attempt; nil waits to be sent.
        var attempts: [Double?]
        var status = 503
        var isStored = false
        var isRepeated = false
        var isSettled = false
        var isGivenUp = false
    }

    @Test(arguments: [
        Redelivery(testDescription: "stored", attempts: [600], isStored: true, isSettled: true),
        Redelivery(
            testDescription: "stored though the forge got no answer", attempts: [600], status: 0, isStored: true,
            isSettled: true),
        Redelivery(testDescription: "failed a while ago", attempts: [600], isRepeated: true),
        Redelivery(testDescription: "failed just now", attempts: [29]),
        Redelivery(testDescription: "failed long enough ago", attempts: [30], isRepeated: true),
        Redelivery(testDescription: "failed twice, too soon", attempts: [600, 59]),
        Redelivery(testDescription: "failed twice, long enough ago", attempts: [600, 60], isRepeated: true),
        Redelivery(testDescription: "lost here though it was taken", attempts: [600], status: 202, isRepeated: true),
        Redelivery(testDescription: "on its way", attempts: [nil]),
        Redelivery(testDescription: "on its way again", attempts: [600, nil]),
        Redelivery(
            testDescription: "failed nine times, an hour ago", attempts: Array(repeating: 3600, count: 9),
            isRepeated: true),
        Redelivery(
            testDescription: "failed ten times", attempts: Array(repeating: 86_000, count: 10), isSettled: true,
            isGivenUp: true),
    ])
    func plan(_ row: Redelivery) {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let deliveries = row.attempts.enumerated().map { index, age in
            HookDelivery(
                id: Int64(index + 1), guid: "a", event: "push", action: nil, isRedelivery: index > 0,
                deliveredAt: age.map { Timestamp(now.addingTimeInterval(-$0)) }, duration: 1, status: "",
                statusCode: row.status, repositoryID: 1)
        }
        let plan = RedeliveryPlan(
            deliveries, stored: row.isStored ? ["a"] : [], now: now, firstPause: .seconds(30))
        #expect(plan.repeated.isEmpty == !row.isRepeated)
        #expect(plan.isSettled == row.isSettled)
        #expect(plan.givenUp == (row.isGivenUp ? ["a"] : []))
    }

    @Test("what Slipway reads comes first, and not everything at once")
    func planOrder() {
        let now = Date(timeIntervalSince1970: 1_700_000_000)
        let deliveries = (1...200).map { number in
            HookDelivery(
                id: Int64(number), guid: "\(number)", event: number <= 100 ? "status" : "push", action: nil,
                isRedelivery: false, deliveredAt: Timestamp(now.addingTimeInterval(-1000 + Double(number))),
                duration: 1, status: "", statusCode: 0, repositoryID: 1)
        }
        let plan = RedeliveryPlan(deliveries.shuffled(), stored: [], now: now, firstPause: .seconds(30))
        #expect(plan.repeated == Array(101...160))
        #expect(!plan.isSettled)
    }

    struct Difference: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var known: PullDifference.Known?
        var isOpen = true
        var head = "a"
        var base = "main"
        var isDraft = false
        var labels: [String] = []
        var action: String?
    }

    private static func known(
        head: String = "a", base: String = "main", isOpen: Bool = true, isDraft: Bool = false, labels: [String] = []
    ) -> PullDifference.Known {
        PullDifference.Known(headSHA: head, baseRef: base, isOpen: isOpen, isDraft: isDraft, labels: labels)
    }

    @Test(arguments: [
        Difference(testDescription: "unknown, open", action: "opened"),
        Difference(testDescription: "unknown, closed", isOpen: false),
        Difference(testDescription: "the same", known: known()),
        Difference(testDescription: "closed", known: known(), isOpen: false, action: "closed"),
        Difference(
            testDescription: "closed, also with another head", known: known(), isOpen: false, head: "b",
            action: "closed"),
        Difference(testDescription: "closed before", known: known(isOpen: false), isOpen: false),
        Difference(testDescription: "open again", known: known(isOpen: false), action: "reopened"),
        Difference(testDescription: "another head", known: known(), head: "b", action: "synchronize"),
        Difference(testDescription: "another base", known: known(base: "release"), action: "edited"),
        Difference(testDescription: "ready", known: known(isDraft: true), action: "ready_for_review"),
        Difference(testDescription: "a draft", known: known(), isDraft: true, action: "converted_to_draft"),
        Difference(testDescription: "trusted", known: known(), labels: ["ok-to-test"], action: "labeled"),
        Difference(testDescription: "another label", known: known(), labels: ["kind/bug"]),
        Difference(testDescription: "trusted before", known: known(labels: ["ok-to-test"]), labels: ["ok-to-test"]),
    ])
    func difference(_ row: Difference) {
        var pull = PullRequest(
            number: 1, state: row.isOpen ? "open" : "closed", title: "T", user: Account(login: "noor"),
            head: PullRequest.Branch(ref: "f", sha: row.head, label: nil, user: nil, repo: nil),
            base: PullRequest.Branch(ref: row.base, sha: "0", label: nil, user: nil, repo: nil))
        pull.isDraft = row.isDraft
        pull.labels = row.labels.map { Label(name: $0) }
        let difference = PullDifference(row.known, pull)
        #expect(difference?.action == row.action)
        #expect(difference?.previousBaseRef == (row.action == "edited" ? "release" : nil))
    }
}
