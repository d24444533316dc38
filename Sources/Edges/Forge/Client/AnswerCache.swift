import Synchronization

/// Answers with their ETags. A question whose answer is here is asked with it, and a 304 costs no rate. Bounded; what
/// was used least recently goes first.
final class AnswerCache: Sendable {
    private struct Entry {
        var answer: ForgeAnswer
        var lastUse: Int
    }

    private struct Content {
        var entries: [String: Entry] = [:]
        var bytes = 0
        var uses = 0
    }

    /// Bytes of bodies kept in all, and of a single one.
    private let limit: Int
    private let entryLimit: Int
    private let content = Mutex(Content())

    init(limit: Int = 8 << 20, entryLimit: Int = 512 << 10) {
        self.limit = limit
        self.entryLimit = entryLimit
    }

    var bytes: Int { content.withLock { $0.bytes } }

    subscript(key: String) -> ForgeAnswer? {
        content.withLock { content in
            guard content.entries[key] != nil else { return nil }
            content.uses += 1
            content.entries[key]?.lastUse = content.uses
            return content.entries[key]?.answer
        }
    }

    func store(_ answer: ForgeAnswer, for key: String) {
        guard answer.etag != nil, answer.body.count <= entryLimit else { return remove(key) }
        content.withLock { content in
            content.bytes += answer.body.count - (content.entries[key]?.answer.body.count ?? 0)
            content.uses += 1
            content.entries[key] = Entry(answer: answer, lastUse: content.uses)
            guard content.bytes > limit else { return }
            // A quarter at once, so that a full cache does not look for its oldest entry at every answer.
            for (key, entry) in content.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
                guard content.bytes > limit * 3 / 4 else { return }
                content.entries[key] = nil
                content.bytes -= entry.answer.body.count
            }
        }
    }

    func remove(_ key: String) {
        content.withLock { content in
            guard let entry = content.entries.removeValue(forKey: key) else { return }
            content.bytes -= entry.answer.body.count
        }
    }
}
