import CRabbitMQ
import Glibc

/// One connection of rabbitmq-c with its two channels. Every call may block on the socket, the requests for at most
/// `replyTimeout`. It belongs to one thread at a time: opened on a thread of its own, then used on its owner's loop
/// alone, which is why it may cross over (`@unchecked Sendable`).
///
/// After an error the link is good for nothing but release, except where a method says otherwise.
final class Link: @unchecked Sendable {
    /// Carries publishing or consuming.
    static let mainChannel: amqp_channel_t = 1
    /// Declares beside it, so that a refused declaration does not close the main channel.
    private static let sideChannel: amqp_channel_t = 2
    private static let replyTimeout: time_t = 10

    let address: BrokerAddress
    let state: amqp_connection_state_t
    /// Contents whose body is still arriving, by channel.
    var partial: [amqp_channel_t: PartialContent] = [:]
    private(set) var fileDescriptor: Int32 = -1
    /// Seconds, as agreed with the broker.
    private(set) var heartbeat = 0
    /// When something had arrived, as far as it was looked for.
    private var heardAt = ContinuousClock.now

    /// Connects, logs in and opens the main channel. Blocks, also on name resolution: not for a loop's thread.
    init(address: BrokerAddress, name: String) throws(BrokerError) {
        guard let state = amqp_new_connection() else {
            throw .unreachable(endpoint: address.endpoint, reason: "no memory for a connection")
        }
        self.address = address
        self.state = state
        try connect()
        try logIn(name: name)
        heartbeat = Int(amqp_get_heartbeat(state))
        var limit = timeval(tv_sec: Self.replyTimeout, tv_usec: 0)
        amqp_set_rpc_timeout(state, &limit)
        amqp_channel_open(state, Self.mainChannel)
        try checkReply("opening a channel")
        heardAt = .now
    }

    deinit { amqp_destroy_connection(state) }

    /// Takes leave of the broker; a peer that does not answer is left behind after 2 s.
    func close() {
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        amqp_set_rpc_timeout(state, &limit)
        _ = amqp_connection_close(state, Int32(AMQP_REPLY_SUCCESS))
    }

    // MARK: Opening

