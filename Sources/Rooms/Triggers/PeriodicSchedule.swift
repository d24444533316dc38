package import FoundationEssentials
package import JobConfig
package import SlipwayModel

/// When a periodic job fires. Pure; Prow's rules (pkg horologium): `cron` in UTC, a tick during a run is dropped;
/// `interval` counts from the start of the last run, `minimum_interval` from its end, both wait for its completion;
/// a job that never ran starts now. A job with `retry` is tried again before its next turn: until it succeeds, or with
/// `run_all` every time; an aborted run was not meant to go on.
package enum PeriodicSchedule {
    /// What is known of a job.
    package struct State: Sendable, Hashable {
        package var firstSeen: Date
        /// The instant it was last fired (or dropped) for.
        package var lastInstant: Date?
        package var lastStart: Date?
        /// nil while it runs, or if it never ran.
        package var lastEnd: Date?
        /// How the last run ended.
        package var lastResult: RunState?
        /// Tries again since it last fell due.
        package var retries: Int

        package init(
            firstSeen: Date, lastInstant: Date? = nil, lastStart: Date? = nil, lastEnd: Date? = nil,
            lastResult: RunState? = nil, retries: Int = 0
        ) {
            self.firstSeen = firstSeen
            self.lastInstant = lastInstant
            self.lastStart = lastStart
            self.lastEnd = lastEnd
            self.lastResult = lastResult
            self.retries = retries
        }

        var isRunning: Bool { lastStart != nil && lastEnd == nil }
    }

    package enum Verdict: Sendable, Hashable {
        /// Start a run on behalf of this instant: the same instant whichever process decides.
        case fire(Date)
        /// The instant came while the job was running.
        case drop(Date)
        /// Try again after the run that ended at this instant.
        case retry(after: Date)
        /// Look again then.
        case wait(until: Date)
    }

    /// How long a fired run may take to show up before the job is fired again.
    private static let patience: TimeInterval = 300
    private static let whileRunning: TimeInterval = 2

    package static func verdict(
        _ schedule: Schedule, retry: PeriodicRetry? = nil, _ state: State, now: Date
    ) -> Verdict {
        let verdict = verdict(schedule, state, now: now)
        guard case .wait(let turn) = verdict, let retry, state.retries < retry.attempts, let end = state.lastEnd,
            let result = state.lastResult, result == .failure || result == .error || result == .success && retry.runsAll
        else { return verdict }
        let due = end.addingTimeInterval(retry.interval)
        return due <= now ? .retry(after: end) : .wait(until: min(turn, due))
    }

    private static func verdict(_ schedule: Schedule, _ state: State, now: Date) -> Verdict {
        switch schedule {
        case .cron(let expression):
            // After a day without a gateway nobody wants yesterday's ticks.
            let base = max(state.lastInstant ?? state.firstSeen, now.addingTimeInterval(-86_400))
            guard var instant = expression.next(after: base) else { return .wait(until: .distantFuture) }
            guard instant <= now else { return .wait(until: instant) }
            while let next = expression.next(after: instant), next <= now { instant = next }
            return state.isRunning ? .drop(instant) : .fire(instant)
        case .interval(let seconds):
            return verdict(due: state.lastStart?.addingTimeInterval(seconds), state, now: now)
        case .minimumInterval(let seconds):
            return verdict(due: state.lastEnd?.addingTimeInterval(seconds), state, now: now)
        }
    }

    private static func verdict(due: Date?, _ state: State, now: Date) -> Verdict {
        guard !state.isRunning else { return .wait(until: now.addingTimeInterval(whileRunning)) }
        var instant = due ?? state.firstSeen
        if let last = state.lastInstant, last >= instant {
            // Fired already, and its run has not shown up: perhaps it was refused.
            instant = last.addingTimeInterval(patience)
            guard instant <= now else { return .wait(until: min(instant, now.addingTimeInterval(whileRunning))) }
        }
        return instant <= now ? .fire(instant) : .wait(until: instant)
    }
}
