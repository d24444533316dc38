import FoundationEssentials

/// Lanes: who is bad.
extension MergeTrain {
    private enum Outcome {
        case passed([Int])
        case failed, unknown
    }

    mutating func passLane(at index: Int, _ step: inout Step) {
        let lane = lanes.remove(at: index)
        guard var trial = lane.trial else { return }
        // Suspects that pass need not have flaked: each may be good, and bad only with others.
        if lane.isRetest { estimates.flake() }
        for at in trial.members.indices {
            trial.members[at].isCleared = true
            trial.members[at].aloneFailures = []
        }
        step.actions.append(.note(.cleared(lane.numbers)))
        settle(lane.id, .passed(lane.numbers))
        if line.isEmpty, trial.base.commit == base.commit {
            trial.state = .passed
            line = [trial]
        } else {
            wait(trial.members)
        }
    }

    mutating func failLane(at index: Int, _ step: inout Step) {
        guard let trial = lanes[index].trial else { return }
        let isFirstLook = lanes[index].evidence.isEmpty
        lanes[index].trial = nil
        lanes[index].evidence = trial.failures
        if trial.members.count == 1 {
            lanes[index].members[0].aloneFailures += trial.failures
        } else {
            // Half of a car that failed is good half of the time, whatever the failure rate.
            let goodness = isFirstLook ? estimates.goodness(of: trial.members) : 0.5
            if !lanes[index].isRetest, estimates.flakiness(goodness: goodness) >= policy.benefitOfDoubt {
                lanes[index].isRetest = true
                return
            }
        }
        lanes[index].standing = .failed
        let lane = lanes[index]
        step.actions.append(
            .note(.failed(trial: trial.id, members: trial.numbers, suspects: trial.numbers, trial.failures)))
        settle(lane.id, .failed)
        if lane.members.count == 1, isProven(lane.members[0]) {
            lanes.removeAll { $0.id == lane.id }
            eject(lane.members[0], .failedAlone(lane.members[0].aloneFailures), &step)
        }
    }

    /// The prefix below the one that brought these here failed as well: they are as untested as before.
    mutating func acquitLane(at index: Int) {
        let lane = lanes[index]
        lanes[index].premise = nil
        settle(lane.id, .unknown)
        if lane.trial == nil {
            lanes.removeAll { $0.id == lane.id }
            wait(lane.members)
        } else {
            lanes[index].standing = .untested
        }
    }

    mutating func leaveLane(_ number: Int, _ step: inout Step) {
        guard let index = lanes.firstIndex(where: { $0.numbers.contains(number) }) else { return }
        cancel(lanes[index].trial, &step)
        lanes[index].trial = nil
        lanes[index].members.removeAll { $0.number == number }
        let lane = lanes[index]
        // The bad one may be gone with it.
        if lane.standing == .failed { lanes[index].standing = .untested }
        if lane.members.isEmpty {
            lanes.remove(at: index)
            settle(lane.id, .unknown)
        }
    }

    /// What the end of a lane means for the other half.
    private mutating func settle(_ id: Int, _ outcome: Outcome) {
        for index in lanes.indices.reversed() where lanes[index].standing == .waiting(for: id) {
            if lanes[index].trial != nil {
                lanes[index].standing = .untested
                continue
            }
            switch outcome {
            case .passed(let numbers):
                lanes[index].standing = .failed
                lanes[index].companions += numbers
            case .unknown: lanes[index].standing = .untested
            case .failed: wait(lanes.remove(at: index).members)
            }
        }
    }

    /// Whether a lane waits for nothing but a free place. Where suspects are bad only with those below them, the base
    /// shows it once those have landed: tested before, they would be cleared, and fail again in the line.
    func isReady(_ lane: Lane) -> Bool {
        guard lane.trial == nil, lane.premise == nil else { return false }
        if case .waiting = lane.standing { return false }
        return !lane.companions.contains { member($0)?.isCleared == true }
    }

    mutating func startLane(at index: Int, _ step: inout Step) {
        if lanes[index].standing == .failed, lanes[index].members.count > 1 {
            var other = lanes[index]
            let half = lanes[index].members.count / 2
            lanes[index].members.removeLast(other.members.count - half)
            lanes[index].standing = .untested
            lanes[index].isRetest = false
            other = Lane(
                id: newID(), members: Array(other.members.dropFirst(half)),
                standing: .waiting(for: lanes[index].id), evidence: other.evidence, premise: other.premise)
            lanes.insert(other, at: index + 1)
        }
        lanes[index].trial = start(lanes[index].members, &step)
        lastWasPrefix = false
    }
}
