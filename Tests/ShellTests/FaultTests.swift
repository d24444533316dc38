import FoundationEssentials
import Subprocess
import Testing
import slipway

@Suite struct FaultScheduleTests {
    @Test func everyFaultComesOnceInEveryRound() {
        var schedule = FaultSchedule(seed: 7)
        for _ in 1...3 {
            let round = Set(schedule.prefix(Fault.allCases.count).map(\.fault))
            #expect(round == Set(Fault.allCases))
            for _ in Fault.allCases { _ = schedule.next() }
        }
    }

    @Test func aSeedRepeatsItsFaultsAndAnotherDoesNot() {
        let first = Array(FaultSchedule(seed: 7).prefix(100))
        #expect(first == Array(FaultSchedule(seed: 7).prefix(100)))
        #expect(first != Array(FaultSchedule(seed: 8).prefix(100)))
        #expect(first.allSatisfy { (0..<1).contains($0.pause) && $0.choice >= 0 })
    }

    @Test func onlyWhatWasAskedForIsInjected() {
        let faults = FaultSchedule(seed: 1, faults: [.agentKilled, .forgeGone]).prefix(4).map(\.fault)
        #expect(faults.count == 4 && Set(faults) == [.agentKilled, .forgeGone])
    }
}

@Suite struct FaultBooksTests {
    /// What the database and the forge show of a trigger, and whether it has come to its end.
    @Test(arguments: [
        (isTaken: true, runs: 1, succeeded: 1, isShown: true, isSettled: true),
        (isTaken: false, runs: 1, succeeded: 1, isShown: true, isSettled: false),
        (isTaken: true, runs: 0, succeeded: 0, isShown: false, isSettled: false),
        (isTaken: true, runs: 1, succeeded: 0, isShown: false, isSettled: false),
        (isTaken: true, runs: 1, succeeded: 1, isShown: false, isSettled: false),
        (isTaken: true, runs: 2, succeeded: 1, isShown: true, isSettled: false),
        (isTaken: true, runs: 2, succeeded: 2, isShown: true, isSettled: true),
    ])
    func aTriggerIsSettledOnceEverythingIsThere(
        _ row: (isTaken: Bool, runs: Int, succeeded: Int, isShown: Bool, isSettled: Bool)
    ) {
        var books = FaultBooks()
        let trigger = books.send()
        if row.isTaken { books.accept(trigger) }
        books.settle([.init(trigger: trigger, runs: row.runs, succeeded: row.succeeded)]) { _ in row.isShown }
        #expect(books.isSettled(before: 1) == row.isSettled)
        #expect(books.giveUp(before: 1) == (row.isSettled ? [] : [trigger]))
        #expect(books.isSettled(before: 1))
    }

    @Test func laterTriggersAreNotWaitedFor() {
        var books = FaultBooks()
        let (first, second) = (books.send(), books.send())
        books.accept(first)
        books.accept(first)
        books.accept(second)
        #expect(books.accepted == 2 && books.sent == 2 && books.unsettled == [first, second])
        books.settle([.init(trigger: first, runs: 1, succeeded: 1)]) { _ in true }
        #expect(books.isSettled(before: second) && !books.isSettled(before: second + 1))
        #expect(books.giveUp(before: second).isEmpty)
        #expect(books.giveUp(before: second + 1) == [second])
    }
}

@Suite struct FaultReportTests {
    private let report = FaultReport(
        seed: 3, seconds: 61.27, triggers: 600,
        [
            FaultRecord(fault: .forgeGone, recovered: 2), FaultRecord(fault: .agentKilled, recovered: 1),
            FaultRecord(fault: .agentKilled, recovered: 8.04), FaultRecord(fault: .agentKilled, recovered: 3),
            FaultRecord(fault: .processAgentFrozen, recovered: 1, fenced: 2),
        ])

    @Test func theTableTellsMedianAndWorstOfEachFault() {
        #expect(
            report.table.rows == [
                ["agent: kill -9", "3", "0", "0", "3.0", "8.0"],
                ["agent with processes: stopped past its claim, then continued", "1", "0", "0", "1.0", "1.0"],
                ["forge: refuses connections", "1", "0", "0", "2.0", "2.0"],
            ])
        #expect(
            report.summary
                == "5 faults in 61 s, 600 triggers, seed 3: lost 0, doubled 0, dead letters 0; "
                + "late results refused by the fence: 2 in 1 pauses")
        #expect(report.isClean)
    }

    @Test(arguments: [
        FaultRecord(fault: .brokerKilled, recovered: nil, lost: 1),
        FaultRecord(fault: .brokerKilled, recovered: 1, doubled: 1),
        FaultRecord(fault: .brokerKilled, recovered: 1, deadLetters: 1),
        FaultRecord(fault: .brokerKilled, recovered: nil),
    ])
    func whatIsLostDoubledOrGivenUpIsNoSuccess(_ record: FaultRecord) {
        #expect(!FaultReport(seed: 1, seconds: 1, triggers: 1, [record]).isClean)
    }
}

@Suite struct WrongClockTests {
    /// The library stands beside the tests' own program.
    private static let library: String? = {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let path = URL(filePath: own).deletingLastPathComponent().appending(path: "libslipway-clock.so").path
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }()

    @Test(arguments: [-3600, 0, 3600])
    func aProcessIsToldAnotherTime(shift: Int) async throws {
        let library = try #require(Self.library, "'swift build --product slipway-clock' builds it")
        let before = Date().timeIntervalSince1970
        let told = try await Subprocess.run(
            .name("date"), arguments: ["+%s"],
            environment: .inherit.updating(["LD_PRELOAD": library, "CLOCK_SHIFT": "\(shift)"]),
            output: .string(limit: 100)
        ).standardOutput
        let after = Date().timeIntervalSince1970
        let time = try #require(Double(told.filter(\.isNumber))) - Double(shift)
        #expect(time >= before.rounded(.down) && time <= after)
    }
}
