import Fleet
package import Logging
package import SlipwayModel
import Synchronization

/// Takes attempts from its cluster's queue, as many as it has room for, and executes them.
///
/// A message is acknowledged as soon as the attempt is claimed: from then on the heartbeat is what keeps it. When
/// database or broker are gone, running jobs go on and their completion is tried until it is accepted or refused.
package actor Agent {
    package struct Options: Sendable {
        /// Unique in the fleet.
        package var name: String
        package var cluster: String
        package var capacity: Int
        package var heartbeat: Duration
        package var announcement: Duration
        /// How long jobs may go on once the agent is told to end.
        package var patience: Duration
        /// First pause after a failure; doubled up to thirty times as much.
        package var pause: Duration

        package init(
            name: String, cluster: String = "default", capacity: Int = 2, heartbeat: Duration = .seconds(2),
            announcement: Duration = .seconds(5), patience: Duration = .seconds(20),
            pause: Duration = .milliseconds(200)
        ) {
            self.name = name
            self.cluster = cluster
            self.capacity = capacity
            self.heartbeat = heartbeat
            self.announcement = announcement
            self.patience = patience
            self.pause = pause
        }
    }

    package nonisolated let options: Options
    private let ledger: any RunLedger
    private let executor: any RunExecutor
    private let queue: any RunQueue
    private let logger: Logger
    private let shutdown = Signal()
    /// Every attempt this agent has claimed and not completed.
    private var running: [BuildID: RunControl] = [:]
    private let roomChanged = WakeUp()

    package init(
        _ options: Options, ledger: any RunLedger, executor: any RunExecutor, queue: any RunQueue, logger: Logger
    ) {
        self.options = options
        self.ledger = ledger
        self.executor = executor
        self.queue = queue
        self.logger = logger
    }

    /// Works until `shutDown()`, and then until the last attempt is completed or given back.
    package func run() async {
        await withTaskGroup { loops in
            loops.addTask { await self.announceRepeatedly() }
            loops.addTask { await self.beatRepeatedly() }
            await self.executeAll()
            loops.cancelAll()
        }
        try? await ledger.announce(agent: options.name, cluster: options.cluster, capacity: 0)
        logger.info("agent \(options.name) has ended")
    }

    /// Takes nothing more; lets jobs go on for a while, then stops them and gives their attempts back.
    package nonisolated func shutDown() { shutdown.send() }

    /// Stops an attempt whose run was aborted, if it is one of this agent's.
    package func cancel(_ event: RunCancelled) {
        running[event.buildID]?.stop(.cancelled(event.reason))
    }

    /// Attempts claimed and not completed.
    package var load: Int { running.count }

    // MARK: Taking

    private func executeAll() async {
        let (claims, claim) = AsyncStream<ClaimedRun>.makeStream()
        await withDiscardingTaskGroup { runs in
            for executed in await self.executor.recover() {
                let control = RunControl()
                self.running[executed.run.buildID] = control
                runs.addTask { await self.complete(executed, control) }
            }
            runs.addTask {
                await self.untilShutdown { await self.take(claim) }
                claim.finish()
                await self.queue.close()
                await self.drain()
            }
            for await run in claims { runs.addTask { await self.perform(run) } }
        }
    }

    private func untilShutdown(_ body: @escaping @Sendable () async -> Void) async {
        await withTaskGroup { group in
            group.addTask(operation: body)
            group.addTask { await self.shutdown.wait() }
            _ = await group.next()
            group.cancelAll()
        }
    }

    private func take(_ claim: AsyncStream<ClaimedRun>.Continuation) async {
        let trouble = Trouble("taking runs from the queue", logger)
        while !Task.isCancelled {
            let room = options.capacity - running.count
            guard room > 0 else {
                _ = await roomChanged.wait()
                continue
            }
            await queue.setRoom(room)
            let messages: [QueuedRuns]
            do {
                messages = try await queue.next(maximum: room)
                trouble.isOver()
            } catch {
                await trouble.pause(error, options.pause)
                continue
            }
            guard !messages.isEmpty else {
                // Closed, or interrupted; a closed queue must not make a loop that never rests.
                try? await Task.sleep(for: options.pause)
                continue
            }
            guard let claims = await claimAll(messages, atMost: room) else { return }
            for run in claims.runs { running[run.buildID] = RunControl() }
            // First the room, then the receipt: a full agent must not be sent what another could run.
            await queue.setRoom(max(0, options.capacity - running.count))
            let isDone = { (message: QueuedRuns) in claims.left.isDisjoint(with: message.builds) }
            await queue.acknowledge(messages.filter(isDone))
            await queue.giveBack(messages.filter { !isDone($0) })
            for run in claims.runs { claim.yield(run) }
        }
    }

    /// Nil when the agent was told to end before the ledger answered; the messages then go back.
    private func claimAll(_ messages: [QueuedRuns], atMost room: Int) async -> Claims? {
        let trouble = Trouble("claiming runs", logger)
        while !Task.isCancelled {
            do {
                var claims = try await ledger.claim(
                    messages.flatMap(\.builds), agent: options.name, atMost: room)
                trouble.isOver()
                claims.runs.removeAll { running[$0.buildID] != nil }
                return claims
            } catch {
                await trouble.pause(error, options.pause)
            }
        }
        return nil
    }

    // MARK: One attempt

    private func perform(_ run: ClaimedRun) async {
        guard let control = running[run.buildID] else { return }
        logger.info("build \(run.buildID) of \(run.job.name) begins")
        let executed = await executor.execute(run, agent: options.name, control: control)
        await complete(executed, control)
    }

    private func complete(_ executed: ExecutedRun, _ control: RunControl) async {
        let build = executed.run.buildID
        // What the completion causes belongs to the trace that began with the delivery.
        let trace = executed.run.traceparent.flatMap(TraceContext.init)
        await TraceContext.$current.withValue(trace) {
            switch control.stop {
            case .lost:
                logger.warning("build \(build) was given to another agent; nothing of it is published")
                await executor.conclude(executed, isAccepted: false)
            case .shutdown:
                await giveBack(build)
                await executor.conclude(executed, isAccepted: false)
            default:
                let isAccepted = await finish(executed, control)
                logger.info(
                    "build \(build) ended: \(executed.outcome.state.rawValue)\(isAccepted ? "" : " (no longer this agent's)")"
                )
                await executor.conclude(executed, isAccepted: isAccepted)
            }
        }
        running[build] = nil
        await queue.setRoom(shutdown.isSent ? 0 : max(0, options.capacity - running.count))
        roomChanged.signal()
    }

    /// Until the ledger accepts or refuses.
    private func finish(_ executed: ExecutedRun, _ control: RunControl) async -> Bool {
        let trouble = Trouble("completing build \(executed.run.buildID)", logger)
        while true {
            do {
                let isAccepted = try await ledger.finish(
                    executed.run, outcome: executed.outcome, agent: executed.agent)
                trouble.isOver()
                return isAccepted
            } catch {
                // The next start of an agent on this machine completes it.
                if Task.isCancelled { return false }
                await trouble.pause(error, options.pause)
            }
            // The heartbeat may have learnt meanwhile that nobody waits for it.
            if control.stop == .lost { return false }
        }
    }

    private func giveBack(_ build: BuildID) async {
        do {
            try await ledger.handBack([build], agent: options.name)
            logger.info("build \(build) was given back")
        } catch {
            // Its claim runs out, and the run is dispatched again.
            logger.warning("build \(build) could not be given back: \(error)")
        }
    }

    private func drain() async {
        let end = ContinuousClock.now + options.patience
        if !running.isEmpty { logger.info("waiting for \(running.count) runs, up to \(options.patience)") }
        while !running.isEmpty, ContinuousClock.now < end, !Task.isCancelled {
            _ = await roomChanged.wait(atMost: end - .now)
        }
        for control in running.values { control.stop(.shutdown) }
    }

    // MARK: Staying alive

    private func announceRepeatedly() async {
        let trouble = Trouble("announcing the agent", logger)
        while !Task.isCancelled {
            do {
                try await ledger.announce(
                    agent: options.name, cluster: options.cluster, capacity: shutdown.isSent ? 0 : options.capacity)
                trouble.isOver()
            } catch {
                trouble.begins(error)
            }
            try? await Task.sleep(for: options.announcement)
        }
    }

    private func beatRepeatedly() async {
        let trouble = Trouble("renewing the claims of runs", logger)
        while !Task.isCancelled {
            try? await Task.sleep(for: options.heartbeat)
            let controls = running
            guard !controls.isEmpty else { continue }
            do {
                let verdicts = try await ledger.heartbeat(controls.keys.sorted(), agent: options.name)
                trouble.isOver()
                for (build, control) in controls {
                    switch verdicts[build] ?? .lost {
                    case .keep: break
                    case .cancel(let reason): control.stop(.cancelled(reason))
                    case .lost: control.stop(.lost)
                    }
                }
            } catch {
                trouble.begins(error)
            }
        }
    }
}

/// Says once that something does not work, and once that it works again.
final class Trouble: Sendable {
    private let doing: String
    private let logger: Logger
    private let failures = Mutex(0)

    init(_ doing: String, _ logger: Logger) {
        self.doing = doing
        self.logger = logger
    }

    func begins(_ error: any Error) {
        guard
            failures.withLock({
                $0 += 1; return $0 == 1
            })
        else { return }
        logger.warning("\(doing) does not work, trying on: \(error)")
    }

    func isOver() {
        guard
            failures.withLock({
                let count = $0; $0 = 0; return count > 0
            })
        else { return }
        logger.notice("\(doing) works again")
    }

    /// Waits, longer with each failure.
    func pause(_ error: any Error, _ first: Duration) async {
        if Task.isCancelled { return }
        begins(error)
        let factor = failures.withLock { min(30, 1 << min($0, 5)) }
        try? await Task.sleep(for: first * factor * Double.random(in: 0.7...1.3))
    }
}
