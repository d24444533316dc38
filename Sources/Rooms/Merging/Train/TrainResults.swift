/// The jobs that passed, by tree: the last trees that were tested, so that a stored train stays small.
struct TrainResults: Hashable, Sendable, Codable {
    private struct Entry: Hashable, Codable {
        var tree: String
        var jobs: Set<String>
    }

    private static let limit = 20
    private var entries: [Entry] = []

    func contains(tree: String, job: String) -> Bool {
        entries.contains { $0.tree == tree && $0.jobs.contains(job) }
    }

    mutating func insert(tree: String, job: String) {
        if let index = entries.lastIndex(where: { $0.tree == tree }) {
            entries[index].jobs.insert(job)
        } else {
            entries.append(Entry(tree: tree, jobs: [job]))
            if entries.count > Self.limit { entries.removeFirst() }
        }
    }
}