    private func connect() throws(BrokerError) {
        let (seconds, attoseconds) = address.connectTimeout.components
        var limit = timeval(tv_sec: time_t(seconds), tv_usec: suseconds_t(attoseconds / 1_000_000_000_000))
        amqp_set_handshake_timeout(state, &limit)
        // OpenSSL writes the reason here while the handshake runs.
        let refusal = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
        refusal.initialize(to: 0)
        defer { refusal.deallocate() }
        let socket = address.usesTLS ? try makeTLSSocket(refusal) : amqp_tcp_socket_new(state)
        guard let socket else {
            throw .unreachable(endpoint: address.endpoint, reason: "no memory for a socket")
        }
        let status = amqp_socket_open_noblock(socket, address.host, Int32(address.port), &limit)
        guard refusal.pointee == 0 else {
            let reason = String(cString: X509_verify_cert_error_string(Int(refusal.pointee)))
            throw .untrusted(endpoint: address.endpoint, reason: reason)
        }
        guard status == AMQP_STATUS_OK.rawValue else {
            throw .unreachable(endpoint: address.endpoint, reason: Self.reason(for: status, address))
        }
        fileDescriptor = amqp_get_sockfd(state)
        var on: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        setsockopt(fileDescriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        setsockopt(fileDescriptor, SOL_SOCKET, SO_KEEPALIVE, &on, size)
        // Sending waits without end for a peer that takes nothing more, and so would the loop that looks for heartbeats.
        if address.heartbeat > 0 {
            var limit = UInt32(2000 * address.heartbeat)
            setsockopt(
                fileDescriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &limit, socklen_t(MemoryLayout<UInt32>.size))
        }
    }

    private func makeTLSSocket(_ refusal: UnsafeMutablePointer<Int32>) throws(BrokerError) -> OpaquePointer? {
        guard let socket = amqp_ssl_socket_new(state) else { return nil }
        if let file = address.certificateAuthorityFile, amqp_ssl_socket_set_cacert(socket, file) != 0 {
            throw .untrusted(endpoint: address.endpoint, reason: "no certificates can be read from cacertfile \(file)")
        }
        if let certificate = address.certificateFile, let key = address.keyFile,
            amqp_ssl_socket_set_key(socket, certificate, key) != 0
        {
            throw .untrusted(
                endpoint: address.endpoint, reason: "certfile \(certificate) and keyfile \(key) cannot be used")
        }
        amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        let usesSystemRoots: Int32 = address.certificateAuthorityFile == nil ? 1 : 0
        guard crabbitmq_verify_peer(socket, address.host, usesSystemRoots, refusal) != 0 else {
            throw .untrusted(endpoint: address.endpoint, reason: "OpenSSL cannot check for host '\(address.host)'")
        }
        return socket
    }

    private func logIn(name: String) throws(BrokerError) {
        let reply = crabbitmq_login(
            state, address.virtualHost, Int32(address.heartbeat), name, address.user, address.password)
        switch failure(reply, "logging in") {
        case nil: return
        case .closedByBroker(let endpoint, 403, _): throw .authenticationRefused(endpoint: endpoint, user: address.user)
        case .closedByBroker(let endpoint, 530, let text):
            throw .virtualHostRefused(endpoint: endpoint, user: address.user, text: text)
        case .connectionLost(let endpoint, let reason): throw .unreachable(endpoint: endpoint, reason: reason)
        case .some(let error): throw error
        }
    }

    private static func reason(for status: Int32, _ address: BrokerAddress) -> String {
        switch amqp_status_enum(status) {
        case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED: "the name '\(address.host)' does not resolve"
        case AMQP_STATUS_TIMEOUT: "no answer within \(address.connectTimeout)"
        case AMQP_STATUS_SOCKET_ERROR: "connection refused"
        case AMQP_STATUS_SSL_CONNECTION_FAILED: "the TLS handshake failed"
        default: String(cString: amqp_error_string2(status))
        }
    }

    // MARK: Declaring

    /// Declares exchanges, queues and bindings. A refusal closes only the side channel: the link stays good after
    /// `.conflict` and `.closedByBroker` from here.
    func declare(_ topology: Topology) throws(BrokerError) {
        amqp_channel_open(state, Self.sideChannel)
        try checkReply("opening a channel")
        for exchange in topology.exchanges {
            exchange.name.withBytes { name in
                exchange.kind.rawValue.withBytes { kind in
                    _ = amqp_exchange_declare(state, Self.sideChannel, name, kind, 0, 1, 0, 0, amqp_table_t())
                }
            }
            try checkDeclaration("exchange '\(exchange.name)'")
        }
        for queue in topology.queues {
            let isExclusive: amqp_boolean_t = queue.kind == .exclusive ? 1 : 0
            var arguments = queue.arguments
            arguments["x-queue-type"] = .text(queue.kind == .quorum ? "quorum" : "classic")
            queue.name.withBytes { name in
                FieldTable(arguments).withTable { table in
                    // Not auto-delete: it would go with a subscription that is only renewed.
                    _ = amqp_queue_declare(state, Self.sideChannel, name, 0, 1 - isExclusive, isExclusive, 0, table)
                }
            }
            try checkDeclaration("queue '\(queue.name)'")
        }
        for binding in topology.bindings {
            binding.queue.withBytes { queue in
                binding.exchange.withBytes { exchange in
                    binding.routingKey.withBytes { key in
                        _ = amqp_queue_bind(state, Self.sideChannel, queue, exchange, key, amqp_table_t())
                    }
                }
            }
            try checkDeclaration("binding '\(binding.routingKey)' of queue '\(binding.queue)'")
        }
        try check(amqp_channel_close(state, Self.sideChannel, Int32(AMQP_REPLY_SUCCESS)), "closing a channel")
    }

    private func checkDeclaration(_ subject: String) throws(BrokerError) {
        switch failure(amqp_get_rpc_reply(state), "declaring \(subject)", on: Self.sideChannel) {
        case nil: return
        case .closedByBroker(let endpoint, 406, let text):
            throw .conflict(endpoint: endpoint, subject: subject, text: text)
        case .some(let error): throw error
        }
    }

    /// Ready messages and consumers of a queue that must exist.
    func depth(of queue: String) throws(BrokerError) -> (ready: Int, consumers: Int) {
        var counts = (ready: 0, consumers: 0)
        queue.withBytes { name in
            let answer = amqp_queue_declare(state, Self.mainChannel, name, 1, 0, 0, 0, amqp_table_t())
            if let answer { counts = (Int(answer.pointee.message_count), Int(answer.pointee.consumer_count)) }
        }
        try checkReply("asking for the depth of queue '\(queue)'")
        return counts
    }

    /// Deletes a queue; the messages in it are counted.
    func deleteQueue(_ queue: String) throws(BrokerError) -> Int {
        let answer = queue.withBytes { amqp_queue_delete(state, Self.mainChannel, $0, 0, 0) }
        let count = answer.map { Int($0.pointee.message_count) } ?? 0
        try checkReply("deleting queue '\(queue)'")
        return count
    }

    // MARK: Consuming

    /// At most `prefetch` deliveries unacknowledged, for subscriptions that follow.
    func limitDeliveries(to prefetch: Int) throws(BrokerError) {
        amqp_basic_qos(state, Self.mainChannel, 0, UInt16(clamping: max(1, prefetch)), 0)
        try checkReply("setting the prefetch")
    }

    func consume(_ queue: String, tag: String) throws(BrokerError) {
        queue.withBytes { queue in
            tag.withBytes { tag in
                _ = amqp_basic_consume(state, Self.mainChannel, queue, tag, 0, 0, 0, amqp_table_t())
            }
        }
        let reply = amqp_get_rpc_reply(state)
        if reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION, reply.library_error == AMQP_STATUS_TIMEOUT.rawValue {
            throw .queueUnavailable(endpoint: address.endpoint, queue: queue)
        }
        do { try checkReply("consuming queue '\(queue)'") } catch {
            // A quorum queue none of whose replicas runs: RabbitMQ trips over it.
            guard case .closedByBroker(_, 541, _) = error else { throw error }
            throw .queueUnavailable(endpoint: address.endpoint, queue: queue)
        }
    }

    func cancel(tag: String) throws(BrokerError) {
        tag.withBytes { _ = amqp_basic_cancel(state, Self.mainChannel, $0) }
        try checkReply("ending the subscription")
    }

    func acknowledge(_ tag: UInt64, multiple: Bool) throws(BrokerError) {
        try check(amqp_basic_ack(state, Self.mainChannel, tag, multiple ? 1 : 0), "acknowledging")
    }

    func handBack(_ tag: UInt64, multiple: Bool, requeue: Bool) throws(BrokerError) {
        try check(
            amqp_basic_nack(state, Self.mainChannel, tag, multiple ? 1 : 0, requeue ? 1 : 0), "handing back")
    }

    // MARK: Publishing

    /// From here on the broker confirms what the main channel publishes, counting from 1.
    func selectConfirms() throws(BrokerError) {
        amqp_confirm_select(state, Self.mainChannel)
        try checkReply("selecting confirms")
    }

    /// Whether the socket takes bytes now, so that publishing would not block the loop.
    var isWritable: Bool { isReady(POLLOUT) }

    /// Notes that something has arrived, if so. Asked before it is read.
    func listen() { if isReady(POLLIN) { heardAt = .now } }

    private func isReady(_ event: Int32) -> Bool {
        var descriptor = pollfd(fd: fileDescriptor, events: Int16(event), revents: 0)
        return poll(&descriptor, 1, 0) > 0
    }

    func publish(_ message: OutgoingMessage) throws(BrokerError) {
        var status: Int32 = 0
        // Once heartbeats are overdue rabbitmq-c reads before it publishes, and waits for something to read without end:
        // it takes its time-out of 0 for none.
        if heartbeat > 0, .now - heardAt >= .seconds(2 * heartbeat) {
            listen()
            guard .now - heardAt < .seconds(2 * heartbeat) else {
                throw failure(AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue, "publishing")
            }
        }
        message.exchange.withBytes { exchange in
            message.routingKey.withBytes { key in
                message.withProperties { properties in
                    message.body.withUnsafeBytes { body in
                        let bytes = amqp_bytes_t(
                            len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
                        status = amqp_basic_publish(
                            state, Self.mainChannel, exchange, key, message.mandatory ? 1 : 0, 0, properties, bytes)
                    }
                }
            }
        }
        try check(status, "publishing")
    }

    // MARK: Failures

    func check(_ status: Int32, _ doing: String) throws(BrokerError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        throw failure(status, doing)
    }

    private func checkReply(_ doing: String) throws(BrokerError) {
        try check(amqp_get_rpc_reply(state), doing)
    }

    private func check(_ reply: amqp_rpc_reply_t, _ doing: String) throws(BrokerError) {
        if let failure = failure(reply, doing) { throw failure }
    }

    private func failure(
        _ reply: amqp_rpc_reply_t, _ doing: String, on channel: amqp_channel_t = mainChannel
    ) -> BrokerError? {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: nil
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: failure(reply.library_error, doing)
        case AMQP_RESPONSE_SERVER_EXCEPTION: closure(reply.reply, on: channel)
        default: .connectionLost(endpoint: address.endpoint, reason: "the broker closed the socket while \(doing)")
        }
    }

    private func failure(_ status: Int32, _ doing: String) -> BrokerError {
        let reason =
            switch amqp_status_enum(status) {
            case AMQP_STATUS_HEARTBEAT_TIMEOUT: "nothing came for \(2 * heartbeat) s, not even a heartbeat"
            case AMQP_STATUS_CONNECTION_CLOSED, AMQP_STATUS_SOCKET_CLOSED: "the broker closed the socket"
            case AMQP_STATUS_TIMEOUT: "no answer in time"
            default: String(cString: amqp_error_string2(status))
            }
        return .connectionLost(endpoint: address.endpoint, reason: "\(reason) (while \(doing))")
    }

    /// Answers a close of the broker's and tells its reason.
    func closure(_ method: amqp_method_t, on channel: amqp_channel_t) -> BrokerError {
        let code: UInt16
        let text: String
        switch (method.id, method.decoded) {
        case (AMQP_CONNECTION_CLOSE_METHOD, let decoded?):
            let close = decoded.load(as: amqp_connection_close_t.self)
            (code, text) = (close.reply_code, String(close.reply_text))
            var answer = amqp_connection_close_ok_t()
            amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &answer)
        case (AMQP_CHANNEL_CLOSE_METHOD, let decoded?):
            let close = decoded.load(as: amqp_channel_close_t.self)
            (code, text) = (close.reply_code, String(close.reply_text))
            var answer = amqp_channel_close_ok_t()
            amqp_send_method(state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &answer)
        default:
            return .connectionLost(endpoint: address.endpoint, reason: "an answer that was not asked for")
        }
        return .closedByBroker(endpoint: address.endpoint, code: Int(code), text: text)
    }
}
