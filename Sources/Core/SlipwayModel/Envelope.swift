package import FoundationEssentials

/// A payload that travels as a message. Its type names what happened and the version of its shape.
package protocol Event: Codable, Sendable {
    /// The routing key, e.g. `run.finished`.
    static var type: String { get }
    /// Grows when the shape changes in a way that older readers cannot follow.
    static var version: Int { get }
    /// What the event is about; consumers compare `subjectVersion` only between events of one subject.
    var subject: String { get }
    /// Grows with each change of the subject; order of arrival is never promised.
    var subjectVersion: Int64 { get }
}

extension Event {
    package static var version: Int { 1 }
    package var subjectVersion: Int64 { 0 }
}

/// What is known of a message before its payload is read.
package struct Envelope: Hashable, Sendable, Codable {
    package var id: UUID
    package var type: String
    package var version: Int
    package var subject: String
    package var subjectVersion: Int64
    package var time: Date
    package var traceparent: String?

    package init(
        id: UUID = .version7(), type: String, version: Int, subject: String, subjectVersion: Int64, time: Date = Date(),
        traceparent: String? = nil
    ) {
        self.id = id
        self.type = type
        self.version = version
        self.subject = subject
        self.subjectVersion = subjectVersion
        self.time = time
        self.traceparent = traceparent
    }

    enum CodingKeys: String, CodingKey {
        case id, type, version, subject, time, traceparent
        case subjectVersion = "subject_version"
    }
}

/// W3C trace context (`traceparent`), the part that ties a delivery to everything it causes.
package struct TraceContext: Hashable, Sendable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits, not all zero.
    package let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero.
    package let spanID: String

    /// A new trace.
    package init() {
        traceID = UUID.version7().lowercased.filter { $0 != "-" }
        spanID = TraceContext.newSpanID()
    }

    init(traceID: String, spanID: String) {
        self.traceID = traceID
        self.spanID = spanID
    }

    /// Parses a `traceparent` header; nil where it is malformed (a new trace begins then).
    package init?(_ traceparent: String) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, parts[0] != "ff", parts[1].utf8.count == 32,
            parts[2].utf8.count == 16, parts[1].allSatisfy(TraceContext.isLowerHex),
            parts[2].allSatisfy(TraceContext.isLowerHex), parts[1].contains(where: { $0 != "0" }),
            parts[2].contains(where: { $0 != "0" })
        else { return nil }
        traceID = String(parts[1])
        spanID = String(parts[2])
    }

    /// The same trace, a new span.
    package func child() -> TraceContext { TraceContext(traceID: traceID, spanID: TraceContext.newSpanID()) }

    package var description: String { "00-\(traceID)-\(spanID)-01" }

    private static func newSpanID() -> String {
        let hex = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex
    }

    private static func isLowerHex(_ character: Character) -> Bool {
        ("0"..."9").contains(character) || ("a"..."f").contains(character)
    }

    /// The trace that the current task works for.
    @TaskLocal package static var current: TraceContext?
}
