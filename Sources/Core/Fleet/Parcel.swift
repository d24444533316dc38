import AMQP
import SlipwayModel

/// Events of one type that committed together travel as one message, a JSON array of their documents: a burst then
/// costs the broker a fraction of what its events would. Each event keeps its own id, row, retries and death.
///
/// Signals to a cluster's queue are never packed: whoever takes one has room for one.
struct Parcel {
    /// A consumer's batch is some hundred events, and other workers want their share of a burst.
    static let maximumEvents = 50
    /// As for a message of one event.
    static let maximumBytes = 60_000

    private var events: [StoredEvent] = []
    private var bytes = 0

    /// The events in as few messages as the bounds allow, in the order of their first ones.
    static func pack(_ events: [StoredEvent], to topology: FleetTopology) -> [OutgoingMessage] {
        var parcels: [Parcel] = []
        var open: [String: Int] = [:]
        for event in events {
            if let index = open[event.type], parcels[index].takes(event) {
                parcels[index].add(event)
                continue
            }
            open[event.type] = parcels.count
            var parcel = Parcel()
            parcel.add(event)
            parcels.append(parcel)
        }
        return parcels.map { $0.message(to: topology) }
    }

    private func takes(_ event: StoredEvent) -> Bool {
        events.count < Self.maximumEvents && bytes + event.body.count < Self.maximumBytes
    }

    private mutating func add(_ event: StoredEvent) {
        events.append(event)
        bytes += event.body.count + 1
    }

    private func message(to topology: FleetTopology) -> OutgoingMessage {
        let first = events[0]
        return OutgoingMessage(
            exchange: topology.events, routingKey: first.type, messageID: first.messageID.lowercased, type: first.type,
            body: events.count == 1 ? first.body : array)
    }

    private var array: [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(bytes + 2)
        for event in events {
            body.append(body.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
            body += event.body
        }
        body.append(UInt8(ascii: "]"))
        return body
    }

    /// The documents of a message: its body, or the elements of the array that it is. What is no array is not looked
    /// into; neither are the elements.
    static func documents(in body: [UInt8]) -> [ArraySlice<UInt8>] {
        guard body.first == UInt8(ascii: "[") else { return [body[...]] }
        var documents: [ArraySlice<UInt8>] = []
        var start = 1
        var depth = 0
        var isText = false
        var isEscaped = false
        for (position, byte) in body.enumerated() {
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth == 0 { documents.append(body[start..<position]) }
            case UInt8(ascii: ",") where depth == 1:
                documents.append(body[start..<position])
                start = position + 1
            default: break
            }
        }
        // An array that does not end is no list of documents.
        return depth == 0 ? documents : [body[...]]
    }
}
