import Execution
import FoundationEssentials
import Logging
import SlipwayModel
import Synchronization
import Testing

/// A ledger whose answers the test decides.
private actor FakeLedger: RunLedger {
    struct Down: Error {}

    var runs: [BuildID: ClaimedRun] = [:]
    var verdicts: [BuildID: HeartbeatVerdict] = [:]
    var isDown = false
    var finishFailures = 0
    var accepts = true
    private(set) var finished: [(BuildID, RunOutcome)] = []
    private(set) var handedBack: [BuildID] = []
    private(set) var capacities: [Int] = []
    private(set) var traces: [String?] = []
    private var beats = 0
    private var waiting: [(Int, CheckedContinuation<Void, Never>)] = []

    func set(_ change: @Sendable (isolated FakeLedger) -> Void) { change(self) }

    func announce(agent: String, cluster: String, capacity: Int) throws {
        if isDown { throw Down() }
        capacities.append(capacity)
    }

    func claim(_ builds: [BuildID], agent: String, atMost room: Int) throws -> Claims {
        if isDown { throw Down() }
        let known = builds.compactMap { runs[$0] }
        return Claims(runs: Array(known.prefix(room)), left: Set(known.dropFirst(room).map(\.buildID)))
    }

    func heartbeat(_ builds: [BuildID], agent: String) throws -> [BuildID: HeartbeatVerdict] {
        beats += 1
        for (count, continuation) in waiting where count <= beats { continuation.resume() }
        waiting.removeAll { $0.0 <= beats }
        if isDown { throw Down() }
        return Dictionary(uniqueKeysWithValues: builds.map { ($0, verdicts[$0] ?? .keep) })
    }

    func setDescription(_ text: String, of build: BuildID, agent: String) {}

    func finish(_ run: ClaimedRun, outcome: RunOutcome, agent: String) throws -> Bool {
        if isDown { throw Down() }
        if finishFailures > 0 {
            finishFailures -= 1
            throw Down()
        }
        traces.append(TraceContext.current?.traceID)
        finished.append((run.buildID, outcome))
        return accepts
    }

    func handBack(_ builds: [BuildID], agent: String) { handedBack += builds }

    func waitForBeats(_ count: Int) async {
        let target = beats + count
        await withCheckedContinuation { waiting.append((target, $0)) }
    }
}

/// A queue the test fills.
private actor FakeQueue: RunQueue {
    private var messages: [QueuedRuns] = []
    private var waiting: CheckedContinuation<Void, Never>?
    private(set) var rooms: [Int] = []
    private(set) var acknowledged: [BuildID] = []
    private(set) var givenBack: [BuildID] = []
    /// What the agent did, in order.
    private(set) var journal: [String] = []
    private var isClosed = false

    func put(_ runs: [ClaimedRun]) {
        messages += runs.map { Self.message([$0]) }
        wake()
    }

    /// As one message.
    func put(together runs: [ClaimedRun]) {
        messages.append(Self.message(runs))
        wake()
    }

    private static func message(_ runs: [ClaimedRun]) -> QueuedRuns {
        QueuedRuns(builds: runs.map(\.buildID), receipt: UInt64(runs[0].buildID.number))
    }

    private func wake() {
        waiting?.resume()
        waiting = nil
    }

    func next(maximum: Int) async throws -> [QueuedRuns] {
        while messages.isEmpty, !isClosed, !Task.isCancelled {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    if Task.isCancelled { continuation.resume() } else { waiting = continuation }
                }
            } onCancel: {
                Task { await self.wake() }
            }
        }
        if isClosed || Task.isCancelled { return [] }
        let batch = Array(messages.prefix(maximum))
        messages.removeFirst(batch.count)
        journal.append("next \(batch.count)")
        return batch
    }

    func setRoom(_ count: Int) {
        rooms.append(count)
        journal.append("room \(count)")
    }

    func acknowledge(_ messages: [QueuedRuns]) {
        acknowledged += messages.flatMap(\.builds)
        if !messages.isEmpty { journal.append("ack \(messages.count)") }
    }

    func giveBack(_ messages: [QueuedRuns]) {
        givenBack += messages.flatMap(\.builds)
        if !messages.isEmpty { journal.append("back \(messages.count)") }
    }

    func close() {
        isClosed = true
        journal.append("close")
    }

    var left: Int { messages.count }
}

/// Runs that end when the test says so, or when they are stopped.
private final class FakeExecutor: RunExecutor {
    private struct State {
        var running: [BuildID: CheckedContinuation<RunOutcome, Never>] = [:]
        var concluded: [(BuildID, Bool)] = []
        var waiting: [(Int, CheckedContinuation<Void, Never>)] = []
        var left: [ExecutedRun] = []
    }
    private let state = Mutex(State())

