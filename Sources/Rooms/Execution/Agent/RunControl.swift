import Synchronization

/// The way to a run that is being executed: whoever has reason to can stop it, from anywhere.
package final class RunControl: Sendable {
    package enum Stop: Hashable, Sendable {
        /// Its run was aborted.
        case cancelled(String)
        /// The attempt is no longer this agent's; nothing of it may be published.
        case lost
        /// The agent is shutting down and gives the attempt back.
        case shutdown
        /// The agent cannot go on with it, for the reason given.
        case failed(String)

        /// What the job's log says.
        var reason: String {
            switch self {
            case .cancelled(let reason), .failed(let reason): reason
            case .lost: "the attempt was given to another agent"
            case .shutdown: "the agent is shutting down"
            }
        }

        /// The same as one line, of at most 500 characters.
        var line: String { String(reason.split(whereSeparator: \.isNewline).joined(separator: " ").prefix(500)) }

        private var weight: Int {
            switch self {
            case .lost: 3
            case .shutdown: 2
            case .cancelled: 1
            case .failed: 0
            }
        }

        func outweighs(_ other: Stop) -> Bool { weight > other.weight }
    }

    private struct State {
        var stop: Stop?
        var handler: (@Sendable (Stop) -> Void)?
    }

    private let state = Mutex(State())

    package init() {}

    /// Why the run is to stop; nil while it may go on.
    package var stop: Stop? { state.withLock { $0.stop } }

    /// Stops the run. Of several reasons the weightiest is kept: what may not be published outweighs what is.
    package func stop(_ reason: Stop) {
        let handler = state.withLock { state -> (@Sendable (Stop) -> Void)? in
            if let stop = state.stop {
                if reason.outweighs(stop) { state.stop = reason }
                return nil
            }
            state.stop = reason
            return state.handler
        }
        handler?(reason)
    }

    /// Calls `handler` once when the run is stopped; at once where it already is.
    package func onStop(_ handler: @escaping @Sendable (Stop) -> Void) {
        let stop = state.withLock { state in
            state.handler = handler
            return state.stop
        }
        if let stop { handler(stop) }
    }
}
