import FoundationEssentials
import SlipwayModel

/// Where the members of a pool are in its train, and when each may land. Pure.
struct PoolPlaces: Sendable {
    struct Place: Sendable {
        /// From 1.
        var position: Int
        /// It is being tested.
        var isUnderTest: Bool
        /// Seconds until it lands if everything passes; nil where nothing is known of this pool's pace.
        var expected: Double?
        /// The others of the shortest trial it is in.
        var with: [Int]
    }

    private(set) var order: [Int] = []
    private(set) var places: [Int: Place] = [:]

    init(_ train: MergeTrain?, pace: Double?, now: Date) {
        guard let train else { return }
        var round = 0.0
        for trial in train.line {
            let left = pace.map { max($0 / 10, $0 - now.timeIntervalSince(trial.startedAt)) }
            for member in trial.members where places[member.number] == nil {
                add(member.number, isUnderTest: true, expected: left, with: trial.numbers)
            }
        }
        for lane in train.lanes {
            let left = lane.trial.flatMap { trial in
                pace.map { max($0 / 10, $0 - now.timeIntervalSince(trial.startedAt)) }
            }
            for number in lane.numbers where places[number] == nil {
                add(
                    number, isUnderTest: lane.trial != nil, expected: pace.map { (left ?? $0) + $0 }, with: lane.numbers
                )
            }
        }
        let size = max(1, train.line.last?.members.count ?? 1)
        for (index, member) in train.queue.enumerated() where places[member.number] == nil {
            if index % size == 0 { round += 1 }
            let ahead = train.line.isEmpty ? round : round + 1
            add(member.number, isUnderTest: false, expected: pace.map { $0 * ahead }, with: [])
        }
    }

    private mutating func add(_ number: Int, isUnderTest: Bool, expected: Double?, with numbers: [Int]) {
        order.append(number)
        places[number] = Place(
            position: order.count, isUnderTest: isUnderTest, expected: expected,
            with: numbers.filter { $0 != number })
    }
}
