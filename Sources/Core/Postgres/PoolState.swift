/// Who has which connection: the pool's bookkeeping without connections, clocks or locks of its own.
///
/// Rules: at most `maximum` slots are taken (a slot is a connection, open or being opened). Waiters are served in the
/// order they came. The connection returned last is used first, so that surplus ones grow old and are closed. An idle
/// connection and a waiter never exist at the same time.
package struct PoolState<Connection: Sendable, Waiter: Sendable>: Sendable {
    package enum Grant: Sendable {
        case use(Connection)
        /// The receiver owns a free slot and opens a connection for it itself.
        case open
    }

    package struct Idle: Sendable {
        package let connection: Connection
        package let since: ContinuousClock.Instant
    }

    package let maximum: Int
    package private(set) var taken = 0
    package private(set) var idle: [Idle] = []
    package private(set) var waiters: [(id: Int, waiter: Waiter)] = []
    package private(set) var isClosed = false
    private var lastID = 0

    package init(maximum: Int) { self.maximum = max(1, maximum) }

    /// What can be had at once; nil when the caller must wait.
    package mutating func acquire() -> Grant? {
        if let entry = idle.popLast() { return .use(entry.connection) }
        guard taken < maximum else { return nil }
        taken += 1
        return .open
    }

    package mutating func wait(_ waiter: Waiter) -> Int {
        lastID += 1
        waiters.append((lastID, waiter))
        return lastID
    }

    /// The waiter, if it was still waiting.
    package mutating func stopWaiting(_ id: Int) -> Waiter? {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return waiters.remove(at: index).waiter
    }

    /// Takes a healthy connection back: the next waiter gets it, or it is kept. Not to be called when closed.
    package mutating func giveBack(_ connection: Connection, now: ContinuousClock.Instant) -> (
        waiter: Waiter, grant: Grant
    )? {
        guard waiters.isEmpty else { return (waiters.removeFirst().waiter, .use(connection)) }
        idle.append(Idle(connection: connection, since: now))
        return nil
    }

    /// Takes back the slot of a connection that is no more: the next waiter may open another.
    package mutating func giveUpSlot() -> (waiter: Waiter, grant: Grant)? {
        guard waiters.isEmpty else { return (waiters.removeFirst().waiter, .open) }
        taken -= 1
        return nil
    }

    /// Forgets an idle connection that ended by itself.
    package mutating func removeIdle(where isIt: (Connection) -> Bool) {
        guard let index = idle.firstIndex(where: { isIt($0.connection) }) else { return }
        idle.remove(at: index)
        taken -= 1
    }

    /// Takes out what was unused since `limit`, oldest first.
    package mutating func expire(unusedSince limit: ContinuousClock.Instant) -> [Connection] {
        let count = idle.prefix { $0.since <= limit }.count
        let expired = idle.prefix(count).map(\.connection)
        idle.removeFirst(count)
        taken -= count
        return expired
    }

    /// No more acquiring: whoever waits is turned away, what is idle is to be closed.
    package mutating func close() -> (idle: [Connection], waiters: [Waiter]) {
        isClosed = true
        let result = (idle.map(\.connection), waiters.map(\.waiter))
        taken -= idle.count
        idle = []
        waiters = []
        return result
    }
}
