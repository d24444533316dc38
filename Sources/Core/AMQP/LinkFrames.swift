import CRabbitMQ
import Glibc

/// What the broker says of its own accord.
enum LinkEvent {
    case confirmed(tag: UInt64, multiple: Bool)
    case refused(tag: UInt64, multiple: Bool)
    case returned(reason: String, exchange: String, routingKey: String, messageID: String?)
    case delivered(ArrivedMessage)
    /// The broker ended the subscription, because the queue is gone.
    case cancelled(consumerTag: String)
    case blocked(reason: String)
    case unblocked
}

/// A delivery with its content complete.
struct ArrivedMessage {
    let consumerTag: String
    let tag: UInt64
    let redelivered: Bool
    let exchange: String
    let routingKey: String
    let messageID: String?
    let type: String?
    let headers: [String: String]
    let body: [UInt8]
}

/// A content of which frames are missing yet.
struct PartialContent {
    enum Method {
        case deliver(consumerTag: String, tag: UInt64, redelivered: Bool)
        case giveBack(code: UInt16, text: String)
    }

    let method: Method
    let exchange: String
    let routingKey: String
    var messageID: String?
    var type: String?
    var headers: [String: String] = [:]
    var size: UInt64?
    var body: [UInt8] = []
}

extension Link {
    /// Reads what has arrived, without waiting; sends a heartbeat when one is due and notices when the peer's stay out.
    /// Call it when the socket is readable, after each request (its answer may have overtaken nothing, but frames that
    /// came before it were put aside), and each half heartbeat. What precedes a failure is delivered with it.
    func drain() -> (events: [LinkEvent], failure: BrokerError?) {
        var events: [LinkEvent] = []
        listen()
        do {
            while true {
                var frame = amqp_frame_t()
                var none = timeval()
                let status = amqp_simple_wait_frame_noblock(state, &frame, &none)
                if status == AMQP_STATUS_TIMEOUT.rawValue { return (events, nil) }
                try check(status, "reading")
                if let event = try read(frame) { events.append(event) }
                // Everything was copied out of the frame.
                amqp_maybe_release_buffers(state)
            }
        } catch {
            return (events, error)
        }
    }

    private func read(_ frame: amqp_frame_t) throws(BrokerError) -> LinkEvent? {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return try read(frame.payload.method, on: frame.channel)
        case AMQP_FRAME_HEADER:
            guard var content = partial[frame.channel], let decoded = frame.payload.properties.decoded else {
                throw unexpected("a header without its method")
            }
            let properties = decoded.load(as: amqp_basic_properties_t.self)
            content.messageID = properties.has(AMQP_BASIC_MESSAGE_ID_FLAG) ? String(properties.message_id) : nil
            content.type = properties.has(AMQP_BASIC_TYPE_FLAG) ? String(properties.type) : nil
            content.headers = properties.textHeaders
            content.size = frame.payload.properties.body_size
            content.body.reserveCapacity(Int(min(frame.payload.properties.body_size, 1 << 20)))
            return finish(content, on: frame.channel)
        case AMQP_FRAME_BODY:
            guard var content = partial.removeValue(forKey: frame.channel), content.size != nil else {
                throw unexpected("a body without its header")
            }
            let fragment = frame.payload.body_fragment
            content.body.append(contentsOf: UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.len))
            return finish(content, on: frame.channel)
        default:
            return nil
        }
    }

    private func finish(_ content: PartialContent, on channel: amqp_channel_t) -> LinkEvent? {
        guard let size = content.size, UInt64(content.body.count) >= size else {
            partial[channel] = content
            return nil
        }
        partial[channel] = nil
        switch content.method {
        case .deliver(let consumerTag, let tag, let redelivered):
            return .delivered(
                ArrivedMessage(
                    consumerTag: consumerTag, tag: tag, redelivered: redelivered, exchange: content.exchange,
                    routingKey: content.routingKey, messageID: content.messageID, type: content.type,
                    headers: content.headers, body: content.body))
        case .giveBack(let code, let text):
            return .returned(
                reason: "\(code) \(text): exchange '\(content.exchange)' has no queue for '\(content.routingKey)'",
                exchange: content.exchange, routingKey: content.routingKey, messageID: content.messageID)
        }
    }

    private func read(_ method: amqp_method_t, on channel: amqp_channel_t) throws(BrokerError) -> LinkEvent? {
        guard let decoded = method.decoded else { throw unexpected("an empty method") }
        switch method.id {
        case AMQP_BASIC_ACK_METHOD:
            let ack = decoded.load(as: amqp_basic_ack_t.self)
            return .confirmed(tag: ack.delivery_tag, multiple: ack.multiple != 0)
        case AMQP_BASIC_NACK_METHOD:
            let nack = decoded.load(as: amqp_basic_nack_t.self)
            return .refused(tag: nack.delivery_tag, multiple: nack.multiple != 0)
        case AMQP_BASIC_RETURN_METHOD:
            let giveBack = decoded.load(as: amqp_basic_return_t.self)
            partial[channel] = PartialContent(
                method: .giveBack(code: giveBack.reply_code, text: String(giveBack.reply_text)),
                exchange: String(giveBack.exchange), routingKey: String(giveBack.routing_key))
            return nil
        case AMQP_BASIC_DELIVER_METHOD:
            let deliver = decoded.load(as: amqp_basic_deliver_t.self)
            partial[channel] = PartialContent(
                method: .deliver(
                    consumerTag: String(deliver.consumer_tag), tag: deliver.delivery_tag,
                    redelivered: deliver.redelivered != 0),
                exchange: String(deliver.exchange), routingKey: String(deliver.routing_key))
            return nil
        case AMQP_BASIC_CANCEL_METHOD:
            return .cancelled(consumerTag: String(decoded.load(as: amqp_basic_cancel_t.self).consumer_tag))
        case AMQP_CONNECTION_BLOCKED_METHOD:
            return .blocked(reason: String(decoded.load(as: amqp_connection_blocked_t.self).reason))
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            return .unblocked
        case AMQP_CONNECTION_CLOSE_METHOD, AMQP_CHANNEL_CLOSE_METHOD:
            throw closure(method, on: channel)
        default:
            return nil
        }
    }

    private func unexpected(_ what: String) -> BrokerError {
        .connectionLost(endpoint: address.endpoint, reason: "the broker sent \(what)")
    }
}
