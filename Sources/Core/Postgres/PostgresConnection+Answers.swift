import CLibpq
import Synchronization

/// Reading what the server answers and says unasked.
extension PostgresConnection {
    func receive() {
        while let command = current, link != nil, copy == nil, PQisBusy(link) == 0 {
            guard let result = PQgetResult(link) else {
                guard isPipelining else {
                    finish(command)
                    continue
                }
                // A NULL ends each statement's answer; two in a row mean that libpq lost its place.
                guard hasAnswer else { return loseLink() }
                hasAnswer = false
                position += 1
                continue
            }
            hasAnswer = true
            take(result, for: command)
        }
    }

    func take(_ result: OpaquePointer, for command: Command) {
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            finish(command)
        case PGRES_COPY_IN:
            PQclear(result)
            guard case .copyIn(let data) = command.work else {
                return lose(command.failure(.misuse, "COPY FROM STDIN needs copyIn(); the connection is given up"))
            }
            copy = (data, 0)
            continueCopy()
        case PGRES_COPY_OUT, PGRES_COPY_BOTH:
            PQclear(result)
            lose(command.failure(.misuse, "COPY TO STDOUT is not supported; the connection is given up"))
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR, PGRES_PIPELINE_ABORTED:
            failCurrent(command, result)
        default:
            if isPipelining, position < expected.count, case .prepare = expected[position] {
                PQclear(result)
            } else {
                command.results.append(ResultBox(result, command.label(command.results.count)))
            }
        }
    }

    func failCurrent(_ command: Command, _ result: OpaquePointer) {
        defer { PQclear(result) }
        var index = command.results.count
        if isPipelining, position < expected.count {
            switch expected[position] {
            case .prepare(let name): prepared[name] = nil
            case .answer(let number): index = number
            }
        }
        guard command.error == nil, PQresultStatus(result) != PGRES_PIPELINE_ABORTED else { return }
        var error = PostgresError(result: result, label: command.label(index))
        if error.code == "57014" {
            if command.isCancelled.load(ordering: .relaxed) {
                error.kind = .cancelled
            } else if let started = command.started, let timeout = configuration.statementTimeout,
                .now - started >= timeout
            {
                error.kind = .timedOut
            }
        }
        command.error = error
        if error.meansStalePlan, let name = command.label(index).name { prepared[name] = nil }
    }

    func finish(_ command: Command) {
        current = nil
        let isOutside = PQtransactionStatus(link) == PQTRANS_IDLE
        if let error = command.error, error.meansStalePlan, isOutside, !command.isRepeated,
            case .pipeline = command.work, !command.isCancelled.load(ordering: .relaxed)
        {
            // Nothing of it took effect, and the statement is prepared anew this time.
            command.isRepeated = true
            command.error = nil
            command.results = []
            current = command
            return send(command)
        }
        let next: Status =
            switch PQtransactionStatus(link) {
            case PQTRANS_IDLE: queue.first == nil ? .idle : .busy
            case PQTRANS_INTRANS: .inTransaction
            case PQTRANS_INERROR: .inFailedTransaction
            default: .busy
            }
        statusBox.store(next, ordering: .releasing)
        command.finish(command.error.map { .failure($0) } ?? .success(command.results))
        startNext()
    }

    func continueCopy() {
        guard let command = current, let (data, first) = copy else { return }
        var next = first
        while next < data.chunks.count, !command.isCancelled.load(ordering: .relaxed) {
            // libpq would take everything into memory; what the socket has not taken waits here instead.
            if wantsWrite {
                copy = (data, next)
                return
            }
            let isTaken = data.chunks[next].withUnsafeBytes { bytes in
                PQputCopyData(link, bytes.bindMemory(to: CChar.self).baseAddress, Int32(bytes.count)) == 1
            }
            guard isTaken else { return loseLink() }
            next += 1
            flush()
            guard link != nil else { return }
        }
        copy = nil
        let refusal: String? = next < data.chunks.count ? "the task was cancelled" : nil
        guard PQputCopyEnd(link, refusal) == 1 else { return loseLink() }
        flush()
        receive()
    }

    // MARK: Notifications

    /// Listens to a channel until the stream is dropped or the connection ends, which ends the stream too: connect,
    /// listen and look at the tables again then. A consumer that falls behind by 1,024 loses the oldest.
    package func listen(_ channel: String) async throws(PostgresError) -> AsyncStream<Notification> {
        taintBox.store(true, ordering: .relaxed)
        lastListener += 1
        let id = lastListener
        let (stream, continuation) = AsyncStream.makeStream(
            of: Notification.self, bufferingPolicy: .bufferingNewest(1024))
        continuation.onTermination = { [weak self] _ in self?.onLoop { $0.stopListening(channel, id) } }
        listeners[channel, default: [:]][id] = continuation
        do {
            _ = try await perform(.script("LISTEN \(Self.quoted(channel))"))
        } catch {
            stopListening(channel, id)
            throw error
        }
        return stream
    }

    func stopListening(_ channel: String, _ id: Int) {
        guard listeners[channel]?.removeValue(forKey: id) != nil, listeners[channel]?.isEmpty == true else { return }
        listeners[channel] = nil
        submit(Command(.script("UNLISTEN \(Self.quoted(channel))"), isCancellable: false))
    }

    static func quoted(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    func deliverNotifications() {
        while let link, let notification = PQnotifies(link) {
            defer { PQfreemem(notification) }
            let channel = String(cString: notification.pointee.relname)
            let value = Notification(
                channel: channel, payload: String(cString: notification.pointee.extra),
                processID: notification.pointee.be_pid)
            guard let streams = listeners[channel] else { continue }
            for stream in streams.values { stream.yield(value) }
        }
    }
}
