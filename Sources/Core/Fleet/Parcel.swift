import AMQP
import FoundationEssentials
import SlipwayModel

/// Events of one type that committed together: one row of the outbox for each worker that hears them, and one message. A
/// burst then costs the database and the broker a fraction of what its events would. A parcel that fails is taken apart,
/// so that each event has retries and a death of its own.
///
/// As JSON it is the document of its only event, or an array: its id, then the documents. The id of several is none of
/// theirs, so that a message which comes again after it was taken apart finds nothing.
///
/// Signals to a cluster's queue are never packed: whoever takes one has room for one.
struct Parcel: Sendable {
    /// A consumer's batch is some hundred events, and other workers want their share of a burst.
    static let maximumEvents = 50
    /// As for a message of one event.
    static let maximumBytes = 60_000

    let id: UUID
    let type: String
    let notBefore: Date?
    /// How many events it holds.
    let events: Int
    let body: [UInt8]

    /// The events in as few parcels as the bounds allow, in the order of their first ones. What is held back goes alone.
    static func pack(_ events: [StoredEvent]) -> [Parcel] {
        var groups: [[StoredEvent]] = []
        var open: [String: (index: Int, bytes: Int)] = [:]
        for event in events {
            guard event.notBefore == nil else {
                groups.append([event])
                continue
            }
            var place = open[event.type] ?? (groups.count, 0)
            if place.index < groups.count,
                groups[place.index].count == maximumEvents || place.bytes + event.body.count > maximumBytes
            {
                place = (groups.count, 0)
            }
            if place.index == groups.count { groups.append([]) }
            groups[place.index].append(event)
            place.bytes += event.body.count + 1
            open[event.type] = place
        }
        return groups.map(Parcel.init)
    }

    private init(_ group: [StoredEvent]) {
        let first = group[0]
        type = first.type
        notBefore = first.notBefore
        events = group.count
        guard group.count > 1 else {
            id = first.messageID
            body = first.body
            return
        }
        id = .version7()
        var array = Array("[\"\(id.lowercased)\"".utf8)
        array.reserveCapacity(group.reduce(array.count + 1) { $0 + 1 + $1.body.count })
        for event in group {
            array.append(UInt8(ascii: ","))
            array += event.body
        }
        array.append(UInt8(ascii: "]"))
        body = array
    }

    func message(to topology: FleetTopology) -> OutgoingMessage {
        OutgoingMessage(
            exchange: topology.events, routingKey: type, messageID: id.lowercased, type: type, body: body)
    }

    /// The elements of an array; nil for what is none. They are not looked into.
    static func elements(of body: [UInt8]) -> [ArraySlice<UInt8>]? {
        guard body.first == UInt8(ascii: "[") else { return nil }
        var elements: [ArraySlice<UInt8>] = []
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
                if depth == 0 { elements.append(body[start..<position]) }
            case UInt8(ascii: ",") where depth == 1:
                elements.append(body[start..<position])
                start = position + 1
            default: break
            }
        }
        return depth == 0 ? elements : nil
    }
}

/// A parcel as it came.
struct Arrival: Sendable {
    /// Of its row in the outbox.
    let id: UUID
    let messages: [Message]

    /// - Throws: `PermanentFailure` for what no parcel is.
    init(body: [UInt8]) throws {
        guard var elements = Parcel.elements(of: body) else {
            messages = [try Message(body: body)]
            id = messages[0].envelope.id
            return
        }
        let first = elements.removeFirst()
        let text = String(decoding: first.dropFirst().dropLast(), as: UTF8.self)
        guard first.count == 38, let id = UUID(uuidString: text) else {
            throw PermanentFailure("the message is an array that does not begin with the id of a parcel")
        }
        self.id = id
        messages = try elements.map { try Message(body: Array($0)) }
    }

    /// An event by itself.
    init(_ message: Message) {
        id = message.envelope.id
        messages = [message]
    }
}