    init(left: [ExecutedRun] = []) { state.withLock { $0.left = left } }

    func recover() async -> [ExecutedRun] { state.withLock { $0.left } }

    func execute(_ run: ClaimedRun, agent: String, control: RunControl) async -> ExecutedRun {
        control.onStop { stop in
            let state: RunState = if case .cancelled = stop { .aborted } else { .error }
            self.end(run.buildID, RunOutcome(state: state, message: "stopped"))
        }
        let outcome = await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                state.running[run.buildID] = continuation
                defer { state.waiting.removeAll { $0.0 <= state.running.count } }
                return state.waiting.filter { $0.0 <= state.running.count }
            }
            for (_, waiter) in ready { waiter.resume() }
            if control.stop != nil { end(run.buildID, RunOutcome(state: .aborted, message: "stopped")) }
        }
        return ExecutedRun(run: run, outcome: outcome, agent: agent, finishedAt: Date())
    }

    func conclude(_ executed: ExecutedRun, isAccepted: Bool) async {
        state.withLock { $0.concluded.append((executed.run.buildID, isAccepted)) }
    }

    func end(_ build: BuildID, _ outcome: RunOutcome = RunOutcome(state: .success, message: "")) {
        state.withLock { $0.running.removeValue(forKey: build) }?.resume(returning: outcome)
    }

    func waitForRunning(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.running.count >= count { return true }
                state.waiting.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }

    var concluded: [(BuildID, Bool)] { state.withLock { $0.concluded } }
}

