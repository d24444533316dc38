package import FoundationEssentials

/// A base with members merged onto it one after the other, built by git and tested as one tree.
package struct Trial: Hashable, Sendable, Codable, Identifiable {
    package enum State: String, Hashable, Sendable, Codable {
        /// Asked of git.
        case building
        case testing
        /// Every job passed: it lands, unless a longer one does.
        case passed
    }

    /// Grows with time, never used twice in one train.
    package let id: Int
    package internal(set) var base: TrainBase
    /// In merge order. Those that land meanwhile are taken off the front, and `base` moves on with them.
    package internal(set) var members: [TrainMember]
    package internal(set) var state = State.building
    package internal(set) var commit: String?
    package internal(set) var tree: String?
    package internal(set) var runs: [TrainRun] = []
    package let startedAt: Date
    /// It failed once, what failed looked like a flake, and the same tree is tested again.
    package internal(set) var failures: [TrainFailure] = []
    /// How often its jobs changed while it was under test.
    var renewals = 0

    package var numbers: [Int] { members.map(\.number) }

    var isUnderTest: Bool { state != .passed }

    /// Whether a verdict is still to come.
    var isOpen: Bool { state == .building || runs.contains { $0.state != .passed && $0.state != .failed } }

    var openRuns: [Int] { runs.filter(\.isOpen).map(\.id) }
}

/// A run that the train asked for: one job on one trial's tree.
package struct TrainRun: Hashable, Sendable, Codable, Identifiable {
    package enum State: Hashable, Sendable, Codable {
        case requested
        /// It ended without a verdict, and is asked for again at this time.
        case resting(until: Date)
        case passed
        /// It failed, or was cancelled when another one did.
        case failed
    }

    /// Grows with time, never used twice in one train: a driver derives its request id from it.
    package let id: Int
    package let job: TrainJob
    package internal(set) var state = State.requested
    package let requestedAt: Date
    /// Runs of this job on this trial before it that ended without a verdict.
    package let errors: Int
    /// A known flake was seen before, and this run is the retry.
    package let isRetry: Bool

    var isOpen: Bool { state == .requested }
}

/// Members on the base, away from the line, to find out which of them is bad.
package struct Lane: Hashable, Sendable, Codable, Identifiable {
    package enum Standing: Hashable, Sendable, Codable {
        /// Nothing is known: it is tested whole.
        case untested
        /// Tested after the lane with this id: if that one fails, these return to the queue; if it passes, they failed.
        case waiting(for: Int)
        /// Somebody in it is bad: it is halved, or tested alone once more.
        case failed
    }

    package let id: Int
    package internal(set) var members: [TrainMember]
    package internal(set) var standing: Standing
    package internal(set) var trial: Trial?
    /// What brought them here; empty for members that are only looked at in advance.
    package internal(set) var evidence: [TrainFailure] = []
    /// The prefix below the failed one, while it is under test itself: if it fails too, these are not to blame.
    var premise: Int?
    /// Those that passed out of the same suspects: these may be bad only together with them.
    var companions: [Int] = []
    /// It failed once, that looked like a flake, and it is tested again whole.
    var isRetest = false

    package var numbers: [Int] { members.map(\.number) }
}

/// How a run ended.
package enum TrainVerdict: Hashable, Sendable, Codable {
    case passed
    case failed(TrainFailure)
    /// It says nothing about the members: aborted, refused, agent lost, or it tested another tree.
    case errored(reason: String)
    /// The job is another one by now, or gone: what the trial has to pass is asked for anew.
    case outdated(reason: String)
}

/// What a failed run leaves behind for people to read.
package struct TrainFailure: Hashable, Sendable, Codable {
    package var job: String
    /// The run as its pages name it; nil where it never started.
    package var run: String?
    package var tests: [String]
    /// The lines of the log that show it.
    package var lines: [String]
    /// Each of its tests failed and passed on one tree lately.
    package var isKnownFlake: Bool

    package init(
        job: String, run: String? = nil, tests: [String] = [], lines: [String] = [], isKnownFlake: Bool = false
    ) {
        self.job = job
        self.run = run
        self.tests = tests
        self.lines = lines
        self.isKnownFlake = isKnownFlake
    }
}
