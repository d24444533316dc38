import FoundationEssentials
import Merging
import Testing

/// The rules of the train, one by one.
@Suite struct MergeTrainTests {
    // MARK: 1. The line

    @Test func carsJoinTheLineWhileOthersAreTested() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2)
        #expect(desk.prefixes == [[1], [1, 2]])
        desk.enter(3)
        #expect(desk.prefixes == [[1], [1, 2]], "one more is not worth a run beside two")
        desk.enter(4)
        #expect(desk.prefixes == [[1], [1, 2], [1, 2, 3, 4]])
    }

    @Test func noMoreIsTestedAtOnceThanThereArePlaces() {
        var desk = TrainDesk(capacity: 1)
        desk.enter(1, 2, 3)
        #expect(desk.prefixes == [[1]])
        #expect(desk.waiting == [2, 3])
        desk.apply(.capacityChanged(2))
        #expect(desk.prefixes == [[1], [1, 2, 3]])
    }

    @Test func aCarIsFullAtTheFailureRateSeen() {
        var desk = TrainDesk(capacity: 1)
        desk.apply(.capacityChanged(0))
        for number in 1...100 { desk.enter(number) }
        desk.apply(.capacityChanged(1))
        // Nothing is known yet: 2.5 % are bad, and 0.975 to the 28th is what a car may come down to.
        #expect(desk.prefixes == [Array(1...28)])
    }

    @Test(arguments: [
        // Priority goes before age, and who waits too long before both.
        ([(1, 0, 0), (2, 0, 0), (3, 0, 0)], [1, 2, 3]),
        ([(1, 0, 0), (2, 5, 0), (3, 1, 0)], [2, 3, 1]),
        ([(1, 0, 5), (2, 5, 0), (3, 0, 6)], [3, 1, 2]),
    ])
    func theQueueHasAnOrder(_ members: [(number: Int, priority: Int, hours: Double)], _ order: [Int]) {
        var desk = TrainDesk(capacity: 0)
        for member in members {
            desk.apply(
                .entered(
                    TrainMember(
                        number: member.number, head: "h", enteredAt: desk.now - member.hours * 3600,
                        priority: member.priority)))
        }
        desk.apply(.tick)
        #expect(desk.waiting == order)
    }

    // MARK: 2. Landing

    @Test func theLongestPassingPrefixLands() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2)
        desk.pass(1, 2)
        #expect(desk.landing?.numbers == [1, 2])
        #expect(desk.landing?.tree == "t+1+2")
        #expect(desk.cancelled == 1, "nobody waits for the shorter prefix any more")
        desk.land()
        #expect(desk.train.base.tree == "t+1+2")
        #expect(desk.train.line.isEmpty)
    }

    @Test func whatIsAboveALandingStaysValid() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2)
        desk.pass(1)
        desk.land()
        #expect(desk.prefixes == [[2]])
        #expect(desk.requests == 2, "the run of the longer prefix goes on")
        desk.pass(2)
        #expect(desk.landing?.base.tree == "t+1")
        #expect(desk.landing?.tree == "t+1+2")
    }

    @Test func aLongerPrefixProvesAFlake() {
        var policy = TrainPolicy()
        policy.benefitOfDoubt = 0.3
        var desk = TrainDesk(capacity: 4, policy: policy)
        desk.enter(1, 2)
        desk.fail(1)
        #expect(desk.prefixes == [[1], [1, 2]])
        desk.pass(1, 2)
        #expect(desk.landing?.numbers == [1, 2])
        #expect(desk.notes.contains { if case .flakeOverridden = $0 { true } else { false } })
        #expect(desk.ejected.isEmpty)
    }

    @Test func aTestedTreeIsTheOneThatLands() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2)
        desk.pass(1)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        // The forge made another tree of it: what was tested above it is worth nothing.
        desk.apply(.landed(trial: landing.trial, numbers: [1], base: TrainBase(commit: "x", tree: "other")))
        #expect(desk.prefixes == [[2]])
        #expect(desk.train.line.first?.tree == "other+2")
        #expect(desk.requests == 3)
    }

    @Test func landingInPartsIsOneLanding() {
        var desk = TrainDesk(capacity: 1)
        desk.enterTogether(1, 2, capacity: 1)
        desk.pass(1, 2)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        desk.apply(.landed(trial: landing.trial, numbers: [1], base: TrainBase(commit: "x", tree: "t+1")))
        #expect(desk.train.landing == landing.trial)
        desk.apply(.landed(trial: landing.trial, numbers: [1], base: TrainBase(commit: "x", tree: "t+1")))
        desk.apply(.landed(trial: landing.trial, numbers: [2], base: TrainBase(commit: "y", tree: "t+1+2")))
        #expect(desk.train.landing == nil)
        #expect(desk.train.line.isEmpty)
        #expect(desk.train.base.commit == "y")
    }

    @Test func aRefusedMemberLeavesAndTheOthersGoOn() {
        var desk = TrainDesk(capacity: 1)
        desk.enterTogether(1, 2, capacity: 1)
        desk.pass(1, 2)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        desk.apply(.landingRefused(trial: landing.trial, .member(number: 1, reason: "protected branch")))
        #expect(desk.ejected == [1])
        #expect(desk.prefixes == [[2]])
    }

    @Test func aForgeThatCannotBeAskedIsAskedAgain() {
        var desk = TrainDesk(capacity: 1)
        desk.enter(1)
        desk.pass(1)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        desk.apply(.landingRefused(trial: landing.trial, .temporary(reason: "502")))
        #expect(desk.train.landing == nil)
        #expect(desk.train.landingTrouble == "502")
        desk.now += 61
        desk.apply(.tick)
        #expect(desk.train.landing == landing.trial)
    }

    @Test func whenTheBranchMovedNothingLands() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2)
        desk.apply(.baseMoved(TrainBase(commit: "c1", tree: "pushed")))
        #expect(desk.prefixes == [[1, 2]])
        #expect(desk.train.line.first?.tree == "pushed+1+2")
        #expect(desk.cancelled == 2)
    }

    @Test func aRefusalForAMovedBranchWaitsUntilItIsKnownWhere() {
        var desk = TrainDesk(capacity: 1)
        desk.enter(1)
        desk.pass(1)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        desk.apply(.landingRefused(trial: landing.trial, .baseMoved))
        #expect(desk.train.line.isEmpty)
        desk.apply(.baseMoved(TrainBase(commit: "c1", tree: "pushed")))
        #expect(desk.train.line.first?.tree == "pushed+1")
    }

    // MARK: 5 and 7. Flakes, errors, results

    @Test func aKnownFlakeIsRunAgainFirst() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.fail(1, known: true)
        #expect(desk.prefixes == [[1]])
        #expect(desk.requests == 2)
        #expect(desk.notes.contains { if case .flakeRetried = $0 { true } else { false } })
        desk.fail(1, known: true)
        #expect(desk.lanes == [[1]], "once, not for ever")
    }

    @Test func aTrialEndsWithItsFirstFailure() {
        var desk = TrainDesk(capacity: 4)
        desk.jobs = ["unit", "lint", "e2e"].map { TrainJob(name: $0, hash: $0) }
        desk.enter(1)
        desk.pass(1, job: "lint")
        desk.fail(1, job: "unit")
        #expect(desk.cancelled == 1)
        #expect(desk.lanes == [[1]])
        #expect(desk.requests == 5, "what passed on this tree is not run again: \(desk.actions)")
    }

    @Test func anErrorSaysNothingAboutTheMembers() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.err(1)
        #expect(desk.prefixes == [[1]])
        #expect(desk.requests == 1, "the infrastructure gets a minute")
        desk.now += 61
        desk.apply(.tick)
        #expect(desk.requests == 2)
        for _ in 0..<4 {
            desk.err(1)
            desk.now += 3600
            desk.apply(.tick)
        }
        #expect(desk.lanes == [[1]], "five of them in a row count as a failure")
    }

    @Test func aJobThatChangedIsAskedForAnew() {
        var desk = TrainDesk(capacity: 4)
        desk.jobs = ["unit", "lint"].map { TrainJob(name: $0, hash: $0) }
        desk.enter(1)
        desk.pass(1, job: "lint")
        desk.jobs[0].hash = "another"
        desk.outdate(1)
        #expect(desk.train.line.first?.runs.map(\.job.hash) == ["another"], "lint passed on this tree")
        desk.pass(1)
        #expect(desk.landing?.numbers == [1])
    }

    @Test func whatLandsPassedTheJobsOfTheDay() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.pass(1)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        desk.jobs.append(TrainJob(name: "licence", hash: "l"))
        desk.apply(.landingRefused(trial: landing.trial, .jobsChanged))
        #expect(desk.train.line.first?.runs.map(\.job.name) == ["licence"])
        #expect(desk.train.landing == nil)
        desk.pass(1, job: "licence")
        #expect(desk.landing?.numbers == [1])
    }

    @Test func aJobThatChangesForEverIsAFailure() {
        var desk = TrainDesk(capacity: 1)
        desk.enter(1)
        for _ in 0..<20 {
            desk.outdate(1)
            desk.now += 3600
            desk.apply(.tick)
        }
        #expect(desk.ejected == [1])
    }

    @Test func aResultCountsForItsTree() {
        var desk = TrainDesk(capacity: 4)
        desk.jobs = [
            TrainJob(name: "unit", hash: "u"), TrainJob(name: "lint", hash: "l"),
            TrainJob(name: "sign", hash: "s", freshness: .always),
        ]
        desk.enter(1)
        desk.pass(1, job: "unit")
        desk.pass(1, job: "sign")
        // An empty commit: the trees are the same.
        desk.apply(.baseMoved(TrainBase(commit: "c1", tree: "t")))
        #expect(desk.train.line.first?.runs.map(\.job.name) == ["lint", "sign"])
    }

    @Test(arguments: [(3000.0, true), (4000.0, false)])
    func aJobOfHoursAsksForAFreshEnoughPass(_ age: Double, _ isFresh: Bool) {
        var desk = TrainDesk(capacity: 1)
        desk.jobs = [TrainJob(name: "e2e", hash: "e", freshness: .age(seconds: 3600))]
        desk.apply(
            .entered(TrainMember(number: 1, head: "h", enteredAt: desk.now, passes: ["e": desk.now - age])))
        #expect((desk.landing?.numbers == [1]) == isFresh)
        #expect(desk.requests == (isFresh ? 0 : 1))
    }

    @Test func withoutJobsItLands() {
        var desk = TrainDesk(capacity: 1)
        desk.jobs = []
        desk.enter(1)
        #expect(desk.landing?.numbers == [1])
    }

    // MARK: 8. Coming and going

    @Test func aMemberThatLeavesCostsWhatDependedOnIt() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2, 3, 4)
        #expect(desk.prefixes == [[1], [1, 2], [1, 2, 3, 4]])
        let first = desk.train.line.first?.id
        desk.apply(.left(number: 2))
        #expect(desk.train.line.first?.id == first)
        #expect(desk.prefixes == [[1], [1, 3, 4]])
        #expect(desk.cancelled == 2)
    }

    @Test func anotherHeadIsAnotherMember() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.enter(1, head: "other")
        #expect(desk.prefixes == [[1]])
        #expect(desk.train.line.first?.members.first?.head == "other")
        #expect(desk.cancelled == 1)
    }

    @Test func whoLeavesWhileItIsLandedHasLanded() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.pass(1)
        desk.apply(.left(number: 1))
        #expect(desk.train.landing != nil)
        desk.land()
        #expect(desk.train.line.isEmpty)
        #expect(desk.waiting.isEmpty)
    }

    @Test func whoLeavesWhileItIsLandedAndDoesNotLandIsGone() {
        var desk = TrainDesk(capacity: 4)
        desk.enterTogether(1, 2, capacity: 4)
        desk.pass(1, 2)
        guard let landing = desk.landing else { return #expect(Bool(false), "nothing lands") }
        desk.apply(.left(number: 1))
        desk.apply(.landingRefused(trial: landing.trial, .temporary(reason: "502")))
        #expect(desk.prefixes == [[2]])
        #expect(desk.train.line.first?.tree == "t+2")
    }

    @Test func aConflictWithTheBaseIsForItsAuthor() {
        var desk = TrainDesk(capacity: 4)
        desk.conflicts = [2: true]
        desk.enterTogether(1, 2, 3, capacity: 4)
        #expect(desk.ejected == [2])
        #expect(desk.prefixes == [[1, 3]])
    }

    @Test func aConflictWithOthersWaitsForThem() {
        var desk = TrainDesk(capacity: 4)
        desk.conflicts = [2: false]
        desk.enterTogether(1, 2, capacity: 4)
        #expect(desk.prefixes == [[1]])
        #expect(desk.waiting == [2])
        desk.conflicts = [:]
        desk.pass(1)
        desk.land()
        #expect(desk.prefixes == [[2]])
    }

    @Test func aTrainSurvivesItsStore() throws {
        var desk = TrainDesk(capacity: 2)
        desk.enter(1, 2, 3)
        desk.fail(1)
        let stored = try JSONDecoder().decode(MergeTrain.self, from: JSONEncoder().encode(desk.train))
        #expect(stored == desk.train)
        #expect(stored.outstanding() == desk.train.outstanding())
        #expect(stored.outstanding().count == 2)
    }

    @Test func anEmptyTrainDoesNothing() {
        var train = MergeTrain(base: TrainBase(commit: "c0", tree: "t0"), capacity: 4)
        #expect(train.apply(.tick, at: Date(timeIntervalSince1970: 0)).isEmpty)
        #expect(train.outstanding().isEmpty)
    }
}
