/// What a connection declares before it publishes or consumes; declaring what exists already changes nothing.
package struct Topology: Sendable, Hashable {
    package var exchanges: [Exchange]
    package var queues: [QueueDeclaration]
    package var bindings: [Binding]

    /// Declared in this order: exchanges, queues, bindings.
    package init(exchanges: [Exchange] = [], queues: [QueueDeclaration] = [], bindings: [Binding] = []) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }

    /// Adds what `other` declares and this one does not.
    package mutating func merge(_ other: Topology) {
        exchanges += other.exchanges.filter { !exchanges.contains($0) }
        queues += other.queues.filter { !queues.contains($0) }
        bindings += other.bindings.filter { !bindings.contains($0) }
    }
}

/// A durable exchange.
package struct Exchange: Sendable, Hashable {
    /// How an exchange chooses queues.
    package enum Kind: String, Sendable {
        case topic, direct, fanout
    }

    package let name: String
    package let kind: Kind

    /// A durable exchange, of kind topic unless told otherwise.
    package init(name: String, kind: Kind = .topic) {
        self.name = name
        self.kind = kind
    }
}

/// A queue as the broker shall know it.
package struct QueueDeclaration: Sendable, Hashable {
    /// How a queue keeps its messages.
    package enum Kind: String, Sendable {
        /// Durable and replicated; the messages survive broker and consumer.
        case quorum
        /// A classic queue of one connection, gone with it.
        case exclusive
    }

    /// A value of the queue's `x-…` arguments.
    package enum Argument: Sendable, Hashable {
        case text(String)
        case integer(Int64)
        case flag(Bool)
    }

    package let name: String
    package let kind: Kind
    package let arguments: [String: Argument]

    /// `arguments` go to the broker beside `x-queue-type`, which the kind decides.
    package init(name: String, kind: Kind = .quorum, arguments: [String: Argument] = [:]) {
        self.name = name
        self.kind = kind
        self.arguments = arguments
    }
}

/// What an exchange routes into a queue.
package struct Binding: Sendable, Hashable {
    package let queue: String
    package let exchange: String
    package let routingKey: String

    /// A topic exchange reads `*` as one word and `#` as any number of words.
    package init(queue: String, exchange: String, routingKey: String) {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
    }
}
