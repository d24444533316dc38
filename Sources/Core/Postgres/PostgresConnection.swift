import CLibpq
import Glibc
package import Logging
package import SocketLoop
import Synchronization

/// A notification of `NOTIFY channel, 'payload'`.
package struct Notification: Sendable, Hashable {
    package let channel: String
    package let payload: String
    /// The server process that notified.
    package let processID: Int32
}

/// One session with the server. Commands run one after another in the order they were given; statements of one
/// `pipeline` travel together. Lives on a socket loop, whose thread alone touches libpq's connection.
///
/// A cancelled task cancels its statement on the server; the connection stays usable. A connection that was lost
/// stays lost: a pool opens another.
package actor PostgresConnection: PostgresClient {
    /// Where the session stands, readable without a hop to the loop.
    enum Status: UInt8, AtomicRepresentable {
        case connecting, idle, busy, inTransaction, inFailedTransaction, closed
    }

    package nonisolated let loop: SocketLoop
    nonisolated let configuration: PostgresConfiguration
    nonisolated let born = ContinuousClock.now
    nonisolated let statusBox = Atomic<Status>(.connecting)
    /// Set when something outlives a lease, such as LISTEN: the pool then closes instead of reusing.
    nonisolated let taintBox = Atomic<Bool>(false)
    /// Set when it was given up because the server did not answer.
    nonisolated let silenceBox = Atomic<Bool>(false)
    private let logger: Logger
    private let onClose: @Sendable (PostgresConnection) -> Void

    // The rest is used on the loop only; `deinit`, which has the last reference, may read it from elsewhere.
    nonisolated(unsafe) var link: OpaquePointer?
    var registration: SocketLoop.Registration?
    var wantsWrite = false
    var notices: Unmanaged<NoticeSink>?
    var opening: UnsafeContinuation<PostgresError?, Never>?
    var closeReason: PostgresError?

    var queue = CommandQueue()
    var current: Command?
    /// What the server still has to answer for `current`, in order.
    var expected: [Expected] = []
    var position = 0
    var hasAnswer = false
    var isPipelining = false
    var copy: (data: CopyData, next: Int)?
    /// While PQcancel is under way no further command starts, or the cancellation could hit it.
    var isCancelling = false
    var watchdog: SocketLoop.Deadline?
    /// When bytes came last.
    var heardAt = ContinuousClock.now
    /// Whether the server, asked over another connection, said that it waits for this one, and nothing has come since.
    var isDoubted = false

    var prepared: [String: (sql: String, serverName: String)] = [:]
    var preparedCount = 0
    var listeners: [String: [Int: AsyncStream<Notification>.Continuation]] = [:]
    var lastListener = 0

    enum Expected {
        case prepare(String)
        case answer(Int)
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private init(
        _ configuration: PostgresConfiguration, logger: Logger, loop: SocketLoop,
        onClose: @escaping @Sendable (PostgresConnection) -> Void
    ) {
        self.configuration = configuration
        self.logger = logger
        self.loop = loop
        self.onClose = onClose
    }

    deinit {
        registration?.cancel()
        if let link { PQfinish(link) }
        notices?.release()
    }

    nonisolated var status: Status { statusBox.load(ordering: .acquiring) }
    /// Whether it has ended, by whatever cause.
    package nonisolated var isClosed: Bool { status == .closed }
    nonisolated var isTainted: Bool { taintBox.load(ordering: .relaxed) }
    nonisolated var wasSilent: Bool { silenceBox.load(ordering: .relaxed) }

    // MARK: Opening and closing

    /// Connects and logs in. The host name is resolved on a thread of its own; everything else is non-blocking.
    package static func connect(
        _ configuration: PostgresConfiguration, logger: Logger, loop: SocketLoop = .shared
    ) async throws(PostgresError) -> PostgresConnection {
        try await connect(configuration, logger: logger, loop: loop) { _ in }
    }

    /// - Parameter onClose: called once on the loop when the session has ended, for whatever reason.
    static func connect(
        _ configuration: PostgresConfiguration, logger: Logger, loop: SocketLoop,
        onClose: @escaping @Sendable (PostgresConnection) -> Void
    ) async throws(PostgresError) -> PostgresConnection {
        let deadline = ContinuousClock.now + configuration.connectTimeout
        let addresses = try await HostResolver.resolve(configuration)
        let connection = PostgresConnection(configuration, logger: logger, loop: loop, onClose: onClose)
        let failure = await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                connection.onLoop { $0.open(addresses, deadline: deadline, continuation) }
            }
        } onCancel: {
            connection.onLoop { $0.failOpening(PostgresError(.cancelled, "connecting to \(configuration.address)")) }
        }
        if let failure { throw failure }
        return connection
    }

    /// Ends the session. Commands that have not been answered fail with `.closed`.
    package func close() { shutDown() }

    /// Like `close()`, without waiting for the loop.
    nonisolated func closeSoon() { onLoop { $0.shutDown() } }

    private func shutDown() {
        lose(PostgresError(.closed, "the connection to \(configuration.address) was closed by this process"))
    }

    /// Runs on the loop after what was handed over before, without making a task.
    nonisolated func onLoop(_ body: @escaping @Sendable (isolated PostgresConnection) -> Void) {
        loop.perform { self.assumeIsolated { body($0) } }
    }

    private func open(
        _ addresses: [String: String], deadline: ContinuousClock.Instant,
        _ continuation: UnsafeContinuation<PostgresError?, Never>
    ) {
        if let closeReason {
            continuation.resume(returning: closeReason)
            return
        }
        opening = continuation
        let link = Self.start(configuration.connectionKeywords(addresses: addresses))
        guard let link else { return failOpening(PostgresError(.connectionFailed, "out of memory")) }
        self.link = link
        // The verbose form alone carries the SQLSTATE of a refused log-in.
        PQsetErrorVerbosity(link, PQERRORS_VERBOSE)
        guard PQstatus(link) != CONNECTION_BAD else { return failOpening(openingError()) }
        let sink = Unmanaged.passRetained(NoticeSink(logger))
        notices = sink
        PQsetNoticeReceiver(link, { sink, result in NoticeSink.receive(sink, result) }, sink.toOpaque())
        watchdog = loop.schedule(at: deadline) { [weak self] in
            self?.assumeIsolated { connection in
                connection.failOpening(
                    PostgresError(
                        .connectionFailed,
                        "\(connection.configuration.address) did not answer within "
                            + "\(connection.configuration.connectTimeout)"))
            }
        }
        watch(writing: true)
    }

    private static func start(_ keywords: [String: String]) -> OpaquePointer? {
        let pairs = keywords.map { (strdup($0.key), strdup($0.value)) }
        defer {
            for (key, value) in pairs {
                free(key)
                free(value)
            }
        }
        let keys = pairs.map { UnsafePointer($0.0) } + [nil]
        let values = pairs.map { UnsafePointer($0.1) } + [nil]
        return PQconnectStartParams(keys, values, 0)
    }

    /// Watches libpq's socket, which may be another one after each step of connecting.
    func watch(writing: Bool) {
        registration?.cancel()
        let registration = loop.register(
            fd: PQsocket(link),
            onReadable: { [weak self] in self?.assumeIsolated { $0.readable() } },
            onWritable: { [weak self] in self?.assumeIsolated { $0.writable() } })
        if opening != nil { registration.setReadInterest(!writing) }
        if writing { registration.setWriteInterest(true) }
        wantsWrite = writing
        self.registration = registration
    }

    func continueOpening() {
        switch PQconnectPoll(link) {
        case PGRES_POLLING_READING: watch(writing: false)
        case PGRES_POLLING_WRITING: watch(writing: true)
        case PGRES_POLLING_OK:
            guard PQsetnonblocking(link, 1) == 0 else { return failOpening(openingError()) }
            watchdog?.cancel()
            watchdog = nil
            let continuation = opening
            opening = nil
            watch(writing: false)
            statusBox.store(.idle, ordering: .releasing)
            continuation?.resume(returning: nil)
        default: failOpening(openingError())
        }
    }

    private func openingError() -> PostgresError {
        .connecting(to: configuration.address, libpqMessage: errorMessage)
    }

    private func failOpening(_ error: PostgresError) {
        guard status == .connecting else { return }
        let continuation = opening
        opening = nil
        watchdog?.cancel()
        lose(error)
        continuation?.resume(returning: error)
    }

    private var errorMessage: String { PQerrorMessage(link).map { String(cString: $0) } ?? "" }

    /// Ends the session: everything that waits fails.
    func lose(_ error: PostgresError) {
        guard closeReason == nil else { return }
        closeReason = error
        statusBox.store(.closed, ordering: .releasing)
        registration?.cancel()
        registration = nil
        watchdog?.cancel()
        if let link { PQfinish(link) }
        link = nil
        if let command = current {
            current = nil
            var failure = command.failure(error.kind, error.message)
            // What the server said last tells more than the broken link.
            if let told = command.error, let code = told.code {
                failure.code = code
                failure.message = told.message
            } else {
                failure.code = error.code
            }
            command.finish(.failure(failure))
        }
        while let command = queue.popFirst() {
            command.finish(.failure(command.failure(error.kind, error.message)))
        }
        for streams in listeners.values { for stream in streams.values { stream.finish() } }
        listeners = [:]
        if opening == nil { onClose(self) }
    }

    func loseLink() {
        let told = notices?.takeUnretainedValue().lastFatal
        var error = PostgresError(
            .connectionLost, told?.message ?? PostgresError.firstLine(errorMessage), code: told?.code)
        if error.message.isEmpty { error.message = "the server closed the connection" }
        error.message = "\(configuration.address): \(error.message)"
        if current == nil { logger.debug("\(error)") }
        lose(error)
    }
}
