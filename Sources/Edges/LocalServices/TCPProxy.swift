import Glibc
import SocketLoop

/// A TCP proxy on a free loopback port that misbehaves on request: it cuts connections (also in the middle of a
/// frame), holds bytes back, leaves connections half open, refuses new ones, and says what neither peer said.
package actor TCPProxy {
    /// Which way bytes go.
    package enum Direction: Sendable, CaseIterable {
        case toClient, toServer
    }

    /// What went wrong while setting the proxy up.
    package struct SetupError: Error, CustomStringConvertible {
        package let description: String
    }

    /// Where clients connect to.
    package nonisolated let port: Int
    package nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private var target: Int
    private let loop: SocketLoop
    private var listener: (descriptor: Int32, registration: SocketLoop.Registration)?
    /// The socket that listened, while connections are refused.
    private var refusing: Int32?
    private var connections: [Int: Connection] = [:]
    private var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []

    /// How many connections were accepted so far.
    package private(set) var acceptedCount = 0

    private struct Connection {
        var flows: [Direction: Flow]
    }

    /// One way of a connection: read from one socket, written to the other.
    private struct Flow {
        let source: Int32
        let registration: SocketLoop.Registration
        var buffer: [UInt8] = []
        var isHeld = false
        var bytesUntilCut: Int?
    }

    /// Listens at once; connects to `target` on 127.0.0.1 for each client.
    package init(to target: Int) async throws {
        let (descriptor, port) = try Self.listenAnywhere()
        self.target = target
        self.port = port
        loop = SocketLoop(name: "proxy")
        startAccepting(descriptor)
    }

    deinit { loop.shutdown() }

    // MARK: Misbehaviour

    /// Ends every connection that is open, as a peer that was killed would.
    package func cut() {
        for id in connections.keys { end(id) }
    }

    /// Ends each open connection once that many more bytes went that way.
    package func cut(afterBytes count: Int, _ direction: Direction) {
        for id in connections.keys { connections[id]?.flows[direction]?.bytesUntilCut = count }
    }

    /// Passes nothing on, over the connections that are open now; held both ways they are half open.
    package func hold(_ directions: [Direction] = Direction.allCases) { setHeld(true, directions) }

    /// Passes on what was held, and what follows.
    package func release(_ directions: [Direction] = Direction.allCases) { setHeld(false, directions) }

    /// Says `bytes` in a peer's name on every open connection, behind what was passed on so far.
    package func inject(_ bytes: [UInt8], _ direction: Direction) {
        for id in connections.keys {
            connections[id]?.flows[direction]?.buffer += bytes
            pass(id, direction)
        }
    }

    /// Refuses new connections.
    package func refuse() {
        guard let listener else { return }
        listener.registration.cancel()
        // It listens no more and keeps its port, which somebody else would take otherwise.
        shutdown(listener.descriptor, Int32(SHUT_RDWR))
        Self.setReuse(listener.descriptor, false)
        refusing = listener.descriptor
        self.listener = nil
    }

    /// Accepts connections again.
    package func accept() throws {
        guard let descriptor = refusing else { return }
        // Connections of before may still be ending on the port.
        Self.setReuse(descriptor, true)
        guard Glibc.listen(descriptor, 64) == 0 else {
            throw SetupError(
                description: "the proxy cannot listen on port \(port): \(String(cString: strerror(errno)))")
        }
        refusing = nil
        startAccepting(descriptor)
    }

    /// Connects those who come from now on to another port.
    package func retarget(to port: Int) { target = port }

    /// Returns when at least `count` connections were accepted since the proxy was made.
    package func waitForConnections(_ count: Int) async {
        guard acceptedCount < count else { return }
        await withCheckedContinuation { waiters.append((count, $0)) }
    }

    /// Ends everything.
    package func stop() {
        refuse()
        if let refusing { close(refusing) }
        refusing = nil
        cut()
    }

    // MARK: Passing on

    private func startAccepting(_ descriptor: Int32) {
        let registration = loop.register(fd: descriptor) { [weak self] in self?.assumeIsolated { $0.acceptOne() } }
        listener = (descriptor, registration)
    }

    private func acceptOne() {
        guard let listener else { return }
        let client = Glibc.accept(listener.descriptor, nil, nil)
        guard client >= 0 else { return }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let isConnected = Self.withLoopback(port: target) { connect(server, $0, $1) == 0 }
        acceptedCount += 1
        let id = acceptedCount
        if isConnected {
            for descriptor in [client, server] {
                var on: Int32 = 1
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
                _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            }
            connections[id] = Connection(flows: [
                .toServer: Flow(source: client, registration: watch(client, id, reads: .toServer, writes: .toClient)),
                .toClient: Flow(source: server, registration: watch(server, id, reads: .toClient, writes: .toServer)),
            ])
        } else {
            close(client)
            close(server)
        }
        let reached = waiters.filter { $0.count <= acceptedCount }
        waiters.removeAll { $0.count <= acceptedCount }
        for waiter in reached { waiter.continuation.resume() }
    }

    private func watch(
        _ descriptor: Int32, _ id: Int, reads: Direction, writes: Direction
    ) -> SocketLoop.Registration {
        loop.register(
            fd: descriptor, onReadable: { [weak self] in self?.assumeIsolated { $0.fill(id, reads) } },
            onWritable: { [weak self] in self?.assumeIsolated { $0.pass(id, writes) } })
    }

    private func fill(_ id: Int, _ direction: Direction) {
        guard let flow = connections[id]?.flows[direction] else { return }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = recv(flow.source, &bytes, bytes.count, 0)
        if count > 0 {
            connections[id]?.flows[direction]?.buffer += bytes[..<count]
            pass(id, direction)
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            end(id)
        }
    }

    private func pass(_ id: Int, _ direction: Direction) {
        guard var flow = connections[id]?.flows[direction],
            let other = connections[id]?.flows[direction == .toClient ? .toServer : .toClient]
        else { return }
        if !flow.isHeld {
            let allowed = min(flow.buffer.count, flow.bytesUntilCut ?? .max)
            let count = max(0, send(other.source, flow.buffer, allowed, Int32(MSG_NOSIGNAL)))
            flow.buffer.removeFirst(count)
            flow.bytesUntilCut = flow.bytesUntilCut.map { $0 - count }
            connections[id]?.flows[direction] = flow
            if flow.bytesUntilCut == 0 {
                end(id)
                return
            }
        }
        // Back pressure: nothing is read while bytes wait to be passed on.
        flow.registration.setReadInterest(flow.buffer.isEmpty && !flow.isHeld)
        other.registration.setWriteInterest(!flow.buffer.isEmpty && !flow.isHeld)
    }

    private func setHeld(_ isHeld: Bool, _ directions: [Direction]) {
        for id in connections.keys {
            for direction in directions {
                connections[id]?.flows[direction]?.isHeld = isHeld
                pass(id, direction)
            }
        }
    }

    private func end(_ id: Int) {
        for flow in connections.removeValue(forKey: id)?.flows.values.map({ $0 }) ?? [] {
            flow.registration.cancel()
            close(flow.source)
        }
    }

    // MARK: Sockets

    /// Below the range from which the kernel takes the ports of outgoing connections: one of those could take the port
    /// while the proxy refuses, and then it could not accept again.
    private static func listenAnywhere() throws -> (descriptor: Int32, port: Int) {
        for _ in 0..<100 {
            if let listening = try? listen(on: .random(in: 15_000..<32_000)) { return listening }
        }
        throw SetupError(description: "the proxy found no free port between 15000 and 32000")
    }

    private static func listen(on port: Int) throws -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        setReuse(descriptor, true)
        let isBound = withLoopback(port: port) { bind(descriptor, $0, $1) == 0 }
        guard descriptor >= 0, isBound, Glibc.listen(descriptor, 64) == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw SetupError(description: "the proxy cannot listen on port \(port): \(reason)")
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return (descriptor, port)
    }

    private static func setReuse(_ descriptor: Int32, _ isOn: Bool) {
        var value: Int32 = isOn ? 1 : 0
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    private static func withLoopback<R>(port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
