package import FoundationEssentials

/// A base with members merged onto it one after the other, built by git and tested as one tree.
package struct Trial: Hashable, Sendable, Codable, Identifiable {
    package enum Purpose: String, Hashable, Sendable, Codable {
        /// A prefix of the line: what lands when it passes.
        case prefix
        /// Suspects on the base, to find out which of them is bad. A lane that passes lands too, if nothing came between.
        case lane
    }

    package enum State: Hashable, Sendable, Codable {
        /// Asked of git.
        case building
        case testing
        case passed
        case failed
    }

    /// Grows with time, never used twice in one train.
    package var id: Int
    package var purpose: Purpose
    package var base: TrainBase
    /// In merge order. Those that land meanwhile are taken off the front, and `base` moves on with them.
    package var members: [TrainMember]
    package var state: State
    package var commit: String?
    package var tree: String?
    package var runs: [TrainRun]
    package var startedAt: Date

    package var numbers: [Int] { members.map(\.number) }
}

/// A run that the train asked for: one job on one trial's tree.
package struct TrainRun: Hashable, Sendable, Codable, Identifiable {
    package enum State: Hashable, Sendable, Codable {
        case requested
        case passed
        case failed(TrainFailure)
        /// Nobody waits for it any more.
        case cancelled
    }

    /// Grows with time, never used twice in one train: a driver derives its request id from it.
    package var id: Int
    package var job: TrainJob
    package var state: State
    /// Counts from 1: a known flake and an error of the infrastructure are run again.
    package var attempt: Int
}

/// How a run ended.
package enum TrainVerdict: Hashable, Sendable, Codable {
    case passed
    case failed(TrainFailure)
    /// It says nothing about the members: aborted, refused, agent lost, or it tested another tree.
    case errored(reason: String)
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
