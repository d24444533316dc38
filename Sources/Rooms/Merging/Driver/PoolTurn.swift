import FoundationEssentials
import JobConfig
import SlipwayModel

/// What one turn found, and has to tell its train.
struct PoolTurn: Sendable {
    let pool: PoolName
    /// Of the configuration.
    let version: Int64
    let tide: TideSettings
    var look: PoolLook?
    /// Whether the look is stored.
    private(set) var isLookStored = false
    var endedRuns: [EndedRun] = []
    var cancelledRuns: [EndedRun] = []

    init(pool: PoolName, version: Int64, tide: TideSettings) {
        self.pool = pool
        self.version = version
        self.tide = tide
    }

    /// A run of ours that ended, and what the train hears of it.
    struct EndedRun: Sendable {
        var run: OpenRun
        var verdict: TrainVerdict
    }

    /// What was found is in the database now.
    mutating func isStored() {
        isLookStored = look != nil
        endedRuns = []
        cancelledRuns = []
    }

    mutating func setLook(_ look: PoolLook) {
        self.look = look
        isLookStored = false
    }

    /// Who came, who went, what the branch and the runs did. In this order: a run's end counts before its trial is given
    /// up for a moved base, and members that left take their trials with them before new ones enter.
    func events(for train: MergeTrain, at now: Date) -> [TrainEvent] {
        var events: [TrainEvent] = endedRuns.map { .runFinished(run: $0.run.run, $0.verdict) }
        guard let look else { return events }
        // Also where it stands as before: a landing may have been refused because it seemed to have moved.
        if let base = look.base, train.landing == nil { events.append(.baseMoved(base)) }
        if look.capacity != train.capacity { events.append(.capacityChanged(look.capacity)) }
        let inside = train.membersByNumber
        for number in inside.keys.sorted() where look.pulls[number]?.mayEnter != true {
            events.append(.left(number: number))
        }
        let entering = look.pulls.values.filter(\.mayEnter).sorted { $0.pull.number < $1.pull.number }
        let sets = look.rules.tide.priorities.count
        for found in entering {
            let present = inside[found.pull.number]
            let member = TrainMember(
                number: found.pull.number, head: found.pull.headSHA, enteredAt: present?.enteredAt ?? now,
                priority: sets - found.standing.priority, passes: found.passes)
            if let present, present.head == member.head, present.priority == member.priority,
                member.passes.allSatisfy({ job, time in present.passes[job].map { $0 >= time } ?? false })
            {
                continue
            }
            events.append(.entered(member))
        }
        return events
    }
}

/// A run that a train waits for, as scheduling knows it.
struct OpenRun: Sendable {
    var requestID: UUID
    /// The train's number of it.
    var run: Int
    var tree: String
    var job: String
    var jobHash: String
    var isCancelled: Bool
    var refusal: String?
    var runID: RunID?
    var buildID: BuildID?
    var state: RunState?
    var testedTree: String?
    var testedHash: String?
    var description: String?
    /// Seconds.
    var sinceEnd: Double?
    var isCancelAsked: Bool
    /// In the artifact store.
    var folder: String?
}
