import Merging
import Testing

/// The rules of the train about who is to blame, one by one.
@Suite struct SuspectTests {
    @Test func aFailedCarLeavesAndTheRestIsBuiltAtOnce() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1, 2)
        desk.fail(1)
        #expect(desk.prefixes == [[2]])
        #expect(desk.lanes == [[1]])
        #expect(desk.ejected.isEmpty)
    }

    @Test func twoFailuresAloneAndItIsOut() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.fail(1)
        #expect(desk.ejected.isEmpty)
        desk.fail(1)
        #expect(desk.ejected == [1])
        #expect(desk.train.lanes.isEmpty)
        guard case .eject(_, .failedAlone(let failures)) = desk.actions.last else {
            return #expect(Bool(false), "no evidence: \(desk.actions)")
        }
        #expect(failures.count == 2)
    }

    @Test func aSecondRunThatPassesClearsAndLands() {
        var desk = TrainDesk(capacity: 4)
        desk.enter(1)
        desk.fail(1)
        desk.pass(1)
        #expect(desk.landing?.numbers == [1], "a lane on the branch's tip lands as it is")
        #expect(desk.ejected.isEmpty)
    }

    @Test func suspectsAreHalved() {
        var desk = TrainDesk(capacity: 1)
        desk.enterTogether(1, 2, 3, 4, capacity: 1)
        desk.fail(1, 2, 3, 4)
        #expect(desk.lanes == [[1, 2]])
        desk.pass(1, 2)
        // The passing half lands; the other half is to blame.
        #expect(desk.landing?.numbers == [1, 2])
        #expect(desk.lanes == [], "a base without them would say less")
        desk.land()
        #expect(desk.lanes == [[3]])
        desk.fail(3)
        // With one place, line and lanes take turns; 4 is as untested as before, and goes into the line.
        #expect(desk.prefixes == [[4]])
        desk.pass(4)
        desk.land()
        #expect(desk.lanes == [[3]])
        desk.fail(3)
        #expect(desk.ejected == [3])
        #expect(desk.train.base.tree == "t+1+2+4")
    }

    @Test func theOtherHalfReturnsUntested() {
        var desk = TrainDesk(capacity: 1)
        desk.enterTogether(1, 2, 3, 4, capacity: 1)
        desk.fail(1, 2, 3, 4)
        desk.fail(1, 2)
        #expect((desk.prefixes + desk.lanes).flatMap(\.self).count <= 2)
        #expect(Set(desk.waiting + desk.prefixes.flatMap(\.self)).isSuperset(of: [3, 4]))
    }

    @Test func fiveAndSixAreGreenAloneAndRedTogether() {
        var desk = TrainDesk(capacity: 4)
        desk.enterTogether(5, 6, capacity: 4)
        desk.fail(5, 6)
        desk.pass(5)
        desk.land()
        // 6 passed the base that 5 was not on, or is still tested there; with 5 below it, it fails.
        desk.pass(6)
        desk.fail(6)
        desk.fail(6)
        desk.fail(6)
        #expect(desk.ejected == [6])
        #expect(desk.train.base.tree == "t+5")
    }

    @Test func whoIsBadOnlyWithTheClearedIsTestedOnceTheyLanded() {
        var desk = TrainDesk(capacity: 1)
        desk.enterTogether(1, 2, 3, 4, capacity: 1)
        desk.fail(1, 2, 3, 4)
        desk.enter(5, 6)
        desk.apply(.capacityChanged(2))
        desk.pass(1, 2)
        #expect(desk.prefixes == [[5, 6], [5, 6, 1, 2]])
        desk.pass(5, 6, 1, 2)
        #expect(desk.lanes == [], "3 and 4 may be bad only on top of 1 and 2")
        desk.land()
        #expect(desk.lanes.first == [3])
        #expect(desk.train.lanes.first?.trial?.base.tree == "t+5+6+1+2")
        desk.fail(3)
        desk.fail(3)
        #expect(desk.ejected == [3])
    }

    @Test func suspectsWaitUntilWhatIsBelowThemIsDecided() {
        var desk = TrainDesk(capacity: 2)
        desk.enter(1, 2)
        desk.enter(3)
        desk.fail(1, 2)
        #expect(desk.prefixes == [[1], [1, 3]])
        #expect(desk.lanes == [])
        desk.pass(1)
        #expect(desk.lanes == [], "the base without 1 would clear whoever is bad only with it")
        desk.land()
        #expect(desk.lanes == [[2]])
        #expect(desk.train.lanes.first?.trial?.base.tree == "t+1")
    }

    @Test func theClearedAreNotToBlameForOthers() {
        var desk = TrainDesk(capacity: 2)
        desk.enterTogether(1, 2, capacity: 2)
        desk.fail(1, 2)
        #expect(Set(desk.lanes.flatMap(\.self)) == [1, 2])
        desk.enter(3)
        desk.pass(1)
        #expect(desk.landing?.numbers == [1])
        #expect(desk.ejected.isEmpty)
    }
}
