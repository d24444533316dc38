import FoundationEssentials

/// Coming and going.
extension MergeTrain {
    mutating func enter(_ member: TrainMember, _ step: inout Step) {
        leaving.remove(member.number)
        replacements[member.number] = nil
        if let known = self.member(member.number) {
            guard known.head != member.head else { return update(known, with: member) }
            leave(member.number, &step)
            if leaving.contains(member.number) {
                replacements[member.number] = member
                return
            }
        }
        wait(member)
    }

    /// The same head again: its priority may have changed, and jobs may have passed elsewhere.
    private mutating func update(_ known: TrainMember, with member: TrainMember) {
        guard let index = queue.firstIndex(where: { $0.number == member.number }) else { return }
        var known = queue.remove(at: index)
        known.priority = member.priority
        known.passes.merge(member.passes) { max($0, $1) }
        wait(known)
    }

    mutating func leave(_ number: Int, _ step: inout Step) {
        if line.contains(where: { $0.id == landing && $0.numbers.contains(number) }) {
            leaving.insert(number)
            replacements[number] = nil
            return
        }
        queue.removeAll { $0.number == number }
        if let index = line.firstIndex(where: { $0.numbers.contains(number) }) {
            cut(from: index, without: [number], &step)
        }
        leaveLane(number, &step)
    }

    /// The branch stands elsewhere: nothing of the line can land as it is. Lanes go on: what they find out about their
    /// members is hardly touched by it, and whoever passes is tested again in the line.
    mutating func move(to base: TrainBase, _ step: inout Step) {
        isBaseStale = false
        guard base.commit != self.base.commit else { return }
        self.base = base
        landing = nil
        guard !line.isEmpty else { return }
        cut(from: 0, &step)
        step.actions.append(.note(.rebuilt(base: base)))
        leaveAll(&step)
    }

    func member(_ number: Int) -> TrainMember? {
        queue.first { $0.number == number } ?? line.last?.members.first { $0.number == number }
            ?? lanes.lazy.flatMap(\.members).first { $0.number == number }
    }

    /// Puts a member into its place of the queue.
    mutating func wait(_ member: TrainMember) {
        var (low, high) = (0, queue.count)
        while low < high {
            let middle = (low + high) / 2
            if queue[middle].goes(before: member) { low = middle + 1 } else { high = middle }
        }
        queue.insert(member, at: low)
    }

    mutating func wait(_ members: some Sequence<TrainMember>) {
        for member in members { wait(member) }
    }

    mutating func tick(_ step: inout Step) {
        let latest = step.now - policy.maxWait
        if queue.contains(where: { !$0.isOverdue && $0.enteredAt < latest }) {
            for index in queue.indices where queue[index].enteredAt < latest { queue[index].isOverdue = true }
            queue.sort { $0.goes(before: $1) }
        }
        requestRested(&step)
    }

    mutating func eject(_ member: TrainMember, _ ejection: Ejection, _ step: inout Step) {
        step.actions.append(.eject(member, ejection))
        if case .failedAlone = ejection { estimates.eject() }
    }

    /// Those that left while they were being landed and did not land are out now.
    mutating func leaveAll(_ step: inout Step) {
        guard landing == nil, !leaving.isEmpty else { return }
        let numbers = leaving
        leaving = []
        for number in numbers.sorted() {
            leave(number, &step)
            if let member = replacements.removeValue(forKey: number) { wait(member) }
        }
    }
}
