import FoundationEssentials

/// What is tested next. Every free place goes, in this order, to
///
/// 1. a suspect, if no lane is under test and the last place went to a prefix (so that one place alone serves both),
/// 2. the first car of an empty line,
/// 3. suspects, those first that have waited longest,
/// 4. another car, while the line is likely to pass, if the car is full or adds enough to it,
/// 5. a full car that is too far back for the line, looked at in advance,
/// 6. suspects that had better wait: the other half of those under test, those whose companions have yet to land.
///
/// While something lands no lane starts: the base is about to be another one.
extension MergeTrain {
    mutating func plan(_ step: inout Step) {
        guard !isBaseStale else { return }
        var free = capacity - line.count(where: \.isUnderTest) - lanes.count { $0.trial != nil }
        while free > 0, startOne(&step) { free -= 1 }
    }

    private mutating func startOne(_ step: inout Step) -> Bool {
        let lanesMayStart = landing == nil
        let ready = lanesMayStart ? lanes.firstIndex(where: isReady) : nil
        if let ready, lastWasPrefix, !lanes.contains(where: { $0.trial != nil }) {
            startLane(at: ready, &step)
            return true
        }
        let room = policy.maxMembers - (line.last?.members.count ?? 0)
        if line.isEmpty, let car = nextCar(of: queue, room: room) {
            startPrefix(car.members, &step)
            return true
        }
        if let ready {
            startLane(at: ready, &step)
            return true
        }
        if canGrow, let car = nextCar(of: queue, room: room), car.isFull || isWorthwhile(car.members.count) {
            startPrefix(car.members, &step)
            return true
        }
        guard lanesMayStart else { return false }
        if let car = nextCar(of: queue.lazy.filter { !$0.isCleared }, room: policy.maxMembers), car.isFull {
            take(car.members)
            lanes.append(Lane(id: newID(), members: car.members, standing: .untested))
            startLane(at: lanes.count - 1, &step)
            return true
        }
        if let other = lanes.firstIndex(where: { $0.trial == nil }) {
            startLane(at: other, &step)
            return true
        }
        return false
    }

    /// Whether it pays to test another car on top of what is under test.
    private var canGrow: Bool {
        guard let last = line.last, last.members.count < policy.maxMembers else { return false }
        guard line.allSatisfy(\.failures.isEmpty) else { return false }
        let passed = line.last { $0.state == .passed }?.members.count ?? 0
        return estimates.goodness(of: last.members.dropFirst(passed)) >= policy.optimism
    }

    /// A car that is not full costs a run all the same: it must add enough to what is under test. Where failures are
    /// frequent smaller steps pay.
    private func isWorthwhile(_ count: Int) -> Bool {
        let growth = policy.growth / (1 + 8 * estimates.failureRate)
        return Double(count) >= growth * Double(line.last?.members.count ?? 0)
    }

    /// The members of the next car, at least one if there is any.
    private func nextCar(
        of queue: some Sequence<TrainMember>, room: Int
    ) -> (members: [TrainMember], isFull: Bool)? {
        var car: [TrainMember] = []
        var goodness = 1.0
        for member in queue {
            if member.conflictedOn == base.commit, !(car.isEmpty && line.isEmpty) { continue }
            if let first = car.first, first.staysWithCleared, !member.isCleared { return (car, true) }
            car.append(member)
            goodness *= estimates.goodness(of: CollectionOfOne(member))
            if goodness <= policy.fullCar || car.count >= room { return (car, true) }
        }
        return car.isEmpty ? nil : (car, false)
    }

    private mutating func take(_ members: [TrainMember]) {
        let numbers = Set(members.map(\.number))
        var left = numbers.count
        queue.removeAll { member in
            guard left > 0, numbers.contains(member.number) else { return false }
            left -= 1
            return true
        }
    }

    private mutating func startPrefix(_ car: [TrainMember], _ step: inout Step) {
        take(car)
        line.append(start((line.last?.members ?? []) + car, &step))
        lastWasPrefix = true
    }
}
