/// A message to publish. The broker gets it with content type `application/json`.
package struct OutgoingMessage: Sendable, Hashable {
    package var exchange: String
    package var routingKey: String
    package var messageID: String
    package var type: String
    package var body: [UInt8]
    package var headers: [String: String]
    package var mandatory: Bool
    package var persistent: Bool

    /// The empty exchange routes to the queue that `routingKey` names. A mandatory message that no queue takes comes
    /// back as `.returned`. Exchange, routing key, id and type hold at most 255 bytes each (AMQP 0-9-1, short string).
    package init(
        exchange: String, routingKey: String, messageID: String, type: String, body: [UInt8],
        headers: [String: String] = [:], mandatory: Bool = false, persistent: Bool = true
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.messageID = messageID
        self.type = type
        self.body = body
        self.headers = headers
        self.mandatory = mandatory
        self.persistent = persistent
    }
}

/// What became of one published message.
package enum PublishOutcome: Sendable, Hashable {
    /// The broker took responsibility for it.
    case confirmed
    /// No queue took it, or it breaks a limit of the protocol; publishing it again unchanged changes nothing.
    case returned(reason: String)
    /// The broker refused responsibility; publish it again.
    case nacked
    /// The connection ended before the confirm, or there was none: the message may or may not be in its queues.
    case unknown(String)
}

/// A message as a consumer got it. It stays unacknowledged until `ack`, `nack` or the end of the connection.
package struct Delivery: Sendable, Hashable {
    /// The delivery's number within its channel.
    package let tag: UInt64
    /// The incarnation of the consumer's connection; acknowledgements of an earlier one are ignored.
    package let epoch: Int
    package let queue: String
    package let exchange: String
    package let routingKey: String
    package let messageID: String?
    package let type: String?
    package let body: [UInt8]
    /// Headers of the message, numbers and flags as text; nested tables are left out.
    package let headers: [String: String]
    package let redelivered: Bool
    /// How often it was delivered before and came back (a quorum queue's `x-delivery-count`); 0 at first.
    package let deliveryCount: Int
}
