import FoundationEssentials
import SlipwayModel
import Synchronization

/// What the workers of one process do now: told with its membership, shown on the page about the fleet.
package final class Activity: Sendable {
    private struct Entry {
        /// Messages in hand by type; empty while there is none.
        var handling: [String: Int] = [:]
        var handled = 0
        var last: String?
    }

    private let entries = Mutex<[String: Entry]>([:])

    package init() {}

    /// A worker that has not handled anything yet.
    package func begin(_ worker: String) { entries.withLock { $0[worker] = $0[worker] ?? Entry() } }

    func begin(_ worker: String, handling messages: [Message]) {
        var types: [String: Int] = [:]
        for message in messages { types[message.envelope.type, default: 0] += 1 }
        entries.withLock { [types] in $0[worker, default: Entry()].handling = types }
    }

    func end(_ worker: String, handled messages: [Message]) {
        entries.withLock { entries in
            var entry = entries[worker] ?? Entry()
            entry.handling = [:]
            entry.handled += messages.count
            entry.last = messages.last?.envelope.type ?? entry.last
            entries[worker] = entry
        }
    }

    /// A JSON object by worker: `{"handling": {"run.requested": 3}, "handled": 1204, "last": "run.requested"}`.
    package var json: String {
        let workers = entries.withLock { $0 }.mapValues { entry in
            JSONValue.object([
                "handling": .object(entry.handling.mapValues { .integer(Int64($0)) }),
                "handled": .integer(Int64(entry.handled)), "last": entry.last.map(JSONValue.string) ?? .null,
            ])
        }
        let data = try? JSONEncoder().encode(JSONValue.object(workers))
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
