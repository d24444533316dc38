import Synchronization

/// Something that happens once, and that tasks wait for.
final class Signal: Sendable {
    private struct State {
        var isSent = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var last = 0
    }
    private let state = Mutex(State())

    var isSent: Bool { state.withLock { $0.isSent } }

    func send() {
        let waiting = state.withLock { state in
            state.isSent = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    /// Returns when it has happened, or the task is cancelled.
    func wait() async {
        let id = state.withLock { state in
            state.last += 1
            return state.last
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isSent || Task.isCancelled { return true }
                    state.waiting[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume()
        }
    }
}
