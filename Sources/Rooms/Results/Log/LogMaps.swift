import ArtifactStore
package import SlipwayModel

/// Maps of the logs that were looked at last. The map of a live log grows from where it ended.
package actor LogMaps {
    private struct Entry {
        var map: LogMap
        var isWhole: Bool
        var findsFailure: Bool
        var used: Int
    }

    private var entries: [BuildID: Entry] = [:]
    private var clock = 0
    private let capacity: Int

    /// - Parameter capacity: maps that are kept; each takes eight bytes per 256 lines.
    package init(capacity: Int = 64) { self.capacity = capacity }

    /// The map of a log as it is now.
    /// - Parameter findsFailure: also look for the failing line.
    package func map(
        of build: BuildID, content: RunLog.Content, findsFailure: Bool
    ) async throws -> LogMap {
        clock += 1
        if var entry = entries[build], entry.isWhole == content.isWhole, entry.findsFailure || !findsFailure,
            entry.map.size == content.file.size
        {
            entry.used = clock
            entries[build] = entry
            return entry.map
        }
        var map = LogMap(findsFailure: findsFailure)
        if let entry = entries[build], !entry.isWhole, !content.isWhole, entry.findsFailure == findsFailure,
            entry.map.size <= content.file.size
        {
            map = entry.map
        }
        for try await piece in content.file.pieces(of: map.size..<content.file.size, size: 256 << 10) {
            map.feed(piece)
        }
        entries[build] = Entry(map: map, isWhole: content.isWhole, findsFailure: findsFailure, used: clock)
        if entries.count > capacity, let oldest = entries.min(by: { $0.value.used < $1.value.used })?.key {
            entries[oldest] = nil
        }
        return map
    }
}
