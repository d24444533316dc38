package import FoundationEssentials

/// An instant as forges write it: ISO 8601 text, or (in push deliveries) Unix seconds. Written as ISO 8601 in UTC.
package struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package let date: Date

    package init(_ date: Date) { self.date = date }

    /// The current time, cut to whole seconds as forges show it.
    package static func now() -> Timestamp {
        Timestamp(Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)))
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let seconds = try? container.decode(Double.self) {
            date = Date(timeIntervalSince1970: seconds)
            return
        }
        let text = try container.decode(String.self)
        let plain = Date.ISO8601FormatStyle()
        guard
            let parsed = (try? plain.parse(text))
                ?? (try? plain.year().month().day().time(includingFractionalSeconds: true).timeZone(separator: .colon)
                    .parse(text))
        else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is neither an ISO 8601 time nor Unix seconds")
        }
        date = parsed
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// Whole Unix milliseconds.
    package var milliseconds: Int64 { Int64((date.timeIntervalSince1970 * 1000).rounded()) }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.date < right.date }
    package var description: String { date.formatted(Date.ISO8601FormatStyle()) }
}
