import Fleet
import Forge
import Git
import LocalForge
import Merging
import Postgres
import RoomKit
import SlipwayModel
import Testing

/// What becomes of a pull request while the train has it: at whatever moment it changes, what lands is what was tested.
@Suite struct ChangedMeanwhileTests {
    enum Moment: String, CaseIterable, Sendable {
        /// The train knows it, and nothing is built yet.
        case beforeTheBuild = "before it is built"
        case underTest = "while it is tested"
        /// Its test passed, and the train has yet to hear of that.
        case green = "between its green test and its landing"
    }

    struct Mischief: Sendable {
        var name: String
        var happens: @Sendable (MergingHarness, Int) async throws -> Void
        /// What the branch holds in the end, beside what the other pull request brings.
        var files: Set<String> = []
        /// What the status says in the end; nil where it is not looked at.
        var status: String?
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var mischief: Mischief
        var moment: Moment
        /// No webhook tells of it: the last look before landing has to find it.
        var isUnheard: Bool

        var testDescription: String {
            "\(mischief.name) \(moment.rawValue)\(isUnheard ? ", and no webhook comes" : "")"
        }
    }

    private static let repository = MergingHarness.repository

    private static let mischief: [Mischief] = [
        Mischief(
            name: "closed",
            happens: { harness, number in
                try await harness.forge.maria.setOpenness(repository, number, isOpen: false)
            }),
        Mischief(
            name: "put on hold",
            happens: { harness, number in
                _ = try await harness.forge.maria.addLabels(repository, number, ["hold"])
            }, status: "Not mergeable. Should not have hold label."),
        Mischief(
            name: "pushed to, and now it fails",
            happens: { harness, _ in try await harness.forge.push("one", ["bad": "x\n"]) },
            status: "Not mergeable. Job unit has not succeeded."),
        Mischief(
            name: "pushed over, and now it fails",
            happens: { harness, _ in try await harness.forge.replace("one", ["bad": "x\n"]) },
            status: "Not mergeable. Job unit has not succeeded."),
        Mischief(
            name: "retargeted",
            happens: { harness, number in
                _ = try await harness.forge.maria.updatePull(repository, number, base: "stable")
            }),
        Mischief(
            name: "made a draft",
            happens: { harness, number in try await harness.forge.makeDraft(number) },
            status: "Not mergeable. PR is a draft."),
        Mischief(
            name: "merged by hand",
            happens: { harness, number in
                let head = try await harness.pull(number).head.sha
                _ = try await harness.forge.maria.mergePull(
                    repository, number, sha: head, method: "merge", title: nil, message: nil)
            }, files: ["one"]),
    ]

    private static let cases =
        Moment.allCases.flatMap { moment in
            mischief.map { Case(mischief: $0, moment: moment, isUnheard: true) }
        } + mischief.map { Case(mischief: $0, moment: .underTest, isUnheard: false) }

    @Test(arguments: cases) func onlyWhatWasTestedLands(_ the: Case) async throws {
        try await MergingHarness.run { harness in
            try await harness.forge.git("push", "--quiet", "origin", "main:stable")
            let numbers = try await harness.forge.open([("one", ["one": "1\n"]), ("two", ["two": "2\n"])])
            try await harness.reach(the.moment)
            harness.setDeaf(the.isUnheard)
            try await the.mischief.happens(harness, numbers[0])
            try await harness.releasePools()
            try await harness.steps(until: "the other one lands") { try await harness.isMerged(numbers[1]) }
            harness.setDeaf(false)
            for _ in 0..<4 {
                try await harness.dirty()
                try await harness.step()
            }
            #expect(try await harness.forge.mainFiles() == the.mischief.files.union(["README.md", "two"]))
            #expect(try await harness.landedOnMain() == [numbers[1]])
            #expect(try await harness.ejected().isEmpty)
            let tip = try await harness.forge.bare.tree(of: "refs/heads/main")
            #expect(try await harness.testedTrees().contains(tip))
            if let status = the.mischief.status {
                #expect(try await harness.status(numbers[0])?.description == status)
            }
        }
    }

    @Test func anotherTitleIsTheOneThatLands() async throws {
        try await MergingHarness.run { harness in
            let number = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            try await harness.steps(until: "it is under test") { try await harness.isUnderTest() }
            _ = try await harness.forge.maria.updatePull(Self.repository, number, title: "Lift the first load")
            try await harness.steps(until: "it lands") { try await harness.isMerged(number) }
            let log = try await harness.forge.bare.commits(["--first-parent", "refs/heads/main"], limit: 1)
            #expect(log.first?.message == "Merge pull request #\(number) from harbor/one\n\nLift the first load")
        }
    }

