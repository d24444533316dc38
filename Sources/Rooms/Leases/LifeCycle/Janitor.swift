import Fleet
import FoundationEssentials
import JobConfig
import Logging
import Postgres
import Subprocess
import Synchronization

/// Cleans dirty resources with their pool's command: takes one by a lease, runs the command while it renews it, and
/// gives it back free, or dirty where the command failed; then it is tried again after a pause that doubles.
///
/// Pools take turns, and each has places of its own: neither a large pool nor a slow command keeps a small one waiting.
final class Janitor: Sendable {
    private let desk: LeaseDesk
    private let logger: Logger
    private let busy = Mutex(0)
    private var database: PostgresPool { desk.bus.database }

    /// Commands that run at once in this process, over all pools.
    static let places = 20
    /// Seconds that the lease of a resource lasts without renewal.
    private static let lasts = 60.0
    /// Seconds before the first new try, and at most.
    static let pauses = 10.0...3600.0

    /// A dirty resource whose time has come.
    private struct Dirty: Sendable {
        var name: String
        var type: String
        var failures: Int
        var janitor: LeasePool.Janitor
    }

    private enum Ending: Sendable {
        /// By itself; with what went wrong.
        case ended(String?)
        case overdue
        /// Somebody else has the resource now.
        case lost
        case stopped
    }

    init(desk: LeaseDesk, logger: Logger) {
        self.desk = desk
        self.logger = logger
    }

    /// Works until the task is cancelled; fails when the database does, after the commands under way.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                let room = Self.places - busy.withLock { $0 }
                for dirty in try await due(room) {
                    busy.withLock { $0 += 1 }
                    group.addTask { [self] in
                        defer { busy.withLock { $0 -= 1 } }
                        do {
                            try await clean(dirty)
                        } catch is CancellationError {
                        } catch {
                            logger.error("\(dirty.name) could not be cleaned: \(error)")
                        }
                    }
                }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// One resource after the other, until nothing is due.
    func runOnce() async throws {
        for dirty in try await due(1000) { try await clean(dirty) }
    }

    private func due(_ limit: Int) async throws -> [Dirty] {
        guard limit > 0 else { return [] }
        return try await database.execute(LeasesStore.dirtyResources, limit).compactMap { row in
            let (name, type, failures, settings) = try row.decode((String, String, Int, JSON<LeasePool>).self)
            return settings.value.janitor.map { Dirty(name: name, type: type, failures: failures, janitor: $0) }
        }
    }

    private func clean(_ dirty: Dirty) async throws {
        // By its name: another janitor may have it already.
        let taken = try await database.execute(LeasesStore.takeDirty, dirty.name, "janitor", Self.lasts)
        guard let token = try taken.first?.decode(Int64.self) else { return }
        let failure: String?
        switch await execute(dirty, token) {
        case .ended(let reason): failure = reason
        case .overdue: failure = LeasesText.janitorTooSlow(dirty.janitor.timeout)
        case .lost: return
        // Its lease ends by itself, and another janitor goes on.
        case .stopped: return
        }
        if let failure {
            let pause = Self.pause(after: dirty.failures + 1)
            logger.warning(
                "the janitor of \(dirty.type) failed for \(dirty.name), next try in \(Int(pause)) s: \(failure)")
            try await database.execute(LeasesStore.noteFailure, dirty.name, failure, pause)
        } else {
            try await database.execute(LeasesStore.noteCleaned, dirty.name)
        }
        var back = LeaseReturn(name: dirty.name, token: token, dest: failure == nil ? "free" : "dirty")
        back.isOperator = true
        _ = try await desk.giveBack(back)
    }

    /// Seconds before the next try.
    package static func pause(after failures: Int) -> Double {
        min(pauses.upperBound, pauses.lowerBound * Double(1 << min(20, max(0, failures - 1))))
    }

    /// Runs the command for as long as its lease and its time last.
    private func execute(_ dirty: Dirty, _ token: Int64) async -> Ending {
        await withTaskGroup(of: Ending.self) { group in
            group.addTask { .ended(await Self.command(dirty)) }
            group.addTask { await Self.sleeps(dirty.janitor.timeout) ? .overdue : .stopped }
            group.addTask { [desk] in
                var renewal = LeaseRenewal(name: dirty.name, token: token)
                renewal.isOperator = true
                while await Self.sleeps(Self.lasts / 3) {
                    // A database that is away says nothing about the lease.
                    guard let answer = try? await desk.renew(renewal) else { continue }
                    guard case .kept = answer else { return .lost }
                }
                return .stopped
            }
            let first = await group.next() ?? .stopped
            // A command that still runs is ended by this.
            group.cancelAll()
            await group.waitForAll()
            return Task.isCancelled ? .stopped : first
        }
    }

    /// False when the task was cancelled.
    private static func sleeps(_ seconds: Double) async -> Bool {
        (try? await Task.sleep(for: .seconds(seconds))) != nil
    }

    /// - Returns: nil where the command succeeded, else what went wrong, with the end of what it printed.
    private static func command(_ dirty: Dirty) async -> String? {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(10))]
        do {
            let result = try await Subprocess.run(
                .name(dirty.janitor.command[0]), arguments: Arguments(Array(dirty.janitor.command.dropFirst())),
                environment: .inherit.updating(["RESOURCE_NAME": dirty.name, "RESOURCE_TYPE": dirty.type]),
                platformOptions: options, output: .string(limit: 1 << 20), error: .combinedWithOutput)
            guard !result.terminationStatus.isSuccess else { return nil }
            return "\(result.terminationStatus): \(result.standardOutput.suffix(500))"
        } catch {
            return "\(error)"
        }
    }
}
