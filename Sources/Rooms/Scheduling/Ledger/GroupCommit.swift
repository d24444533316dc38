import SlipwayModel

/// Lets calls that arrive while another is under way share the next one: a batch is as large as what came meanwhile, so
/// an idle system waits for nothing and a busy one pays one transaction for many.
///
/// No task is started: the first caller performs the batch it stands in, then passes the lead to the first one waiting.
actor GroupCommit<Input: Sendable, Output: Sendable> {
    private enum Turn: Sendable {
        case done(Result<Output, any Error>)
        case lead
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
    init(limit: Int = 500, perform: @escaping @Sendable ([Input]) async throws -> [Output]) {
        self.limit = limit
        self.perform = perform
    }

    func submit(_ input: Input) async throws -> Output {
        if isBusy {
            let turn = await withCheckedContinuation { waiting.append(Waiter(input: input, continuation: $0)) }
            if case .done(let result) = turn { return try result.get() }
        }
        isBusy = true
        let others = Array(waiting.prefix(limit - 1))
        waiting.removeFirst(others.count)
        defer { passLead() }
        do {
            let outputs = try await perform([input] + others.map(\.input))
            for (waiter, output) in zip(others, outputs.dropFirst()) {
                waiter.continuation.resume(returning: .done(.success(output)))
            }
            return outputs[0]
        } catch {
            // That the leader was cancelled says nothing of the others.
            let shared: any Error = error is CancellationError ? LedgerError.interrupted : error
            for waiter in others { waiter.continuation.resume(returning: .done(.failure(shared))) }
            throw error
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

/// Why the ledger does not know what became of a call; it may be made again.
enum LedgerError: Error, CustomStringConvertible {
    case interrupted
    case notFinal(RunState)

    var description: String {
        switch self {
        case .interrupted: "the call was interrupted together with another one; make it again"
        case .notFinal(let state): "an attempt cannot be completed as '\(state.rawValue)', which is no final state"
        }
    }
}
