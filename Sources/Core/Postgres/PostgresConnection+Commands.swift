import CLibpq
import SocketLoop
import Synchronization

/// Taking commands, sending them, giving up on them.
extension PostgresConnection {
    package nonisolated func run(_ batch: Batch) async throws(PostgresError) -> [Rows] {
        if let failure = batch.failure { throw failure }
        return try await perform(.pipeline(batch.calls), batch)
    }

    @discardableResult
    package nonisolated func script(_ sql: String) async throws(PostgresError) -> [Rows] {
        try await perform(.script(sql))
    }

    package nonisolated func copyIn(_ data: CopyData) async throws(PostgresError) -> Int {
        try await perform(.copyIn(data)).last?.affected ?? 0
    }

    nonisolated func perform(
        _ work: Command.Work, _ batch: Batch? = nil, isCancellable: Bool = true
    ) async throws(PostgresError) -> [Rows] {
        let command = Command(work, isCancellable: isCancellable)
        let result: Result<[ResultBox], PostgresError>
        if isCancellable {
            result = await withTaskCancellationHandler {
                await submitted(command)
            } onCancel: {
                command.isCancelled.store(true, ordering: .relaxed)
                onLoop { $0.cancel(command) }
            }
        } else {
            result = await submitted(command)
        }
        switch result {
        case .success(let results): return results.map(Rows.init)
        case .failure(var error):
            if let batch { error.source = "\(batch.file):\(batch.line)" }
            throw error
        }
    }

    nonisolated func submitted(_ command: Command) async -> Result<[ResultBox], PostgresError> {
        await withUnsafeContinuation { continuation in
            command.continuation = continuation
            onLoop { $0.submit(command) }
        }
    }

    func submit(_ command: Command) {
        if let closeReason {
            return command.finish(.failure(command.failure(closeReason.kind, closeReason.message)))
        }
        if command.isCancelled.load(ordering: .relaxed) {
            return command.finish(.failure(command.failure(.cancelled, "the task was cancelled before sending")))
        }
        if let timeout = configuration.statementTimeout {
            let now = ContinuousClock.now
            command.started = now
            let deadline = now + timeout * command.statementCount + max(.seconds(5), timeout / 4)
            command.deadline = deadline
            if watchdog == nil { lookAgain(command) }
        }
        statusBox.store(.busy, ordering: .releasing)
        queue.append(command)
        startNext()
    }

    func startNext() {
        guard current == nil, !isCancelling, link != nil, let command = queue.popFirst() else { return }
        current = command
        send(command)
    }

    func send(_ command: Command) {
        expected.removeAll(keepingCapacity: true)
        position = 0
        hasAnswer = false
        let isSent =
            switch command.work {
            case .pipeline(let calls): sendPipeline(calls)
            case .script(let sql): leavePipeline() && PQsendQuery(link, sql) == 1
            case .copyIn(let data): leavePipeline() && PQsendQuery(link, data.sql) == 1
            }
        guard isSent else { return loseLink() }
        flush()
    }

    func leavePipeline() -> Bool {
        guard isPipelining else { return true }
        isPipelining = false
        return PQexitPipelineMode(link) == 1
    }

    func sendPipeline(_ calls: [Batch.Call]) -> Bool {
        if !isPipelining {
            guard PQenterPipelineMode(link) == 1 else { return false }
            isPipelining = true
        }
        for (index, call) in calls.enumerated() {
            guard let name = call.name else {
                guard call.parameters.withPointers({ PQsendQueryParams(link, call.sql, $1, nil, $0, nil, nil, 0) }) == 1
                else { return false }
                expected.append(.answer(index))
                continue
            }
            let serverName: String
            if let known = prepared[name], known.sql == call.sql {
                serverName = known.serverName
            } else {
                // Numbered, since a statement may have to be prepared anew under a session that still has the old one.
                preparedCount += 1
                serverName = "\(name.prefix(48))#\(preparedCount)"
                guard PQsendPrepare(link, serverName, call.sql, 0, nil) == 1 else { return false }
                prepared[name] = (call.sql, serverName)
                expected.append(.prepare(name))
            }
            let status = call.parameters.withPointers { PQsendQueryPrepared(link, serverName, $1, $0, nil, nil, 0) }
            guard status == 1 else { return false }
            expected.append(.answer(index))
        }
        return PQpipelineSync(link) == 1
    }

    func flush() {
        let rest = PQflush(link)
        guard rest >= 0 else { return loseLink() }
        if (rest == 1) != wantsWrite {
            wantsWrite = rest == 1
            registration?.setWriteInterest(wantsWrite)
        }
    }

    func writable() {
        if opening != nil { return continueOpening() }
        flush()
        if copy != nil { continueCopy() }
    }

    func readable() {
        if opening != nil { return continueOpening() }
        guard link != nil else { return }
        (heardAt, isDoubted) = (.now, false)
        let isAlive = PQconsumeInput(link) == 1
        if isAlive, wantsWrite { flush() }
        receive()
        deliverNotifications()
        if !isAlive, link != nil { loseLink() }
    }

    // MARK: Cancellation

    func cancel(_ command: Command) {
        if queue.remove(command) {
            command.finish(.failure(command.failure(.cancelled, "the task was cancelled before sending")))
            if current == nil, queue.first == nil { statusBox.store(restingStatus, ordering: .releasing) }
            return
        }
        guard current === command, copy == nil, !isCancelling, let request = PQgetCancel(link) else {
            if copy != nil { continueCopy() }
            return
        }
        isCancelling = true
        let box = CancelRequest(request)
        // PQcancel opens a connection of its own and blocks until the server has passed the signal on.
        startThread(name: "pq-cancel") { [weak self] in
            box.send()
            self?.onLoop { connection in
                connection.isCancelling = false
                connection.startNext()
            }
        }
    }

    var restingStatus: Status {
        switch PQtransactionStatus(link) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_INTRANS: .inTransaction
        default: .inFailedTransaction
        }
    }
}

/// A PGcancel, which libpq allows to be used on any one thread.
private final class CancelRequest: @unchecked Sendable {
    private let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQfreeCancel(pointer) }

    func send() {
        var message = [CChar](repeating: 0, count: 256)
        // A failure means that the server is gone; the connection itself will notice.
        _ = PQcancel(pointer, &message, Int32(message.count))
    }
}

extension ParameterBuffer {
    /// Calls with the array of C strings that libpq's functions take, and its count.
    func withPointers<R>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?, Int32) -> R) -> R {
        guard count > 0 else { return body(nil, 0) }
        return text.bytes.withUnsafeBytes { bytes in
            let start = bytes.bindMemory(to: CChar.self).baseAddress
            return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { pointers in
                for (index, offset) in offsets.enumerated() {
                    pointers.initializeElement(at: index, to: offset < 0 ? nil : start.map { $0 + offset })
                }
                return body(UnsafePointer(pointers.baseAddress), Int32(count))
            }
        }
    }
}
