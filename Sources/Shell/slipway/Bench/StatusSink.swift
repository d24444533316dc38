import Glibc
import SocketLoop

/// Plays a forge that takes commit statuses and nothing else: answers each call like GitHub, and remembers which
/// commits have shown their final status. Misbehaves on request.
actor StatusSink {
    enum Behaviour: Equatable, Sendable {
        case good
        /// Answers each call with this status, without doing what was asked: 403 and 429 as limits of GitHub's.
        case refusing(Int)
        /// Takes each call and never answers it.
        case silent
        /// Refuses connections and cuts those that are open.
        case gone
    }

    private struct Connection {
        let descriptor: Int32
        let registration: SocketLoop.Registration
        var incoming = HTTPStream()
        var outgoing = OutgoingBytes()
    }

    private nonisolated let loop = SocketLoop(name: "sink")
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
    nonisolated let port: Int
    private var listener: Int32
    private var behaviour = Behaviour.good
    private var registration: SocketLoop.Registration?
    private var connections: [Int32: Connection] = [:]

    /// Calls so far.
    private(set) var statuses = 0
    /// Commits whose latest status is `success`.
    private(set) var finals: Set<String> = []
    private var wanted = Int.max
    private var waiter: CheckedContinuation<Void, Never>?

    init() async throws {
        (listener, port) = try LoopbackSocket.listen()
        registration = loop.register(fd: listener) { [weak self] in self?.assumeIsolated { $0.acceptAll() } }
    }

    func behave(_ behaviour: Behaviour) throws {
        let wasGone = self.behaviour == .gone
        self.behaviour = behaviour
        switch (wasGone, behaviour == .gone) {
        case (false, true):
            registration?.cancel()
            close(listener)
            for id in connections.keys { end(id) }
        case (true, false):
            (listener, _) = try LoopbackSocket.listen(port: port)
            registration = loop.register(fd: listener) { [weak self] in self?.assumeIsolated { $0.acceptAll() } }
        default: break
        }
    }

    deinit { loop.shutdown() }

    nonisolated var url: String { "http://127.0.0.1:\(port)" }

    func reset() { (statuses, finals) = (0, []) }

    /// Returns when that many commits show their final status; or the task is cancelled.
    func waitForFinals(_ count: Int) async {
        wanted = count
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiter = continuation
                answerWaiter(Task.isCancelled)
            }
        } onCancel: {
            loop.perform { [weak self] in self?.assumeIsolated { $0.answerWaiter(true) } }
        }
    }

    private func answerWaiter(_ isOver: Bool = false) {
        guard isOver || finals.count >= wanted, let waiter else { return }
        self.waiter = nil
        waiter.resume()
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            LoopbackSocket.configure(descriptor)
            let registration = loop.register(
                fd: descriptor, onReadable: { [weak self] in self?.assumeIsolated { $0.readable(descriptor) } },
                onWritable: { [weak self] in self?.assumeIsolated { $0.flush(descriptor) } })
            connections[descriptor] = Connection(descriptor: descriptor, registration: registration)
        }
    }

    private func readable(_ id: Int32) {
        guard let isAlive = connections[id]?.incoming.fill(from: id) else { return }
        while let call = connections[id]?.incoming.next() {
            if behaviour != .silent { connections[id]?.outgoing.append(answer(call)) }
        }
        flush(id)
        if !isAlive { end(id) }
    }

    private func flush(_ id: Int32) {
        guard var connection = connections[id] else { return }
        let isAlive = connection.outgoing.flush(into: id)
        connections[id] = connection
        connection.registration.setWriteInterest(!connection.outgoing.isEmpty)
        if !isAlive { end(id) }
    }

    private func end(_ id: Int32) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        connection.registration.cancel()
        close(id)
    }

    /// `POST /repos/ORG/REPO/statuses/SHA`.
    private func answer(_ call: HTTPStream.Message) -> [UInt8] {
        if case .refusing(let status) = behaviour { return Self.refusal(status) }
        let parts = call.path.split(separator: "/")
        guard call.firstLine.hasPrefix("POST "), parts.count >= 2, parts[parts.count - 2] == "statuses",
            let sha = parts.last.map(String.init)
        else { return Self.notFound }
        statuses += 1
        if HTTPStream.find(#""state":"success""#, in: call.body) != nil {
            finals.insert(sha)
        } else {
            finals.remove(sha)
        }
        answerWaiter()
        return Self.created
    }

    private static let created = response("201 Created", #"{"id":1,"state":"pending","context":"bench"}"#)
    private static let notFound = response("404 Not Found", #"{"message":"Not Found"}"#)

    private static func refusal(_ status: Int) -> [UInt8] {
        guard status < 500 else { return response("\(status) Refused", #"{"message":"Server Error"}"#) }
        return response(
            "\(status) Refused", #"{"message":"You have exceeded a secondary rate limit."}"#, "Retry-After: 2\r\n")
    }

    private static func response(_ status: String, _ body: String, _ headers: String = "") -> [UInt8] {
        Array(
            """
            HTTP/1.1 \(status)\r
            Content-Type: application/json\r
            \(headers)\
            Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }
}
