import FoundationEssentials
import JSONCoding
package import SlipwayModel

/// A message as it arrived: what it is about, and its JSON.
package struct Message: Sendable {
    package let envelope: Envelope
    /// The whole JSON document, envelope and data.
    package let body: [UInt8]

    /// The messages that travelled as one: one, or those of a parcel.
    package static func all(in body: [UInt8]) throws -> [Message] {
        try Arrival(body: body).messages
    }

    package init(body: [UInt8]) throws {
        self.body = body
        do {
            envelope = try Wire.reader.read(Envelope.self, from: body)
        } catch {
            throw PermanentFailure("the message is not a JSON document with an envelope: \(error)")
        }
    }

    /// The payload as `E`.
    ///
    /// - Throws: `RetryLater` for a version newer than this process knows (an upgrade is under way), and
    ///   `PermanentFailure` for another type or a malformed payload.
    package func decode<E: Event>(_ type: E.Type = E.self) throws -> E {
        try decode(type, only: E.self)
    }

    /// A part of the payload: the fields of `E` that `Part` names. Of a long event that is a fraction of the work.
    ///
    /// - Throws: as `decode`.
    package func decode<E: Event, Part: Decodable>(_ type: E.Type, only part: Part.Type) throws -> Part {
        guard envelope.type == E.type else {
            throw PermanentFailure("a message of type \(envelope.type) was read as \(E.type)")
        }
        guard envelope.version <= E.version else {
            throw RetryLater(
                "\(envelope.type) has version \(envelope.version), this process reads up to \(E.version)",
                after: .seconds(30))
        }
        do {
            return try Wire.reader.read(Wire.Payload<Part>.self, from: body).data
        } catch {
            throw PermanentFailure("the payload of \(envelope.type) \(envelope.id.lowercased) is malformed: \(error)")
        }
    }
}

/// The JSON of messages: the envelope's fields beside `data`. Dates are seconds since 1970, to the microsecond.
enum Wire {
    struct Payload<Part: Decodable>: Decodable {
        let data: Part
    }

    private struct Document<E: Event>: Encodable {
        let envelope: Envelope
        let data: E

        private enum CodingKeys: CodingKey { case data }

        func encode(to encoder: any Encoder) throws {
            try envelope.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(data, forKey: .data)
        }
    }

    static let reader = JSONReader(dates: .secondsSince1970)
    private static let writer = JSONWriter(dates: .secondsSince1970)

    static func encode<E: Event>(_ event: E, envelope: Envelope) throws -> [UInt8] {
        try writer.write(Document(envelope: envelope, data: event))
    }
}

extension Envelope {
    /// The envelope of a new message about `event`, in the trace that the current task works for.
    package init<E: Event>(for event: E) { self.init(for: event, at: Date(), in: TraceContext.current) }

    init<E: Event>(for event: E, at time: Date, in trace: TraceContext?) {
        self.init(
            type: E.type, version: E.version, subject: event.subject, subjectVersion: event.subjectVersion, time: time,
            traceparent: trace?.child().description)
    }
}
