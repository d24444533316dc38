import Postgres

/// Lets calls that arrive while another is under way share the next one: a batch is as large as what came meanwhile, so
/// an idle system waits for nothing and a busy one pays one transaction for many.
///
/// No task is started: the first caller performs the batch it stands in, then passes the lead to the first one waiting.
/// A batch that fails is performed again one by one, so that neither an input at fault nor a leader that goes away takes
/// its neighbours along; what is performed must therefore be harmless to repeat.
package actor GroupCommit<Input: Sendable, Output: Sendable> {
    private enum Turn: Sendable {
        case done(Result<Output, any Error>)
        case lead
        case alone
    }

    private struct Waiter {
        let input: Input
        let continuation: CheckedContinuation<Turn, Never>
    }

    private let limit: Int
    private let perform: @Sendable ([Input]) async throws -> [Output]
    private var waiting: [Waiter] = []
    private var isBusy = false

    /// - Parameter perform: answers an output per input, in order.
    package init(limit: Int = 500, perform: @escaping @Sendable ([Input]) async throws -> [Output]) {
        self.limit = limit
        self.perform = perform
    }

    /// Calls that wait for their batch.
    package var waitingCount: Int { waiting.count }

    /// Returns once the batch of the input has been performed.
    package func submit(_ input: Input) async throws -> Output {
        if isBusy {
            switch await withCheckedContinuation({ waiting.append(Waiter(input: input, continuation: $0)) }) {
            case .done(let result): return try result.get()
            case .alone: return try await perform([input])[0]
            case .lead: break
            }
        }
        isBusy = true
        defer { passLead() }
        let others = Array(waiting.prefix(limit - 1))
        waiting.removeFirst(others.count)
        do {
            let outputs = try await perform([input] + others.map(\.input))
            for (waiter, output) in zip(others, outputs.dropFirst()) {
                waiter.continuation.resume(returning: .done(.success(output)))
            }
            return outputs[0]
        } catch {
            // A database that is away is away for each of them.
            let isCommon = (error as? PostgresError)?.isOutage ?? false
            for waiter in others {
                waiter.continuation.resume(returning: isCommon ? .done(.failure(error)) : .alone)
            }
            guard !others.isEmpty, !isCommon, !(error is CancellationError) else { throw error }
            return try await perform([input])[0]
        }
    }

    private func passLead() {
        guard !waiting.isEmpty else {
            isBusy = false
            return
        }
        waiting.removeFirst().continuation.resume(returning: .lead)
    }
}
