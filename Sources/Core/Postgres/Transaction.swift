import Logging
import Synchronization

/// A transaction on one connection, valid only inside the closure it was given to. BEGIN travels with the first
/// statement; without any statement the server never hears of it.
package struct Transaction: PostgresClient {
    package enum Isolation: String, Sendable, CaseIterable {
        case readCommitted = "read committed"
        case repeatableRead = "repeatable read"
        case serializable
    }

    static let rollback = Statement("slipway.rollback", "rollback")
    static let commit = Statement("slipway.commit", "commit")

    private let connection: PostgresConnection
    private let box: Box

    final class Box: Sendable {
        enum Phase {
            case notBegun(Statement)
            case open
            case over
        }

        struct State {
            var phase: Phase
            /// The first error after which running the whole again may help.
            var passing: PostgresError?
        }

        let state: Mutex<State>

        init(_ begin: Statement) { state = Mutex(State(phase: .notBegun(begin))) }

        func note(_ error: PostgresError) {
            guard error.mayPass else { return }
            state.withLock { $0.passing = $0.passing ?? error }
        }
    }

    init(_ connection: PostgresConnection, _ box: Box) {
        self.connection = connection
        self.box = box
    }

    package func run(_ batch: Batch) async throws(PostgresError) -> [Rows] {
        if let failure = batch.failure { throw failure }
        guard let begin = try takeBegin() else {
            return try await noting { () throws(PostgresError) in try await connection.run(batch) }
        }
        var whole = batch
        whole.calls.insert(Batch.Call(begin), at: 0)
        return try await beginning { () throws(PostgresError) in Array(try await connection.run(whole).dropFirst()) }
    }

    @discardableResult
    package func script(_ sql: String) async throws(PostgresError) -> [Rows] {
        try await beginAlone()
        return try await noting { () throws(PostgresError) in try await connection.script(sql) }
    }

    package func copyIn(_ data: CopyData) async throws(PostgresError) -> Int {
        try await beginAlone()
        return try await noting { () throws(PostgresError) in try await connection.copyIn(data) }
    }

    private func beginAlone() async throws(PostgresError) {
        guard let begin = try takeBegin() else { return }
        _ = try await beginning { () throws(PostgresError) in
            try await connection.run(Batch(calls: [Batch.Call(begin)], file: #fileID, line: #line))
        }
    }

    /// BEGIN, the first time.
    private func takeBegin() throws(PostgresError) -> Statement? {
        try box.state.withLock { state throws(PostgresError) in
            switch state.phase {
            case .open: return nil
            case .notBegun(let begin):
                state.phase = .open
                return begin
            case .over:
                throw PostgresError(.misuse, "the transaction is over; use it only inside its closure")
            }
        }
    }

    private func beginning<R>(_ body: () async throws(PostgresError) -> R) async throws(PostgresError) -> R {
        do throws(PostgresError) {
            return try await noting(body)
        } catch {
            // Cancelled before it was sent: what followed would run outside of any transaction.
            if connection.status == .idle { box.state.withLock { $0.phase = .over } }
            throw error
        }
    }

    private func noting<R>(_ body: () async throws(PostgresError) -> R) async throws(PostgresError) -> R {
        do throws(PostgresError) {
            return try await body()
        } catch {
            box.note(error)
            throw error
        }
    }
}

extension PostgresError {
    /// The transaction did not happen, through no fault of its own, and may succeed when run again.
    var mayPass: Bool {
        if isSerializationFailureOrDeadlock || meansStalePlan { return true }
        if kind == .connectionLost { return true }
        return kind == .server && (code?.hasPrefix("57P") ?? false)
    }
}

extension Batch.Call {
    init(_ statement: Statement) {
        self.init(name: statement.name, sql: statement.sql, parameters: ParameterBuffer())
    }
}

extension PostgresPool {
    /// Runs `body` in a transaction: commits when it returns, rolls back when it throws.
    ///
    /// After a serialization failure, a deadlock or a connection lost before COMMIT, `body` runs again from the start
    /// (at most `transactionAttempts` times, with a little random pause), so it must have no other effects. An error of
    /// kind `.commitUnknown` says that the link broke during COMMIT.
    @discardableResult
    package func transaction<R: Sendable>(
        isolation: Transaction.Isolation = .readCommitted, readOnly: Bool = false,
        _ body: @Sendable (Transaction) async throws -> R
    ) async throws -> R {
        let mode = isolation.rawValue + (readOnly ? " read only" : "")
        let begin = Statement("slipway.begin \(mode)", "begin isolation level \(mode)")
        var attempt = 1
        while true {
            let box = Transaction.Box(begin)
            do {
                return try await runOnce(box, body)
            } catch {
                guard attempt < configuration.transactionAttempts, !Task.isCancelled,
                    let reason = box.state.withLock({ $0.passing })
                else { throw error }
                logger.debug("transaction runs again, attempt \(attempt + 1): \(reason.message)")
            }
            try await Task.sleep(for: .milliseconds(5 << min(attempt, 6)) * Double.random(in: 0.5...1))
            attempt += 1
        }
    }

    private func runOnce<R: Sendable>(
        _ box: Transaction.Box, _ body: @Sendable (Transaction) async throws -> R
    ) async throws -> R {
        let connection = try await acquire()
        let result: R
        do {
            result = try await body(Transaction(connection, box))
        } catch {
            box.state.withLock { $0.phase = .over }
            await release(connection)
            throw error
        }
        let hasBegun = box.state.withLock { state in
            defer { state.phase = .over }
            if case .notBegun = state.phase { return false }
            return true
        }
        do throws(PostgresError) {
            if hasBegun { try await commit(connection, box) }
        } catch {
            await release(connection)
            throw error
        }
        await release(connection)
        return result
    }

    private func commit(_ connection: PostgresConnection, _ box: Transaction.Box) async throws(PostgresError) {
        guard connection.status != .closed else {
            let error = PostgresError(.connectionLost, "the connection ended before COMMIT")
            box.note(error)
            throw error
        }
        let rows: [Rows]
        do throws(PostgresError) {
            rows = try await connection.perform(
                .pipeline([Batch.Call(Transaction.commit)]), isCancellable: false)
        } catch {
            var error = error
            switch error.kind {
            case .connectionLost, .closed, .timedOut: error.kind = .commitUnknown
            default: box.note(error)
            }
            box.state.withLock { if error.kind == .commitUnknown { $0.passing = nil } }
            throw error
        }
        // The server answers COMMIT of a failed transaction with ROLLBACK and no error.
        guard rows.first?.commandTag == "COMMIT" else {
            throw PostgresError(
                .server, "the transaction was rolled back, since a statement in it had failed", code: "25P02")
        }
    }
}
