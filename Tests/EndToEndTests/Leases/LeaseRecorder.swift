import Foundation
import Synchronization

/// Takes down what clients do, while they do it.
final class LeaseRecorder: Sendable {
    private struct State {
        var history = LeaseHistory()
        var holds: [String: Int] = [:]
        var greatest: [String: Int64] = [:]
        var operations = 0
        var isOver = false
    }

    private let state = Mutex(State())

    static var now: Double { Date().timeIntervalSince1970 }

    var history: LeaseHistory { state.withLock { $0.history } }
    /// Calls that were answered, other than that there is nothing yet.
    var operations: Int { state.withLock { $0.operations } }
    var isOver: Bool { state.withLock { $0.isOver } }

    func finish() { state.withLock { $0.isOver = true } }

    func count() { state.withLock { $0.operations += 1 } }

    func note(_ wish: LeaseHistory.Wish) { state.withLock { $0.history.wishes.append(wish) } }

    func seen(_ wish: String, _ name: String, _ token: Int64?) {
        let now = Self.now
        state.withLock { state in
            state.holds["\(name) \(wish)"] = state.history.holds.count
            state.history.holds.append(.init(wish: wish, name: name, token: token, seen: now))
            if let token { state.greatest[name] = max(token, state.greatest[name] ?? 0) }
        }
    }

    func leaving(_ wish: String, _ name: String) {
        let now = Self.now
        state.withLock { state in
            if let place = state.holds["\(name) \(wish)"], state.history.holds[place].left == nil {
                state.history.holds[place].left = now
            }
        }
    }

    /// Whether somebody has been granted the resource after this token.
    func isFollowed(_ name: String, _ token: Int64) -> Bool { state.withLock { $0.greatest[name] ?? 0 > token } }

    func late(_ name: String, _ token: Int64, wasRefused: Bool) {
        state.withLock { state in
            state.history.lateCalls.append(.init(name: name, token: token, wasRefused: wasRefused))
            state.operations += 1
        }
    }

    func surprise(_ text: String) { state.withLock { $0.history.surprises.append(text) } }
}
