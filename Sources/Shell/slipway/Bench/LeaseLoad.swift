import Glibc
import SocketLoop

/// Calls over connections that stay open, each with one call under way. Lives on one thread and costs the machine
/// little, so that what is measured is the fleet.
actor LeaseLoad {
    /// What a connection sends next, after an answer; the first time without one. Nil: it has nothing left to say.
    typealias Next = @Sendable (_ connection: Int, _ answer: HTTPStream.Message?) throws(MeasuredFleetError) -> [UInt8]?

    private struct Connection {
        let descriptor: Int32
        let registration: SocketLoop.Registration
        var incoming = HTTPStream()
        var outgoing = OutgoingBytes()
        /// For room in the socket.
        var isWaiting = false
        var call: CheckedContinuation<Result<HTTPStream.Message, MeasuredFleetError>, Never>?
    }

    private nonisolated let loop = SocketLoop(name: "leases")
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    private var connections: [Int: Connection] = [:]
    private var next: Next?
    private var talking = 0
    private var done: CheckedContinuation<Result<Void, MeasuredFleetError>, Never>?
    private let port: Int

    init(port: Int) { self.port = port }

    deinit { loop.shutdown() }

    /// Runs so many connections until none has anything left to say.
    func run(connections width: Int, next: @escaping Next) async throws {
        for id in 0..<width { try open(id) }
        let result = await withCheckedContinuation { done in
            self.done = done
            self.next = next
            talking = width
            for id in 0..<width { advance(id, nil) }
        }
        self.next = nil
        try result.get()
    }

    /// One call on one connection.
    func call(_ id: Int, _ request: [UInt8]) async throws -> HTTPStream.Message {
        try open(id)
        return try await withCheckedContinuation { continuation in
            connections[id]?.call = continuation
            connections[id]?.outgoing.append(request)
            flush(id)
        }.get()
    }

    func close() {
        for connection in connections.values {
            connection.registration.cancel()
            Glibc.close(connection.descriptor)
            connection.call?.resume(returning: .failure(MeasuredFleetError("the connection was closed")))
        }
        connections = [:]
    }

    private func open(_ id: Int) throws(MeasuredFleetError) {
        guard connections[id] == nil else { return }
        let descriptor = try LoopbackSocket.connect(to: port)
        let registration = loop.register(
            fd: descriptor, onReadable: { [weak self] in self?.assumeIsolated { $0.readable(id) } },
            onWritable: { [weak self] in self?.assumeIsolated { $0.flush(id) } })
        connections[id] = Connection(descriptor: descriptor, registration: registration)
    }

    private func advance(_ id: Int, _ answer: HTTPStream.Message?) {
        guard let next else { return }
        do throws(MeasuredFleetError) {
            if let request = try next(id, answer) {
                connections[id]?.outgoing.append(request)
                flush(id)
                return
            }
        } catch {
            return finish(.failure(error))
        }
        talking -= 1
        if talking == 0 { finish(.success(())) }
    }

    private func flush(_ id: Int) {
        // Taken out while it is worked on, so that nothing is copied.
        guard var connection = connections.removeValue(forKey: id) else { return }
        let isAlive = connection.outgoing.flush(into: connection.descriptor)
        if connection.isWaiting != !connection.outgoing.isEmpty {
            connection.isWaiting.toggle()
            connection.registration.setWriteInterest(connection.isWaiting)
        }
        connections[id] = connection
        if !isAlive { finish(.failure(MeasuredFleetError("the gateway closed a connection"))) }
    }

    private func readable(_ id: Int) {
        guard let descriptor = connections[id]?.descriptor,
            let isAlive = connections[id]?.incoming.fill(from: descriptor)
        else { return }
        while let answer = connections[id]?.incoming.next() {
            if let call = connections[id]?.call {
                connections[id]?.call = nil
                call.resume(returning: .success(answer))
            } else {
                advance(id, answer)
            }
        }
        if !isAlive { finish(.failure(MeasuredFleetError("the gateway closed a connection"))) }
    }

    private func finish(_ result: Result<Void, MeasuredFleetError>) {
        if case .failure = result { close() }
        next = nil
        done?.resume(returning: result)
        done = nil
    }
}
