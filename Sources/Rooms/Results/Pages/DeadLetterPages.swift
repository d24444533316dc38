import Fleet
import FoundationEssentials
import SlipwayModel
import Web

/// `/dead-letters` and `/dead-letters/<id>`: messages that were given up, to be replayed or discarded.
struct DeadLetterPages {
    let letters: DeadLetters

    static let rows = 200

    func list(now: Date) async throws -> [String: PageValue] {
        let found = try await letters.list(limit: Self.rows)
        return [
            "letters": .objects(found.map { Self.values($0, now: now) }),
            "isEmpty": .flag(found.isEmpty), "emptyText": .text(ResultsText.noDeadLetters),
        ]
    }

    func letter(_ id: Int64, context: SlipwayContext, now: Date) async throws -> [String: PageValue] {
        guard let (letter, body) = try await letters.show(id) else {
            throw WebError.notFound(ResultsText.noSuchDeadLetter(id))
        }
        var values = Self.values(letter, now: now)
        values["body"] = .text(Self.readable(body))
        values["messageID"] = .text(letter.messageID.lowercased)
        values["canWrite"] = .flag(context.allows(.fleetWrite))
        values["isSignedIn"] = .flag(context.identity != nil)
        values["loginPath"] = .text("/login" + Link.query([("next", "/dead-letters/\(id)")]))
        return values
    }

    private static func values(_ letter: DeadLetter, now: Date) -> [String: PageValue] {
        [
            "id": .number(letter.id), "path": .text("/dead-letters/\(letter.id)"), "consumer": .text(letter.consumer),
            "type": .text(letter.type), "subject": .text(letter.subject),
            "subjectPath": .optional(subjectPath(letter.subject)),
            "reason": .text(letter.reason.prefixOfBytes(2000)),
            "attempts": .text(letter.attempts == 1 ? "1 try" : "\(letter.attempts) tries"),
            "age": .markup(.age(letter.diedAt, now: now)),
            "replayPath": .text("/dead-letters/\(letter.id)/replay"),
            "discardPath": .text("/dead-letters/\(letter.id)/discard"),
        ]
    }

    /// The page of a run, where a run is what the message is about.
    private static func subjectPath(_ subject: String) -> String? {
        guard subject.hasPrefix("run/"), let run = RunID(String(subject.dropFirst(4))) else { return nil }
        return "/runs/\(run)"
    }

    /// Indented JSON, or the text as it is.
    static func readable(_ body: [UInt8]) -> String {
        guard let value = try? JSONDecoder().decode(JSONValue.self, from: Data(body)) else {
            return String(decoding: body.prefix(64 << 10), as: UTF8.self)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}
