import FoundationEssentials
import SlipwayModel
import Web

/// What the failed runs of a job have in common: the tests that failed in them, and what was said of those in which no
/// test failed.
struct FailureClusters {
    let store: ResultsStore

    /// Clusters that are shown.
    private static let rows = 10

    /// - Parameter runs: of one job, newest first.
    func values(_ runs: [RunSummary], now: Date) async throws -> [String: PageValue] {
        let ended = runs.filter { [.success, .failure, .error].contains($0.state) }
        let byBuild = Dictionary(ended.map { ($0.buildID, $0) }) { first, _ in first }
        let tests = try await store.failureClusters(of: ended.map(\.buildID), limit: Self.rows)
        let counts = try await store.failureCounts(of: ended.map(\.buildID))
        let testless = ended.filter { $0.state != .success && (counts[$0.buildID]?.failed ?? 0) == 0 }
        let sentences = Self.sentences(testless)
        let failed = ended.count { $0.state != .success }
        var rows: [[String: PageValue]] = tests.map { cluster in
            let run = byBuild[cluster.lastBuild]
            let counts = [
                cluster.failed > 0 ? "\(cluster.failed) failed" : nil,
                cluster.flaky > 0 ? "\(cluster.flaky) flaky" : nil,
            ].compactMap(\.self).joined(separator: ", ")
            return [
                "name": .text(cluster.name), "suite": .text(cluster.suite), "message": .text(cluster.message),
                "counts": .text(counts), "class": .text(cluster.failed > 0 ? "bad" : "warn"),
                "path": .optional(run.map { "/runs/\($0.runID)#tests" }),
                "age": run.map { .markup(.age($0.requestedAt, now: now)) } ?? .nothing,
            ]
        }
        rows += sentences.prefix(Self.rows).map { sentence, runs in
            [
                "name": .text(sentence), "suite": .text("no test failed"), "message": "",
                "counts": .text(runs.count == 1 ? "1 run" : "\(runs.count) runs"), "class": "bad",
                "path": .optional(runs.first.map { "/runs/\($0.runID)" }),
                "age": runs.first.map { .markup(.age($0.requestedAt, now: now)) } ?? .nothing,
            ]
        }
        return [
            "clusters": .objects(rows), "hasClusters": .flag(!rows.isEmpty),
            "clustersOf": .text("\(failed) of the last \(ended.count) runs failed"),
        ]
    }

    /// Runs by what was said of them, the most frequent first; figures and hashes do not tell sentences apart.
    static func sentences(_ runs: [RunSummary]) -> [(sentence: String, runs: [RunSummary])] {
        var order: [String] = []
        var clusters: [String: [RunSummary]] = [:]
        for run in runs {
            let key = pattern(of: run.description)
            if clusters[key] == nil { order.append(key) }
            clusters[key, default: []].append(run)
        }
        return order.map { key in
            let runs = clusters[key] ?? []
            let sentence = runs.first?.description.prefixOfBytes(300) ?? ""
            return (sentence.isEmpty ? "It failed without a word" : sentence, runs)
        }
        .sorted { $0.runs.count > $1.runs.count }
    }

    /// A sentence without what differs from run to run.
    static func pattern(of sentence: String) -> String {
        String(sentence.prefix(500)).replacing(/[0-9a-f]{7,}|[0-9]+/, with: "#")
    }
}
