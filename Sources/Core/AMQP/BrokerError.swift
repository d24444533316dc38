/// Why the broker could not be used. Descriptions name host, port and virtual host, never the password.
package enum BrokerError: Error, Sendable, Hashable {
    /// The URL cannot be read.
    case invalidAddress(String)
    /// No connection: refused, unknown host, time-out.
    case unreachable(endpoint: String, reason: String)
    /// The broker does not accept user and password.
    case authenticationRefused(endpoint: String, user: String)
    /// The virtual host does not exist, or the user may not enter it.
    case virtualHostRefused(endpoint: String, user: String, text: String)
    /// The certificate or its host name could not be verified.
    case untrusted(endpoint: String, reason: String)
    /// What is declared contradicts what exists; `text` is the broker's sentence on what differs.
    case conflict(endpoint: String, subject: String, text: String)
    /// The broker closed the channel or connection; code and text are its own (AMQP 0-9-1, reply codes).
    case closedByBroker(endpoint: String, code: Int, text: String)
    /// The queue is there and does not answer: its replicas have no majority, or lost their state.
    case queueUnavailable(endpoint: String, queue: String)
    /// The connection ended.
    case connectionLost(endpoint: String, reason: String)
    /// `close()` was called before.
    case closed
}

extension BrokerError {
    /// Whether only an operator can change it: waiting does not help.
    package var isPermanent: Bool {
        switch self {
        case .invalidAddress, .authenticationRefused, .virtualHostRefused, .untrusted, .conflict, .closed: true
        // 403: the user lacks a permission on what it declares or consumes.
        case .closedByBroker(_, let code, _): code == 403
        case .unreachable, .queueUnavailable, .connectionLost: false
        }
    }
}

extension BrokerError {
    /// What was wrong, for a sentence that names the endpoint itself.
    var reason: String {
        if case .unreachable(_, let reason) = self { reason } else { description }
    }
}

extension BrokerError: CustomStringConvertible {
    /// What was wrong, where, and what to do.
    package var description: String {
        switch self {
        case .invalidAddress(let problem):
            "the broker's URL is not valid: \(problem); write it as amqp://user:password@host:port/vhost"
        case .unreachable(let endpoint, let reason):
            "cannot reach RabbitMQ at \(endpoint): \(reason); start it, or correct AMQP_URL"
        case .authenticationRefused(let endpoint, let user):
            "RabbitMQ at \(endpoint) refused user '\(user)' or its password; correct them in AMQP_URL"
        case .virtualHostRefused(let endpoint, let user, let text):
            "RabbitMQ at \(endpoint) did not let user '\(user)' into the virtual host: \(text); create it and grant "
                + "the user access, or correct AMQP_URL"
        case .untrusted(let endpoint, let reason):
            "the TLS certificate of RabbitMQ at \(endpoint) is not to be trusted: \(reason); name the authority with "
                + "?cacertfile= or the host as the certificate does"
        case .conflict(let endpoint, let subject, let text):
            "RabbitMQ at \(endpoint) already has \(subject) with other properties: \(text); delete it, or use another "
                + "virtual host"
        case .closedByBroker(let endpoint, let code, let text):
            "RabbitMQ at \(endpoint) closed the channel or connection: \(code) \(text)"
        case .queueUnavailable(let endpoint, let queue):
            "queue '\(queue)' of RabbitMQ at \(endpoint) does not answer: look for nodes that are down"
        case .connectionLost(let endpoint, let reason):
            "the connection to RabbitMQ at \(endpoint) was lost: \(reason)"
        case .closed:
            "this broker client was closed"
        }
    }
}