@Suite(.timeLimit(.minutes(15))) struct ExecutionAgentTests {
    private struct Bench {
        let ledger = FakeLedger()
        let queue = FakeQueue()
        let executor: FakeExecutor
        let agent: Agent

        init(capacity: Int = 2, patience: Duration = .seconds(3600), left: [ExecutedRun] = []) {
            executor = FakeExecutor(left: left)
            agent = Agent(
                .init(
                    name: "agent-1", capacity: capacity, heartbeat: .milliseconds(5), announcement: .milliseconds(5),
                    patience: patience, pause: .milliseconds(1)),
                ledger: ledger, executor: executor, queue: queue,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }

        func dispatch(_ count: Int) async -> [ClaimedRun] {
            let runs = (0..<count).map { _ in ExecutionBench.run("true") }
            await ledger.set { ledger in for run in runs { ledger.runs[run.buildID] = run } }
            await queue.put(runs)
            return runs
        }
    }

    @Test func executesUpToItsCapacity() async throws {
        let bench = Bench(capacity: 2)
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(3)
        await bench.executor.waitForRunning(2)
        #expect(await bench.queue.left == 1)
        #expect(await bench.queue.acknowledged == runs.prefix(2).map(\.buildID))
        bench.executor.end(runs[0].buildID)
        await bench.executor.waitForRunning(2)
        #expect(await bench.queue.left == 0)
        for run in runs { bench.executor.end(run.buildID) }
        bench.agent.shutDown()
        await ended
        #expect(await Set(bench.ledger.finished.map(\.0)) == Set(runs.map(\.buildID)))
        #expect(Set(bench.executor.concluded.map(\.0)) == Set(runs.map(\.buildID)))
        #expect(bench.executor.concluded.map(\.1) == [true, true, true])
        let capacities = await bench.ledger.capacities
        #expect(capacities.first == 2 && capacities.last == 0)
    }

    /// A full agent tells the broker before it acknowledges, or it would be sent a run that another could start.
    @Test func aFullAgentTakesNothing() async throws {
        let bench = Bench(capacity: 1)
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(1)
        await bench.executor.waitForRunning(1)
        let journal = await bench.queue.journal
        #expect(journal == ["room 1", "next 1", "room 0", "ack 1"])
        bench.executor.end(runs[0].buildID)
        bench.agent.shutDown()
        await ended
    }

    @Test func whatIsNotClaimedIsAcknowledged() async throws {
        let bench = Bench(capacity: 1)
        async let ended: Void = bench.agent.run()
        // Aborted, or another agent's: the ledger answers nothing for it.
        await bench.queue.put([ExecutionBench.run("true")])
        let runs = await bench.dispatch(1)
        await bench.executor.waitForRunning(1)
        #expect(await bench.queue.acknowledged.count == 2)
        bench.executor.end(runs[0].buildID)
        bench.agent.shutDown()
        await ended
    }

    /// Runs that were dispatched together are claimed as far as there is room; the message goes on to the next agent.
    @Test func whatItHasNoRoomForGoesBack() async throws {
        let bench = Bench(capacity: 2)
        async let ended: Void = bench.agent.run()
        let runs = (0..<3).map { _ in ExecutionBench.run("true") }
        await bench.ledger.set { ledger in for run in runs { ledger.runs[run.buildID] = run } }
        await bench.queue.put(together: runs)
        await bench.executor.waitForRunning(2)
        #expect(await bench.queue.journal == ["room 2", "next 1", "room 0", "back 1"])
        #expect(await bench.queue.acknowledged.isEmpty)
        for run in runs.prefix(2) { bench.executor.end(run.buildID) }
        bench.agent.shutDown()
        await ended
        #expect(await Set(bench.ledger.finished.map(\.0)) == Set(runs.prefix(2).map(\.buildID)))
    }

    @Test func theHeartbeatsVerdictStopsARun() async throws {
        let bench = Bench(capacity: 2)
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(2)
        await bench.executor.waitForRunning(2)
        await bench.ledger.set { ledger in
            ledger.verdicts[runs[0].buildID] = .cancel(reason: "superseded")
            ledger.verdicts[runs[1].buildID] = .lost
        }
        bench.agent.shutDown()
        await ended
        // The lost one is not even finished.
        #expect(await bench.ledger.finished.map(\.0) == [runs[0].buildID])
        #expect(await bench.ledger.finished.first?.1.state == .aborted)
        #expect(bench.executor.concluded.first { $0.0 == runs[0].buildID }?.1 == true)
        #expect(bench.executor.concluded.first { $0.0 == runs[1].buildID }?.1 == false)
    }

    @Test func anEventStopsARunAtOnce() async throws {
        let bench = Bench()
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(1)
        await bench.executor.waitForRunning(1)
        await bench.agent.cancel(RunCancelled(runID: runs[0].runID, buildID: runs[0].buildID, reason: "pushed over"))
        bench.agent.shutDown()
        await ended
        #expect(await bench.ledger.finished.first?.1.state == .aborted)
    }

    /// Gone for a while: running jobs go on, and are completed when it is back.
    @Test func theLedgerMayBeGone() async throws {
        let bench = Bench(capacity: 2)
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(1)
        await bench.executor.waitForRunning(1)
        await bench.ledger.set { $0.isDown = true }
        let late = await bench.dispatch(1)
        await bench.ledger.waitForBeats(3)
        #expect(await bench.agent.load == 1)
        bench.executor.end(runs[0].buildID)
        await bench.ledger.waitForBeats(3)
        #expect(await bench.ledger.finished.isEmpty)
        await bench.ledger.set {
            $0.isDown = false; $0.finishFailures = 2
        }
        await bench.executor.waitForRunning(1)
        bench.executor.end(late[0].buildID)
        bench.agent.shutDown()
        await ended
        #expect(await Set(bench.ledger.finished.map(\.0)) == [runs[0].buildID, late[0].buildID])
    }

    @Test func whatTheFenceRefusesIsNotPublished() async throws {
        let bench = Bench()
        await bench.ledger.set { $0.accepts = false }
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(1)
        await bench.executor.waitForRunning(1)
        bench.executor.end(runs[0].buildID)
        bench.agent.shutDown()
        await ended
        #expect(bench.executor.concluded.map(\.1) == [false])
    }

    @Test func shutdownGivesBackWhatDoesNotEnd() async throws {
        let bench = Bench(patience: .zero)
        async let ended: Void = bench.agent.run()
        let runs = await bench.dispatch(2)
        await bench.executor.waitForRunning(2)
        bench.agent.shutDown()
        await ended
        #expect(await Set(bench.ledger.handedBack) == Set(runs.map(\.buildID)))
        #expect(await bench.ledger.finished.isEmpty)
        #expect(bench.executor.concluded.map(\.1) == [false, false])
        #expect(await bench.queue.journal.contains("close"))
    }

    @Test func whatADeadAgentExecutedIsCompleted() async throws {
        var run = ExecutionBench.run("true")
        run.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let executed = ExecutedRun(
            run: run, outcome: RunOutcome(state: .success, message: ""), agent: "agent-0", finishedAt: Date())
        let bench = Bench(left: [executed])
        bench.agent.shutDown()
        await bench.agent.run()
        #expect(await bench.ledger.finished.map(\.0) == [run.buildID])
        #expect(await bench.ledger.traces == ["0af7651916cd43dd8448eb211c80319c"])
        #expect(bench.executor.concluded.map(\.1) == [true])
    }

    @Test func theWeightiestReasonIsKept() {
        let control = RunControl()
        control.stop(.cancelled("a"))
        control.stop(.failed("b"))
        #expect(control.stop == .cancelled("a"))
        control.stop(.lost)
        control.stop(.shutdown)
        #expect(control.stop == .lost)
    }
}