    // MARK: Between two merges of one prefix

    /// The call that merges the first of two pull requests is held up until something happened to the second.
    @Test(arguments: ["closed", "put on hold", "pushed over, and now it fails", "retargeted", "made a draft"])
    func whoChangesAfterTheFirstMergeIsNotMerged(name: String) async throws {
        let mischief = try #require(Self.mischief.first { $0.name == name })
        try await MergingHarness.run(settings: { $0.mergePushes = false }) { harness in
            try await harness.forge.git("push", "--quiet", "origin", "main:stable")
            // The second is the one that the mischief knows.
            let numbers = try await harness.forge.open([("two", ["two": "2\n"]), ("one", ["one": "1\n"])])
            harness.forge.faults.inject(
                .after { try await mischief.happens(harness, numbers[1]) }, method: "PUT", path: "/merge")
            try await harness.steps(until: "the first lands") { try await harness.isMerged(numbers[0]) }
            for _ in 0..<3 { try await harness.step() }
            #expect(try await harness.landedOnMain() == [numbers[0]])
            #expect(try await harness.forge.mainFiles() == ["README.md", "two"])
            #expect(try await harness.ejected().isEmpty)
        }
    }

    /// As late as can be: the merge itself is refused, or done where nobody wanted it.
    @Test(
        arguments: [("closed", false), ("made a draft", false), ("retargeted", true)])
    func whoChangesAtTheLastMomentIsNotBlamed(
        name: String, isMergedElsewhere: Bool
    ) async throws {
        let mischief = try #require(Self.mischief.first { $0.name == name })
        try await MergingHarness.run(settings: { $0.mergePushes = false }) { harness in
            try await harness.forge.git("push", "--quiet", "origin", "main:stable")
            let number = try await harness.forge.open([("one", ["one": "1\n"])])[0]
            harness.forge.faults.inject(
                .after { try await mischief.happens(harness, number) }, method: "PUT", path: "/merge")
            try await harness.steps(until: "it was tried") { harness.forge.faults.hits == 1 }
            for _ in 0..<3 { try await harness.step() }
            #expect(try await harness.isMerged(number) == isMergedElsewhere)
            #expect(try await harness.forge.mainFiles() == ["README.md"])
            #expect(try await harness.landedOnMain().isEmpty)
            #expect(try await harness.ejected().isEmpty)
            #expect(try await harness.history().contains { $0.hasPrefix("LEFT #\(number)") })
        }
    }
}

extension MergingHarness {
    /// A pull request that got another base may rightly land on that.
    fileprivate func landedOnMain() async throws -> [Int] {
        try await bus.database.query(
            "select number from merging.landings where landed_at is not null and branch = 'main' order by landed_at"
        ).map { try $0.decode(Int.self) }
    }

    /// Goes on until something has come so far, and lets no driver work on it until `releasePools`.
    fileprivate func reach(_ moment: ChangedMeanwhileTests.Moment) async throws {
        switch moment {
        case .beforeTheBuild:
            try await holdPools()
            try await steps(until: "the heads are green") { try await greenHeads() == 2 }
        case .underTest:
            try await steps(until: "they are under test") { try await isUnderTest() }
        case .green:
            try await steps(until: "they are under test") { try await isUnderTest() }
            try await holdPools()
            try await steps(until: "the test has passed") {
                try await bus.database.query(
                    "select count(*) from scheduling.runs where origin = 'merging' and state = 'success'"
                ).one().decode(Int.self) > 0
            }
        }
    }

    /// As if another driver had them.
    private func holdPools() async throws {
        _ = try await bus.database.query(
            """
            create or replace function merging.hold() returns trigger language plpgsql as $$
            begin
                new.claimed_until := now() + interval '1 hour';
                return new;
            end $$
            """)
        _ = try await bus.database.query(
            "create trigger hold before insert or update on merging.pools for each row execute function merging.hold()")
        _ = try await bus.database.query("update merging.pools set claimed_until = claimed_until")
    }

    fileprivate func releasePools() async throws {
        _ = try await bus.database.query("drop trigger if exists hold on merging.pools")
        try await expireClaims()
    }
}
