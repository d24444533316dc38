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
