import ArtifactStore
import FoundationEssentials
import SlipwayModel
import Web

/// `/job-history/<provider>/<bucket>/<path>/<job>?buildId=`: Prow's page of a job's builds, 20 at a time, with the list
/// as a script variable that tools read out of the page (deck, `job_history.go`).
struct JobHistory {
    let store: ResultsStore

    static let rows = 20

    /// A build as `allBuilds` lists it. Durations are in nanoseconds, as Go writes them.
    private struct Build: Encodable {
        var spyglassLink: String
        var id: String
        var started: Date
        var duration: Int64
        var result: String
        var refs: Refs?

        enum CodingKeys: String, CodingKey {
            case spyglassLink = "SpyglassLink"
            case id = "ID"
            case started = "Started"
            case duration = "Duration"
            case result = "Result"
            case refs = "Refs"
        }

        /// `Refs` is null where there are none.
        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(spyglassLink, forKey: .spyglassLink)
            try container.encode(id, forKey: .id)
            try container.encode(started, forKey: .started)
            try container.encode(duration, forKey: .duration)
            try container.encode(result, forKey: .result)
            try container.encode(refs, forKey: .refs)
        }
    }

    /// - Parameters:
    ///   - components: the path behind `/job-history/`; its last one is the job.
    ///   - build: the newest build to show; nil for the job's newest.
    func values(_ components: [String], build: BuildID?, now: Date) async throws -> [String: PageValue] {
        guard components.count > 2, let job = components.last else {
            throw WebError.badRequest(ResultsText.badJobHistory)
        }
        let path = components.reduce("/job-history") { $0 + "/" + Link.encode($1) }
        var found = try await store.builds(of: job, from: build, limit: Self.rows)
        guard !found.isEmpty || build != nil else { throw WebError.notFound(ResultsText.noSuchJob(job)) }
        let older = found.count > Self.rows ? found.removeLast().buildID : nil
        let newer = try await newerPage(of: job, than: build == nil ? nil : found.first?.buildID)
        let view = "/view/" + Self.bucket(components).map { Link.encode($0) + "/" }.joined()
        let builds = found.map { row in
            let begin = row.startedAt ?? row.requestedAt
            return Build(
                spyglassLink: view + row.artifactPath, id: row.buildID.description, started: begin,
                duration: Int64(max(0, (row.finishedAt ?? now).timeIntervalSince(begin)) * 1000) * 1_000_000,
                result: row.state.isFinished ? row.state.rawValue.uppercased() : "PENDING", refs: row.refs)
        }
        return [
            "job": .text(job), "jobPath": .text(RunRow.jobPath(job)),
            "allBuilds": .markup(try Self.script(builds)),
            "builds": .objects(
                zip(found, builds).map { row, build in
                    [
                        "id": .text(build.id), "path": .text(build.spyglassLink), "state": .text(row.state.rawValue),
                        "label": .text(ResultsText.label(row.state)),
                        "started": .markup(.instant(build.started)),
                        "took": .text(HumanTime.duration(Double(build.duration) / 1e9)),
                    ]
                }),
            "shown": .number(builds.count),
            "olderPath": older.map { .text(path + Link.query([("buildId", $0.description)])) } ?? .nothing,
            "newerPath": newer.map { .text(path + Link.query([("buildId", $0.description)])) } ?? .nothing,
            "latestPath": newer == nil ? .nothing : .text(path + "?buildId="),
        ]
    }

    /// Provider and bucket of an address. Those of old named no provider, which was `gs`; links name both.
    private static func bucket(_ components: [String]) -> [String] {
        let place = components.prefix { $0 != "logs" && $0 != "pr-logs" }
        return place.count == 1 ? ["gs"] + place : Array(place)
    }

    /// The build with which the page before this one begins: the farthest of the next 20.
    private func newerPage(of job: String, than build: BuildID?) async throws -> BuildID? {
        guard let build else { return nil }
        return try await store.newerBuilds(of: job, than: build, limit: Self.rows).last
    }

    /// JSON that may stand inside a script element.
    private static func script(_ builds: [Build]) throws -> Markup {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return .script(String(decoding: try encoder.encode(builds), as: UTF8.self))
    }
}
