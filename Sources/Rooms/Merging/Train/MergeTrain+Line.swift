import FoundationEssentials

/// The line: what lands.
extension MergeTrain {
    /// The members that a prefix has beyond the one below it.
    package func car(at index: Int) -> ArraySlice<TrainMember> {
        line[index].members.dropFirst(index > 0 ? line[index - 1].members.count : 0)
    }

    /// Takes the cars from here on off the line, back into the queue; those before go on.
    mutating func cut(from index: Int, without gone: Set<Int> = [], _ step: inout Step) {
        guard index < line.count, let last = line.last else { return }
        let kept = index > 0 ? line[index - 1].members.count : 0
        for trial in line[index...] {
            cancel(trial, &step)
            for lane in lanes.indices where lanes[lane].premise == trial.id { lanes[lane].premise = nil }
        }
        line.removeSubrange(index...)
        wait(last.members.dropFirst(kept).lazy.filter { !gone.contains($0.number) })
        // What waited for a longer prefix to prove it a flake has none any more.
        if let top = line.indices.last, line[top].isUnderTest, !line[top].failures.isEmpty, !line[top].isOpen {
            testAgain(.line(top), &step)
        }
    }

    mutating func passPrefix(at index: Int, _ step: inout Step) {
        line[index].state = .passed
        let id = line[index].id
        for shorter in line[..<index] where shorter.id != landing {
            if !shorter.failures.isEmpty {
                estimates.flake()
                step.actions.append(.note(.flakeOverridden(trial: shorter.id, by: id, shorter.failures)))
            }
            cancel(shorter, &step)
        }
        for lane in lanes.indices where line[...index].contains(where: { $0.id == lanes[lane].premise }) {
            lanes[lane].premise = nil
        }
        let landing = landing
        line = line[..<index].filter { $0.id == landing } + line[index...]
    }

    /// Who is to blame for a failed prefix: the first car that failed, once nothing can prove it a flake any more.
    mutating func failPrefix(at index: Int, _ step: inout Step) {
        if let first = line[..<index].firstIndex(where: { $0.isUnderTest && !$0.failures.isEmpty }) {
            return condemn(first, &step)
        }
        let trial = line[index]
        let unproven = index > 0 && line[index - 1].isUnderTest ? trial.members[...] : car(at: index)
        let flakiness = estimates.flakiness(goodness: estimates.goodness(of: unproven))
        guard trial.failures.count == 1, flakiness >= policy.benefitOfDoubt else { return condemn(index, &step) }
        if index == line.count - 1 { testAgain(.line(index), &step) }
    }

    private mutating func condemn(_ index: Int, _ step: inout Step) {
        let trial = line[index]
        let (isAlone, premise) = (trial.members.count == 1, index > 0 && line[index - 1].isUnderTest)
        let car = Array(car(at: index))
        // In a mixed car those that were cleared before are not to blame: they try once more without the others.
        let blamed = car.contains { !$0.isCleared } ? car.filter { !$0.isCleared } : car
        if car.allSatisfy(\.isCleared) { estimates.refute() }
        let acquitted = blamed.count < car.count ? car.filter(\.isCleared) : []
        step.actions.append(
            .note(.failed(trial: trial.id, members: trial.numbers, suspects: blamed.map(\.number), trial.failures)))
        for lane in lanes.indices.reversed() where lanes[lane].premise == trial.id { acquitLane(at: lane) }
        var lane = Lane(
            id: newID(), members: blamed, standing: .failed, evidence: trial.failures,
            premise: premise ? line[index - 1].id : nil)
        cut(from: index, without: Set(car.map(\.number)), &step)
        for var member in acquitted {
            member.staysWithCleared = true
            wait(member)
        }
        for at in lane.members.indices {
            lane.members[at].isCleared = false
            lane.members[at].staysWithCleared = false
        }
        if isAlone {
            lane.members[0].aloneFailures += trial.failures
            if isProven(lane.members[0]) {
                return eject(lane.members[0], .failedAlone(lane.members[0].aloneFailures), &step)
            }
        }
        lanes.append(lane)
    }

    func isProven(_ member: TrainMember) -> Bool { member.aloneFailures.count >= 2 }

    // MARK: Landing

    mutating func startLanding(_ step: inout Step) {
        guard landing == nil, !isBaseStale, landsAgainAt.map({ $0 <= step.now }) ?? true,
            let trial = line.last(where: { $0.state == .passed })
        else { return }
        landsAgainAt = nil
        landing = trial.id
        step.actions.append(trial.landAction)
    }

    mutating func land(_ id: Int, _ numbers: [Int], _ base: TrainBase, _ step: inout Step) {
        let landed = Set(numbers)
        guard id == landing, let index = line.firstIndex(where: { $0.id == id }),
            landed == Set(line[index].numbers.prefix(numbers.count))
        else {
            // They landed all the same: whatever happened since, they do not wait any more.
            for number in numbers where member(number) != nil { leave(number, &step) }
            return
        }
        let tree = line[index].tree
        landingTrouble = nil
        estimates.land(numbers.count)
        estimates.confirm(line[index].members.prefix(numbers.count).count(where: \.isCleared))
        leaving.subtract(landed)
        for number in numbers { replacements[number] = nil }
        step.actions.append(.note(.landed(numbers)))
        self.base = base
        line.removeSubrange(..<index)
        for at in line.indices {
            line[at].members.removeFirst(numbers.count)
            line[at].base = base
        }
        guard line[0].members.isEmpty else { return }
        line.removeFirst()
        landing = nil
        leaveAll(&step)
        if base.tree != tree, !line.isEmpty {
            cut(from: 0, &step)
            step.actions.append(.note(.rebuilt(base: base)))
        }
    }

    mutating func refuseLanding(_ id: Int, _ refusal: LandingRefusal, _ step: inout Step) {
        guard id == landing, let index = line.firstIndex(where: { $0.id == id }) else { return }
        (landing, landingTrouble) = (nil, nil)
        switch refusal {
        case .baseMoved:
            isBaseStale = true
            cut(from: 0, &step)
        case .member(let number, let reason):
            if let member = line[index].members.first(where: { $0.number == number }) {
                leaving.remove(number)
                leave(number, &step)
                eject(member, .refused(reason: reason), &step)
                if let newer = replacements.removeValue(forKey: number) { wait(newer) }
            }
        case .jobsChanged:
            renew(.line(index), &step)
        case .temporary(let reason, let seconds):
            landsAgainAt = step.now + seconds
            landingTrouble = seconds > 0 ? reason : nil
        }
        leaveAll(&step)
    }
}
