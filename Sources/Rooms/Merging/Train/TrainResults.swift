import FoundationEssentials

/// Passes by tree and job hash, those of the last trees that were tested.
struct TrainResults: Hashable, Sendable, Codable {
    private struct Key: Hashable, Codable {
        var tree: String
        var job: String
    }

    private static let limit = 500
    private var keys: [Key] = []
    private var passes: Set<Key> = []

    func contains(tree: String, job: String) -> Bool { passes.contains(Key(tree: tree, job: job)) }

    mutating func insert(tree: String, job: String) {
        let key = Key(tree: tree, job: job)
        guard passes.insert(key).inserted else { return }
        keys.append(key)
        if keys.count > Self.limit {
            passes.subtract(keys.prefix(Self.limit / 2))
            keys.removeFirst(Self.limit / 2)
        }
    }
}
