package import Logging
package import SocketLoop
import Synchronization

/// Connections to one database, opened when needed, within bounds, shared fairly, replaced when they break.
///
/// While the server is away, callers wait up to `acquireTimeout` and connecting is repeated with growing pauses, so a
/// restart of PostgreSQL shorter than that is only a delay. A refused log-in or unknown database fails at once.
package final class PostgresPool: PostgresClient {
    package let configuration: PostgresConfiguration
    package let loop: SocketLoop
    let logger: Logger

    private final class Waiter: Sendable {
        struct State {
            var continuation: UnsafeContinuation<Result<Grant, PostgresError>, Never>?
            var isCancelled = false
            var id: Int?
            var deadline: SocketLoop.Deadline?
        }

        let state = Mutex(State())

        func resume(_ result: Result<Grant, PostgresError>) {
            let continuation = state.withLock { state in
                state.deadline?.cancel()
                defer { state.continuation = nil }
                return state.continuation
            }
            continuation?.resume(returning: result)
        }
    }

    private typealias State = PoolState<PostgresConnection, Waiter>
    private typealias Grant = State.Grant

    private struct Shared {
        var pool: State
        var reaper: SocketLoop.Deadline?
        var lastFailure: PostgresError?
        var closing: UnsafeContinuation<Void, Never>?
        var acquired = 0
        var opened = 0
    }

    private let shared: Mutex<Shared>

    package init(configuration: PostgresConfiguration, logger: Logger, loop: SocketLoop = .shared) {
        self.configuration = configuration
        self.logger = logger
        self.loop = loop
        shared = Mutex(Shared(pool: PoolState(maximum: configuration.maximumConnections)))
    }

    // MARK: Use

    package func run(_ batch: Batch) async throws(PostgresError) -> [Rows] {
        let connection = try await acquire()
        do throws(PostgresError) {
            let rows = try await connection.run(batch)
            await release(connection)
            return rows
        } catch {
            await release(connection)
            throw error
        }
    }

    @discardableResult
    package func script(_ sql: String) async throws(PostgresError) -> [Rows] {
        let connection = try await acquire()
        do throws(PostgresError) {
            let rows = try await connection.script(sql)
            await release(connection)
            return rows
        } catch {
            await release(connection)
            throw error
        }
    }

    package func copyIn(_ data: CopyData) async throws(PostgresError) -> Int {
        let connection = try await acquire()
        do throws(PostgresError) {
            let count = try await connection.copyIn(data)
            await release(connection)
            return count
        } catch {
            await release(connection)
            throw error
        }
    }

    /// Lends one connection for the length of `body`. A transaction that `body` leaves open is rolled back.
    @discardableResult
    package nonisolated(nonsending) func withConnection<R>(
        _ body: (PostgresConnection) async throws -> R
    ) async throws -> R {
        let connection = try await acquire()
        do {
            let result = try await body(connection)
            await release(connection)
            return result
        } catch {
            await release(connection)
            throw error
        }
    }

    package struct Statistics: Sendable, Hashable {
        /// Connections that are open or being opened, and of these the unused ones.
        package var open = 0
        package var idle = 0
        /// Callers in the queue.
        package var waiting = 0
        /// Since the pool was made.
        package var acquired = 0
        package var opened = 0
    }

    package var statistics: Statistics {
        shared.withLock { shared in
            Statistics(
                open: shared.pool.taken, idle: shared.pool.idle.count, waiting: shared.pool.waiters.count,
                acquired: shared.acquired, opened: shared.opened)
        }
    }

    /// Turns new callers away, closes what is idle, and waits up to 5 s for what is lent.
    package func close() async {
        let (idle, waiters, reaper) = shared.withLock { shared in
            let (idle, waiters) = shared.pool.close()
            defer { shared.reaper = nil }
            return (idle, waiters, shared.reaper)
        }
        reaper?.cancel()
        for waiter in waiters { waiter.resume(.failure(closedError)) }
        for connection in idle { await connection.close() }
        let deadline = loop.schedule(after: .seconds(5)) { [weak self] in self?.finishClosing() }
        await withUnsafeContinuation { continuation in
            let isDone = shared.withLock { shared in
                guard shared.pool.taken > 0, shared.closing == nil else { return true }
                shared.closing = continuation
                return false
            }
            if isDone { continuation.resume() }
        }
        deadline.cancel()
    }

    private func finishClosing() {
        let continuation = shared.withLock { shared in
            defer { shared.closing = nil }
            return shared.closing
        }
        continuation?.resume()
    }

    private var closedError: PostgresError {
        PostgresError(.closed, "the pool of connections to \(configuration.address) was closed")
    }

    // MARK: Lending

    /// For who shares a connection among others; `withConnection` for everybody else. Every connection from here goes
    /// back through `release`.
    package nonisolated(nonsending) func acquire() async throws(PostgresError) -> PostgresConnection {
        let start = ContinuousClock.now
        while true {
            switch try await grant(until: start + configuration.acquireTimeout) {
            case .open: return try await open(until: start + configuration.acquireTimeout)
            case .use(let connection):
                if connection.status == .idle, start - connection.born < configuration.maximumLifetime {
                    return connection
                }
                discard(connection)
            }
        }
    }

    private nonisolated(nonsending) func grant(
        until deadline: ContinuousClock.Instant
    ) async throws(PostgresError) -> Grant {
        let immediate = try shared.withLock { shared throws(PostgresError) in
            guard !shared.pool.isClosed else { throw closedError }
            shared.acquired += 1
            return shared.pool.acquire()
        }
        if let immediate { return immediate }
        let waiter = Waiter()
        let result = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                wait(waiter, continuation, until: deadline)
            }
        } onCancel: {
            let id = waiter.state.withLock { state in
                state.isCancelled = true
                return state.id
            }
            if let id { stopWaiting(id, PostgresError(.cancelled, "the task was cancelled while it waited")) }
        }
        return try result.get()
    }

    private func wait(
        _ waiter: Waiter, _ continuation: UnsafeContinuation<Result<Grant, PostgresError>, Never>,
        until deadline: ContinuousClock.Instant
    ) {
        // The pool may have changed since it was asked first; both locks are held in this order here alone.
        let immediate: Result<Grant, PostgresError>? = shared.withLock { shared in
            waiter.state.withLock { state in
                if shared.pool.isClosed { return .failure(closedError) }
                if state.isCancelled {
                    return .failure(PostgresError(.cancelled, "the task was cancelled while it waited"))
                }
                if let grant = shared.pool.acquire() { return .success(grant) }
                let id = shared.pool.wait(waiter)
                state.continuation = continuation
                state.id = id
                state.deadline = loop.schedule(at: deadline) { [weak self] in self?.waitedTooLong(id) }
                return nil
            }
        }
        if let immediate { continuation.resume(returning: immediate) }
    }

    private func stopWaiting(_ id: Int, _ error: @autoclosure () -> PostgresError) {
        let waiter = shared.withLock { $0.pool.stopWaiting(id) }
        waiter?.resume(.failure(error()))
    }

    private func waitedTooLong(_ id: Int) {
        stopWaiting(id, acquireTimeoutError())
    }

    private func acquireTimeoutError() -> PostgresError {
        let (inUse, failure) = shared.withLock { ($0.pool.taken - $0.pool.idle.count, $0.lastFailure) }
        let reason =
            failure.map { "last attempt to connect: \($0.message)" }
            ?? "all \(inUse) connections of this process are in use; see maximumConnections, or look for long transactions"
        return PostgresError(
            .acquireTimedOut, "waited \(configuration.acquireTimeout) for \(configuration.address); \(reason)",
            code: failure?.code)
    }

    /// Opens a connection for a slot that the caller owns, again and again until the deadline.
    private nonisolated(nonsending) func open(
        until deadline: ContinuousClock.Instant
    ) async throws(PostgresError) -> PostgresConnection {
        var pause = Duration.milliseconds(50)
        while true {
            do throws(PostgresError) {
                let connection = try await PostgresConnection.connect(configuration, logger: logger, loop: loop) {
                    [weak self] connection in self?.ended(connection)
                }
                shared.withLock { shared in
                    shared.lastFailure = nil
                    shared.opened += 1
                }
                return connection
            } catch {
                shared.withLock { if error.kind != .cancelled { $0.lastFailure = error } }
                let isOver = ContinuousClock.now + pause >= deadline || shared.withLock { $0.pool.isClosed }
                let isCancelled = error.kind == .cancelled
                if isCancelled || isOver || error.isPermanentRefusal {
                    let final = isCancelled || error.isPermanentRefusal ? error : acquireTimeoutError()
                    freeSlot()
                    throw final
                }
            }
            do {
                try await Task.sleep(for: pause * Double.random(in: 0.5...1))
            } catch {
                freeSlot()
                throw PostgresError(.cancelled, "connecting to \(configuration.address)")
            }
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// Takes a connection back, in whatever state it is.
    package nonisolated(nonsending) func release(_ connection: PostgresConnection) async {
        switch connection.status {
        case .idle: break
        case .inTransaction, .inFailedTransaction:
            await rollBack(connection)
        case .connecting, .busy, .closed: return discard(connection)
        }
        let now = ContinuousClock.now
        guard connection.status == .idle, !connection.isTainted, now - connection.born < configuration.maximumLifetime
        else { return discard(connection) }
        let (next, isClosed) = shared.withLock { shared in
            guard !shared.pool.isClosed else { return (nil as (Waiter, Grant)?, true) }
            let next = shared.pool.giveBack(connection, now: now)
            if next == nil, shared.reaper == nil { scheduleReaper(&shared, at: now + configuration.idleTimeout) }
            return (next.map { ($0.waiter, $0.grant) }, false)
        }
        if isClosed { return discard(connection) }
        if let (waiter, grant) = next { return waiter.resume(.success(grant)) }
        // It may have ended between the look at its status and its return.
        if connection.status == .closed { forgetIdle(connection) }
    }

    /// Ends whatever transaction is open, also when the task is cancelled.
    nonisolated(nonsending) func rollBack(_ connection: PostgresConnection) async {
        let rollback = Command.Work.pipeline([Batch.Call(Transaction.rollback)])
        _ = try? await connection.perform(rollback, isCancellable: false)
        if connection.status != .idle { connection.closeSoon() }
    }

    private func discard(_ connection: PostgresConnection) {
        connection.closeSoon()
        freeSlot()
    }

    private func freeSlot() {
        let (next, isEmpty) = shared.withLock { shared in
            let next = shared.pool.giveUpSlot()
            return (next.map { ($0.waiter, $0.grant) }, shared.pool.taken == 0)
        }
        if let (waiter, grant) = next { waiter.resume(.success(grant)) }
        if isEmpty { finishClosing() }
    }

    private func ended(_ connection: PostgresConnection) {
        forgetIdle(connection)
        guard connection.wasSilent else { return }
        // A network that swallows what one connection says has most likely swallowed the others too; each would cost
        // its next user the same wait.
        let suspects = shared.withLock { $0.pool.expire(unusedSince: .now) }
        for suspect in suspects { suspect.closeSoon() }
    }

    private func forgetIdle(_ connection: PostgresConnection) {
        shared.withLock { $0.pool.removeIdle { $0 === connection } }
    }

    // MARK: Unused connections

    private func scheduleReaper(_ shared: inout Shared, at instant: ContinuousClock.Instant) {
        shared.reaper = loop.schedule(at: instant) { [weak self] in self?.closeUnused() }
    }

    private func closeUnused() {
        let expired = shared.withLock { shared in
            shared.reaper = nil
            let expired = shared.pool.expire(unusedSince: .now - configuration.idleTimeout)
            if let oldest = shared.pool.idle.first, !shared.pool.isClosed {
                scheduleReaper(&shared, at: oldest.since + configuration.idleTimeout)
            }
            return expired
        }
        for connection in expired { connection.closeSoon() }
    }
}
