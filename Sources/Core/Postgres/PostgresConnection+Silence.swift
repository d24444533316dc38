import CLibpq
import Logging
import SocketLoop
import Synchronization

/// What is done about a command that has no answer.
///
/// Statements end at their time-out, so an answer comes by the command's deadline or never. Between the two the server is
/// asked over another connection: where it waits for a statement that was sent long ago, something on the way swallows what
/// the two say (a proxy or a firewall that forgot the connection), and TCP's own acknowledgements tell nothing of that.
extension PostgresConnection {
    /// One timer serves all commands: it is set for the oldest and looks again when it fires, so that a statement that
    /// takes its usual millisecond costs the loop no timer of its own.
    func lookAgain(_ command: Command) {
        guard let deadline = command.deadline else { return }
        watchdog = loop.schedule(at: min(deadline, .now + configuration.patience)) { [weak self] in
            self?.assumeIsolated { $0.look() }
        }
    }

    private func look() {
        watchdog = nil
        guard let command = current ?? queue.first, let started = command.started, let deadline = command.deadline
        else {
            return
        }
        guard .now < deadline else {
            return giveUp("\(configuration.address) did not answer in time; the connection is given up")
        }
        lookAgain(command)
        // While there is something to send, it is the server that is waited for.
        let silence = ContinuousClock.now - max(started, heardAt)
        guard command === current, copy == nil, !wantsWrite, silence >= configuration.patience else { return }
        Task { await ask(about: command) }
    }

    private func ask(about command: Command) async {
        let began = ContinuousClock.now
        let isWaiting = await Self.isWaiting(backendPID, configuration, loop)
        guard isWaiting, current === command, heardAt < began else { return }
        // The answer may be on its way; who still waits a while later waits in vain.
        guard isDoubted else { return isDoubted = true }
        giveUp(
            "\(configuration.address) waits for what was sent \(configuration.patience * 2) ago; the connection is given up"
        )
    }

    private func giveUp(_ reason: String) {
        silenceBox.store(true, ordering: .relaxed)
        lose(PostgresError(.timedOut, reason))
    }

    /// Whether the server says that the session waits for its client, or has ended. False also where it cannot be asked,
    /// and where a pooler stands between, whose sessions have other numbers.
    private static func isWaiting(_ pid: Int32, _ configuration: PostgresConfiguration, _ loop: SocketLoop) async
        -> Bool
    {
        var configuration = configuration
        let limit = configuration.patience
        // It is given up below, and must not ask about itself.
        configuration.statementTimeout = nil
        configuration.connectTimeout = min(limit, configuration.connectTimeout)
        guard
            let other = try? await connect(
                configuration, logger: Logger(label: "slipway.postgres") { _ in SwiftLogNoOpLogHandler() }, loop: loop)
        else { return false }
        let deadline = loop.schedule(after: limit) { other.closeSoon() }
        let ownPID = await other.backendPID
        let rows = try? await other.query(
            """
            select coalesce(
                     (select coalesce(state like 'idle%' or wait_event = 'ClientRead', false)
                        from pg_stat_activity where pid = \(pid)),
                     pg_backend_pid() = \(ownPID))
            """)
        deadline.cancel()
        await other.close()
        return rows?.first.flatMap { try? $0.decode(Bool.self) } ?? false
    }

    private var backendPID: Int32 { PQbackendPID(link) }
}
