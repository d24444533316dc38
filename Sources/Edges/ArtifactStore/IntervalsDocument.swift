package import FoundationEssentials

/// What happened when, in the shape of OpenShift's timelines (openshift/origin, `pkg/monitor/monitorapi`), whose viewers
/// look for `artifacts/**/e2e-timelines*.json`.
package struct IntervalsDocument: Hashable, Sendable, Codable {
    /// Ordered by their beginnings.
    package var items: [Item]

    package init(items: [Item]) {
        self.items = items.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    }

    package struct Item: Hashable, Sendable, Codable {
        /// Info, Warning or Error.
        package var level: String
        /// Shown from the beginning, or only when asked for.
        package var display: Bool
        /// Readers group by it.
        package var source: String
        package var locator: Locator
        package var message: Message
        package var from: Date
        package var to: Date

        package init(
            level: String = "Info", display: Bool = true, source: String, locator: Locator, message: Message,
            from: Date, to: Date
        ) {
            self.level = level
            self.display = display
            self.source = source
            self.locator = locator
            self.message = message
            self.from = from
            self.to = max(from, to)
        }
    }

    /// Whom it happened to: readers draw a lane for each.
    package struct Locator: Hashable, Sendable, Codable {
        package var type: String
        package var keys: [String: String]

        package init(type: String, keys: [String: String]) {
            self.type = type
            self.keys = keys
        }
    }

    package struct Message: Hashable, Sendable, Codable {
        package var reason: String
        package var cause: String
        package var humanMessage: String
        package var annotations: [String: String]

        package init(reason: String, cause: String = "", humanMessage: String, annotations: [String: String] = [:]) {
            self.reason = reason
            self.cause = cause
            self.humanMessage = humanMessage
            self.annotations = annotations
        }
    }

    /// As it stands in the store. Times keep their milliseconds, which most of them need.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(Self.style))
        }
        return Array(try encoder.encode(self))
    }

    package static func decode(_ bytes: [UInt8]) throws -> IntervalsDocument {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            if let date = (try? style.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text)) { return date }
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "'\(text.prefix(40))' is no time"))
        }
        return try decoder.decode(IntervalsDocument.self, from: Data(bytes))
    }

    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

extension IntervalsDocument {
    /// The source of what Slipway itself did for a run.
    package static let runSource = "SlipwayRun"

    /// Phases of a run, as `locator.keys["phase"]` names them.
    package enum Phase: String, Sendable, CaseIterable {
        /// Until it was given the resources that it needs.
        case lease
        /// Until its cluster had room.
        case wait
        /// In the cluster's queue, until an agent took it.
        case queue
        case clone, test, upload
    }
}
