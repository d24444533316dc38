package import FoundationEssentials

/// A cron expression in UTC, read as robfig/cron v2 (Prow's) reads it.
///
/// Five fields (minute, hour, day of month, month, day of week) with optional seconds before them; lists, ranges,
/// steps, `*`, `?`, English names of months and days; `@yearly`, `@annually`, `@monthly`, `@weekly`, `@daily`,
/// `@midnight`, `@hourly`, `@every 90m`. Where both days are restricted, either may match; where one of them begins
/// with a star (also `*/2`), both have to.
package struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// As written.
    package let description: String
    private let rule: Rule

    private enum Rule: Hashable {
        case fields(CronFields)
        case every(seconds: Double)
    }

    package init(_ text: String) throws(CronError) {
        description = text
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        if let first = words.first, first.hasPrefix("@") {
            rule = try CronExpression.descriptor(words, text)
        } else {
            rule = .fields(try CronFields(words, text))
        }
    }

    /// Whether any date matches. Some write 31 February to keep a job that never runs by itself.
    package var isEverDue: Bool { next(after: CronExpression.reference) != nil }

    /// The first instant after the given one; nil where none comes within 40 years.
    package func next(after date: Date) -> Date? {
        let second = Int64(date.timeIntervalSince1970.rounded(.down))
        switch rule {
        case .every(let seconds): return Date(timeIntervalSince1970: Double(second) + seconds)
        case .fields(let fields):
            return fields.next(after: second).map { Date(timeIntervalSince1970: Double($0)) }
        }
    }

    /// Any instant serves to find out whether a date can match at all: 2001-01-01.
    private static let reference = Date(timeIntervalSince1970: 978_307_200)

    private static let descriptors = [
        "@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *", "@weekly": "0 0 0 * * 0",
        "@daily": "0 0 0 * * *", "@midnight": "0 0 0 * * *", "@hourly": "0 0 * * * *",
    ]

    private static func descriptor(_ words: [String], _ text: String) throws(CronError) -> Rule {
        if words[0] == "@every" {
            guard words.count == 2, let seconds = GoDuration.seconds(words[1]), seconds >= 1 else {
                throw CronError(
                    expression: text, reason: "@every takes one duration of at least a second, e.g. '@every 90m'")
            }
            return .every(seconds: seconds.rounded(.down))
        }
        guard words.count == 1, let fields = descriptors[words[0]] else {
            let known = descriptors.keys.sorted().joined(separator: ", ")
            throw CronError(expression: text, reason: "the descriptors are \(known) and @every DURATION")
        }
        return .fields(try CronFields(fields.split(separator: " ").map(String.init), text))
    }
}

extension CronExpression: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            try self.init(try container.decode(String.self))
        } catch let error as CronError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// Why a cron expression cannot be used.
package struct CronError: Error, Hashable, CustomStringConvertible {
    package let expression: String
    package let reason: String

    package var description: String { "'\(expression.prefix(200))' is not a cron expression: \(reason)" }
}
