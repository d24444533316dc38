/// Calls to publish and how far each has come: not yet sent, sent and unconfirmed, answered. Messages of all calls
/// share the window, in the order the calls came.
struct ConfirmWindow {
    /// RabbitMQ reaches its full rate with some hundred unconfirmed messages; more only costs memory on loss.
    static let limit = 500

    typealias Answer = CheckedContinuation<[PublishOutcome], Never>

    private struct Call {
        let messages: [OutgoingMessage]
        let answer: Answer
        var sent = 0
        var missing: Int
        var outcomes: [PublishOutcome?]
    }

    private struct Flight {
        let call: Int
        let index: Int
        let exchange: String
        let routingKey: String
        let messageID: String
        var returned: String?
    }

    private var calls: [Int: Call] = [:]
    private var lastCall = 0
    /// Calls with messages not yet sent.
    private var queue: [Int] = []
    private var flights: [UInt64: Flight] = [:]
    /// Every unconfirmed delivery tag is at least `oldest` and at most `newest`.
    private var oldest: UInt64 = 1
    private var newest: UInt64 = 0

    /// Messages sent that the broker has not answered for.
    var unconfirmed: Int { flights.count }

    mutating func makeCallID() -> Int {
        lastCall += 1
        return lastCall
    }

    mutating func add(_ messages: [OutgoingMessage], call: Int, answer: Answer) {
        calls[call] = Call(
            messages: messages, answer: answer, missing: messages.count,
            outcomes: Array(repeating: nil, count: messages.count))
        queue.append(call)
    }

    /// The message to send next, while the window has room; `nil` otherwise.
    var next: OutgoingMessage? {
        guard unconfirmed < Self.limit, let first = queue.first, let call = calls[first] else { return nil }
        return call.messages[call.sent]
    }

    /// `next` goes to the broker; the broker counts it from 1 on each channel.
    mutating func send() {
        guard let (call, index, message) = takeNext() else { return }
        newest += 1
        flights[newest] = Flight(
            call: call, index: index, exchange: message.exchange, routingKey: message.routingKey,
            messageID: message.messageID)
    }

    /// `next` does not go to the broker.
    mutating func skip(_ outcome: PublishOutcome) {
        guard let (call, index, _) = takeNext() else { return }
        settle(call, index, outcome)
    }

    /// A message came back; its confirm follows.
    mutating func giveBack(_ reason: String, exchange: String, routingKey: String, messageID: String?) {
        guard oldest <= newest else { return }
        for tag in oldest...newest {
            guard let flight = flights[tag], flight.returned == nil, flight.exchange == exchange,
                flight.routingKey == routingKey, flight.messageID == messageID
            else { continue }
            flights[tag]?.returned = reason
            return
        }
    }

    /// The broker's answer for one message, or for all up to it.
    mutating func conclude(_ tag: UInt64, multiple: Bool, _ outcome: PublishOutcome) {
        guard oldest <= tag, tag <= newest else { return }
        for tag in multiple ? oldest...tag : tag...tag {
            guard let flight = flights.removeValue(forKey: tag) else { continue }
            settle(flight.call, flight.index, flight.returned.map(PublishOutcome.returned) ?? outcome)
        }
        while oldest <= newest, flights[oldest] == nil { oldest += 1 }
    }

    /// The channel ended: what was sent gets the outcome that `outcome` gives for its exchange; the count begins anew.
    mutating func endChannel(_ outcome: (_ exchange: String) -> PublishOutcome) {
        let ended = flights
        flights = [:]
        (oldest, newest) = (1, 0)
        for flight in ended.values {
            settle(flight.call, flight.index, flight.returned.map(PublishOutcome.returned) ?? outcome(flight.exchange))
        }
    }

    /// Answers every call now: what was not sent with `unsent`.
    mutating func answerAll(unsent: PublishOutcome, sent: PublishOutcome) {
        for call in calls.keys.sorted() { answer(call, unsent: unsent, sent: sent) }
    }

    /// Answers one call now; what the broker still says of its messages is nobody's concern.
    mutating func answer(_ id: Int, unsent: PublishOutcome, sent: PublishOutcome) {
        guard let call = calls.removeValue(forKey: id) else { return }
        queue.removeAll { $0 == id }
        let outcomes = call.outcomes.enumerated().map { index, outcome in
            outcome ?? (index < call.sent ? sent : unsent)
        }
        call.answer.resume(returning: outcomes)
    }

    private mutating func takeNext() -> (call: Int, index: Int, message: OutgoingMessage)? {
        guard let id = queue.first, let call = calls[id] else { return nil }
        calls[id]?.sent += 1
        if call.sent + 1 == call.messages.count { queue.removeFirst() }
        return (id, call.sent, call.messages[call.sent])
    }

    private mutating func settle(_ id: Int, _ index: Int, _ outcome: PublishOutcome) {
        guard calls[id] != nil else { return }
        calls[id]?.outcomes[index] = outcome
        calls[id]?.missing -= 1
        if calls[id]?.missing == 0 { answer(id, unsent: outcome, sent: outcome) }
    }
}
