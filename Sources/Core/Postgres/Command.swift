import Synchronization

/// One unit of work on a connection: sent as a whole, answered as a whole. Made by the caller, then used only on the
/// connection's loop, but for `isCancelled`.
final class Command: @unchecked Sendable {
    enum Work {
        /// Prepared and unnamed statements in one round trip.
        case pipeline([Batch.Call])
        /// The simple protocol.
        case script(String)
        case copyIn(CopyData)
    }

    let work: Work
    /// False for what must run to its end even in a cancelled task: COMMIT, ROLLBACK.
    let isCancellable: Bool
    let isCancelled = Atomic<Bool>(false)

    var continuation: UnsafeContinuation<Result<[ResultBox], PostgresError>, Never>?
    var results: [ResultBox] = []
    var error: PostgresError?
    var started: ContinuousClock.Instant?
    /// When the client gives up on the connection. The server's own statement_timeout comes first while it lives.
    var deadline: ContinuousClock.Instant?
    var isRepeated = false

    init(_ work: Work, isCancellable: Bool = true) {
        self.work = work
        self.isCancellable = isCancellable
    }

    var statementCount: Int {
        switch work {
        case .pipeline(let calls): calls.count
        case .script, .copyIn: 1
        }
    }

    func label(_ index: Int) -> StatementLabel {
        switch work {
        case .pipeline(let calls): calls[min(index, calls.count - 1)].label
        case .script(let sql): StatementLabel(name: nil, sql: sql)
        case .copyIn(let data): StatementLabel(name: nil, sql: data.sql)
        }
    }

    func finish(_ result: Result<[ResultBox], PostgresError>) {
        continuation?.resume(returning: result)
        continuation = nil
    }

    func failure(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        let label = label(results.count)
        return PostgresError(kind, message, statement: label.name, sql: label.sql)
    }
}

/// Waits for its turn in a connection; taken from the front in constant time.
struct CommandQueue {
    private var commands: [Command?] = []
    private var head = 0

    var first: Command? { head < commands.count ? commands[head] : nil }

    mutating func append(_ command: Command) { commands.append(command) }

    mutating func popFirst() -> Command? {
        guard head < commands.count else { return nil }
        let command = commands[head]
        commands[head] = nil
        head += 1
        if head == commands.count {
            commands.removeAll(keepingCapacity: true)
            head = 0
        }
        return command
    }

    /// Whether it was still waiting.
    mutating func remove(_ command: Command) -> Bool {
        guard let index = commands[head...].firstIndex(where: { $0 === command }) else { return false }
        commands.remove(at: index)
        return true
    }
}
