package import Logging
import ServiceLifecycle

/// Work that is done again and again: reaping, sweeping, trimming.
package struct Chore: Sendable {
    package enum Owner: Sendable {
        /// Every process that lists the chore.
        case everywhere
        /// One process of the fleet at a time; see `ChoreLocks`.
        case single
    }

    package let name: String
    package let every: Duration
    package let owner: Owner
    /// Starts a round before its time.
    package let wake: WakeUp
    package let run: @Sendable () async throws -> Void

    package init(
        name: String, every: Duration, owner: Owner = .everywhere, wake: WakeUp = WakeUp(),
        run: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.every = every
        self.owner = owner
        self.wake = wake
        self.run = run
    }
}

/// Runs one chore until shutdown. A round that fails is logged (once per distinct error) and followed by the next.
package struct ChoreRunner: Service {
    private let chore: Chore
    private let locks: ChoreLocks
    private let logger: Logger
    private let instruments: Instruments

    /// `locks` are shared by all chores of the process.
    package init(_ chore: Chore, locks: ChoreLocks, instruments: Instruments, logger: Logger) {
        self.chore = chore
        self.locks = locks
        self.instruments = instruments
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var lastError: String?
            repeat {
                do {
                    try await round()
                    if lastError != nil { logger.info("chore \(chore.name) works again") }
                    lastError = nil
                } catch is CancellationError {
                    return
                } catch {
                    instruments.count("slipway_chore_failures_total", ["chore": chore.name])
                    let text = String(describing: error)
                    if text != lastError { logger.error("chore \(chore.name) failed, next try follows: \(text)") }
                    lastError = text
                }
            } while await chore.wake.wait(atMost: chore.every)
        }
    }

    private func round() async throws {
        switch chore.owner {
        case .everywhere:
            try await chore.run()
        case .single: try await locks.holding(chore.name, chore.run)
        }
    }
}
