import CLinux
import Glibc
import Synchronization

/// One thread that sleeps in poll(2) over its sockets, its deadlines and an eventfd, and that is at the same time the
/// executor of the actors which own those sockets: a connection's callbacks and its isolated code run on the same
/// thread, so that a C library whose connection belongs to one thread can be an actor.
///
/// Everything may be called from any thread; all callbacks run on the loop's thread, where an actor whose
/// `unownedExecutor` is this loop may use `assumeIsolated`. What runs here must not block: see `onBlockingThread`.
/// An idle loop costs nothing: it sleeps until a socket, a deadline or another thread wakes it.
package final class SocketLoop: SerialExecutor {
    /// The loop that serves every connection of a process unless another one is named.
    package static let shared = SocketLoop(name: "sockets")

    /// What other threads hand over, in the order they did.
    private enum Work {
        case job(UnownedJob)
        case call(@Sendable () -> Void)
    }

    private struct Socket {
        let descriptor: Int32
        var events: Int16
        let onReadable: @Sendable () -> Void
        let onWritable: @Sendable () -> Void
    }

    private struct Timer {
        let instant: ContinuousClock.Instant
        let action: @Sendable () -> Void
    }

    private struct State {
        var work: [Work] = []
        var sockets: [UInt64: Socket] = [:]
        var timers: [UInt64: Timer] = [:]
        var nextTimer: ContinuousClock.Instant?
        var lastID: UInt64 = 0
        var socketsChanged = false
        var isSleeping = false
        var isStopping = false

        mutating func makeID() -> UInt64 {
            lastID += 1
            return lastID
        }

        mutating func findNextTimer() {
            nextTimer = timers.values.lazy.map(\.instant).min()
        }
    }

    private let state = Mutex(State())
    private let wakeDescriptor: Int32
    private let thread = Atomic<UInt>(0)
    package let name: String

    /// Starts the thread. It lives until `shutdown()`.
    package init(name: String) {
        self.name = name
        wakeDescriptor = clinux_eventfd()
        precondition(wakeDescriptor >= 0, "eventfd: no file descriptor left (ulimit -n)")
        startThread(name: name) { self.run() }
    }

    deinit { close(wakeDescriptor) }

    /// Ends the thread after the work that was already handed over. Sockets stay open; their owners close them.
    package func shutdown() {
        state.withLock { $0.isStopping = true }
        wake()
    }

    // MARK: Executor

    package func enqueue(_ job: consuming ExecutorJob) {
        add(.job(UnownedJob(job)))
    }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    /// Whether the caller runs on the loop's thread.
    package var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    package func checkIsolated() {
        precondition(isCurrent, "not on the thread of the socket loop '\(name)'")
    }

    package func isIsolatingCurrentContext() -> Bool? { isCurrent }

    /// Runs `body` on the loop's thread, after what was handed over before it.
    package func perform(_ body: @escaping @Sendable () -> Void) {
        add(.call(body))
    }

    private func add(_ work: Work) {
        let mustWake = state.withLock { state in
            state.work.append(work)
            defer { state.isSleeping = false }
            return state.isSleeping
        }
        if mustWake { wake() }
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
    }

    // MARK: Sockets

    /// A socket that the loop watches, until `cancel()`.
    package struct Registration: Sendable {
        fileprivate let loop: SocketLoop
        fileprivate let id: UInt64

        /// Whether `onReadable` is called while bytes (or the end of the stream, or an error) can be read. On at first.
        package func setReadInterest(_ isOn: Bool) { loop.setInterest(id, Int16(POLLIN), isOn) }
        /// Whether `onWritable` is called while the socket takes bytes. Off at first.
        package func setWriteInterest(_ isOn: Bool) { loop.setInterest(id, Int16(POLLOUT), isOn) }
        /// Ends the watching. On the loop's thread: no callback comes after this. Call it before closing the descriptor.
        package func cancel() { loop.unregister(id) }
    }

    /// Watches a socket. An error or hang-up calls whichever of the two callbacks there is interest in.
    package func register(
        fd: Int32, onReadable: @escaping @Sendable () -> Void, onWritable: @escaping @Sendable () -> Void = {}
    ) -> Registration {
        let id = change { state in
            let id = state.makeID()
            state.sockets[id] = Socket(
                descriptor: fd, events: Int16(POLLIN), onReadable: onReadable, onWritable: onWritable)
            return id
        }
        return Registration(loop: self, id: id)
    }

    private func setInterest(_ id: UInt64, _ event: Int16, _ isOn: Bool) {
        change { state in
            guard let events = state.sockets[id]?.events else { return }
            state.sockets[id]?.events = isOn ? events | event : events & ~event
        }
    }

    private func unregister(_ id: UInt64) {
        change { $0.sockets[id] = nil }
    }

    private func change<R: Sendable>(_ body: (inout State) -> R) -> R {
        let (result, mustWake) = state.withLock { state in
            let result = body(&state)
            state.socketsChanged = true
            defer { state.isSleeping = false }
            return (result, state.isSleeping)
        }
        if mustWake { wake() }
        return result
    }

    // MARK: Deadlines

    /// A call that the loop makes at an instant, unless it is cancelled before.
    package struct Deadline: Sendable {
        fileprivate let loop: SocketLoop
        fileprivate let id: UInt64

        /// On the loop's thread: the call does not come after this.
        package func cancel() { loop.cancelDeadline(id) }
    }

    /// Calls `action` once at `instant` (not before it, to the millisecond).
    package func schedule(
        at instant: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void
    ) -> Deadline {
        let (id, mustWake) = state.withLock { state in
            let id = state.makeID()
            state.timers[id] = Timer(instant: instant, action: action)
            guard state.nextTimer.map({ instant < $0 }) ?? true else { return (id, false) }
            state.nextTimer = instant
            defer { state.isSleeping = false }
            return (id, state.isSleeping)
        }
        if mustWake { wake() }
        return Deadline(loop: self, id: id)
    }

    package func schedule(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> Deadline {
        schedule(at: .now + duration, action)
    }

    private func cancelDeadline(_ id: UInt64) {
        state.withLock { state in
            // The loop may wake once for nothing; that is cheaper than waking it now to sleep longer.
            guard let timer = state.timers.removeValue(forKey: id), timer.instant == state.nextTimer else { return }
            state.findNextTimer()
        }
    }

    // MARK: The thread

    private func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        let executor = asUnownedSerialExecutor()
        var work: [Work] = []
        var descriptors: [pollfd] = [pollfd(fd: wakeDescriptor, events: Int16(POLLIN), revents: 0)]
        var ids: [UInt64] = [0]

        while true {
            work.removeAll(keepingCapacity: true)
            let (wait, isDone) = state.withLock { state -> (Int32, Bool) in
                swap(&work, &state.work)
                if state.socketsChanged {
                    state.socketsChanged = false
                    descriptors.removeSubrange(1...)
                    ids.removeSubrange(1...)
                    for (id, socket) in state.sockets where socket.events != 0 {
                        descriptors.append(pollfd(fd: socket.descriptor, events: socket.events, revents: 0))
                        ids.append(id)
                    }
                }
                guard work.isEmpty else { return (0, false) }
                if state.isStopping { return (0, true) }
                guard let next = state.nextTimer else {
                    state.isSleeping = true
                    return (-1, false)
                }
                let milliseconds = Self.milliseconds(until: next)
                state.isSleeping = milliseconds > 0
                return (milliseconds, false)
            }
            if isDone { return }
            for item in work {
                switch item {
                case .job(let job): job.runSynchronously(on: executor)
                case .call(let body): body()
                }
            }

            let ready = poll(&descriptors, nfds_t(descriptors.count), wait)
            let due = state.withLock { state in
                state.isSleeping = false
                return Self.takeDue(&state)
            }
            if ready > 0 { callBack(descriptors, ids) }
            for action in due { action() }
        }
    }

    private func callBack(_ descriptors: [pollfd], _ ids: [UInt64]) {
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
        }
        let trouble = Int16(POLLERR) | Int16(POLLHUP) | Int16(POLLNVAL)
        for (descriptor, id) in zip(descriptors, ids).dropFirst() where descriptor.revents != 0 {
            // Looked up each time: a callback may have cancelled another socket, or changed its own interest.
            for event in [Int16(POLLIN), Int16(POLLOUT)] where descriptor.revents & (event | trouble) != 0 {
                guard let socket = state.withLock({ $0.sockets[id] }), socket.events & event != 0 else { continue }
                if event == Int16(POLLIN) { socket.onReadable() } else { socket.onWritable() }
            }
        }
    }

    private static func takeDue(_ state: inout State) -> [@Sendable () -> Void] {
        guard let next = state.nextTimer else { return [] }
        let now = ContinuousClock.now
        guard next <= now else { return [] }
        let due = state.timers.filter { $0.value.instant <= now }.sorted { $0.value.instant < $1.value.instant }
        for (id, _) in due { state.timers[id] = nil }
        state.findNextTimer()
        return due.map(\.value.action)
    }

    /// Rounded up, so that a deadline is due when poll returns.
    private static func milliseconds(until instant: ContinuousClock.Instant) -> Int32 {
        let (seconds, attoseconds) = (instant - .now).components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 1_000_000 else { return Int32.max }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
