import Glibc
import SocketLoop

/// Posts a number of requests over connections that stay open, each with one request under way. Lives on one thread
/// and costs the machine little, so that what is measured is the fleet.
actor TriggerLoad {
    private struct Connection {
        let descriptor: Int32
        let registration: SocketLoop.Registration
        var incoming = HTTPStream()
        var outgoing = OutgoingBytes()
    }

    private struct Job {
        let count: Int
        /// Requests a second; nil sends as fast as they are answered.
        let rate: Double?
        let request: @Sendable (Int) -> [UInt8]
        let begun: ContinuousClock.Instant
        let begunAt: Double
        var sent = 0
        var answered = 0
        let done: CheckedContinuation<Result<[Double], MeasuredFleetError>, Never>
    }

    private nonisolated let loop = SocketLoop(name: "load")
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var connections: [Int: Connection] = [:]
    /// Connections without a request under way.
    private var idle: [Int] = []
    private var job: Job?
    /// Seconds since 1970 at which each request was due: sending late does not shorten what its run took. Not a part of
    /// the job, which is copied.
    private var due: [Double] = []
    private var timer: SocketLoop.Deadline?
    private let port: Int
    private let width: Int

    init(port: Int, connections: Int) {
        self.port = port
        width = connections
    }

    deinit { loop.shutdown() }

    /// - Returns: when each request was due, in seconds since 1970.
    func post(
        _ count: Int, rate: Double?, request: @escaping @Sendable (Int) -> [UInt8]
    ) async throws -> [Double] {
        try open()
        due = []
        due.reserveCapacity(count)
        let result = await withCheckedContinuation { done in
            job = Job(
                count: count, rate: rate, request: request, begun: .now, begunAt: Self.now, done: done)
            send()
        }
        return try result.get()
    }

    func close() {
        for connection in connections.values {
            connection.registration.cancel()
            Glibc.close(connection.descriptor)
        }
        (connections, idle) = ([:], [])
    }

    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func open() throws(MeasuredFleetError) {
        for id in 0..<width where connections[id] == nil {
            let descriptor = try LoopbackSocket.connect(to: port)
            let registration = loop.register(
                fd: descriptor, onReadable: { [weak self] in self?.assumeIsolated { $0.readable(id) } },
                onWritable: { [weak self] in self?.assumeIsolated { $0.flush(id) } })
            connections[id] = Connection(descriptor: descriptor, registration: registration)
            idle.append(id)
        }
    }

    private func send() {
        guard var job else { return }
        let elapsed = Self.seconds(.now - job.begun)
        let allowed = job.rate.map { min(job.count, Int(elapsed * $0) + 1) } ?? job.count
        while job.sent < allowed, let id = idle.popLast() {
            due.append(job.rate.map { job.begunAt + Double(job.sent) / $0 } ?? Self.now)
            connections[id]?.outgoing.append(job.request(job.sent))
            job.sent += 1
            self.job = job
            flush(id)
        }
        self.job = job
        guard let rate = job.rate, job.sent < job.count, timer == nil else { return }
        let next = job.begun + .seconds(Double(max(job.sent, allowed)) / rate)
        timer = loop.schedule(at: next) { [weak self] in
            self?.assumeIsolated {
                $0.timer = nil
                $0.send()
            }
        }
    }

    private func flush(_ id: Int) {
        guard var connection = connections[id] else { return }
        let isAlive = connection.outgoing.flush(into: connection.descriptor)
        connections[id] = connection
        connection.registration.setWriteInterest(!connection.outgoing.isEmpty)
        if !isAlive { fail("the gateway closed a connection") }
    }

    private func readable(_ id: Int) {
        guard let descriptor = connections[id]?.descriptor,
            let isAlive = connections[id]?.incoming.fill(from: descriptor)
        else { return }
        while let answer = connections[id]?.incoming.next() {
            guard answer.status == 202 else {
                let text = String(decoding: answer.body.prefix(200), as: UTF8.self)
                return fail("the gateway answered \(answer.firstLine): \(text)")
            }
            idle.append(id)
            job?.answered += 1
        }
        guard isAlive else { return fail("the gateway closed a connection") }
        if let job, job.answered == job.count {
            self.job = nil
            return job.done.resume(returning: .success(due))
        }
        send()
    }

    private func fail(_ reason: String) {
        close()
        guard let job else { return }
        self.job = nil
        job.done.resume(returning: .failure(MeasuredFleetError(reason)))
    }

    private static func seconds(_ duration: Duration) -> Double {
        Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }
}
