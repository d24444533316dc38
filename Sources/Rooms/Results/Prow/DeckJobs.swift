import ArtifactStore
import FoundationEssentials
import Hummingbird
import SlipwayModel
import Web

/// `/data.js`: runs in the flat shape that deck had before `/prowjobs.js` and still answers (`pkg/deck/jobs`), for
/// scripts that were never moved. Streamed; every field is always there, empty where there is nothing to say.
struct DeckJobs: Sendable {
    let store: ResultsStore
    /// Where the runs' pages are, without a trailing slash.
    let pageURL: String

    private struct Job: Encodable {
        var type: JobKind
        var refs: Refs
        var refsKey: String
        var job: String
        var buildID: String
        var context: String
        /// Unix seconds, as a text.
        var started: String
        /// RFC 3339; empty while it has not ended, as is `duration`.
        var finished: String
        var duration: String
        var state: String
        var description: String
        var url: String
        var podName: String
        var agent: String
        var prowJob: String

        enum CodingKeys: String, CodingKey {
            case type, refs, job, context, started, finished, duration, state, description, url, agent
            case refsKey = "refs_key"
            case buildID = "build_id"
            case podName = "pod_name"
            case prowJob = "prow_job"
        }
    }

    func response(_ query: QueryParameters) throws(WebError) -> Response {
        let script = try ScriptVariable(query)
        return Response(
            status: .ok, headers: script.headers,
            body: ResponseBody { [self] writer in
                try await writer.write(ByteBuffer(string: script.opening + "["))
                let since = ProwJobs.oldest(Date())
                var before = RunID(.last)
                var isFirst = true
                while case let rows = try await store.deckJobs(since: since, before: before, limit: ProwJobs.page),
                    let last = rows.last
                {
                    var buffer = ByteBuffer()
                    for row in rows {
                        if !isFirst { buffer.writeString(",") }
                        isFirst = false
                        buffer.writeBytes(try ArtifactDocument.encode(job(row)))
                    }
                    try await writer.write(buffer)
                    before = last.runID
                }
                try await writer.write(ByteBuffer(string: "]" + script.closing))
                try await writer.finish(nil)
            })
    }

    private func job(_ row: DeckJobRow) -> Job {
        let took = row.finishedAt.map { max(0, $0.timeIntervalSince(row.requestedAt)).rounded(.down) }
        return Job(
            type: row.kind, refs: row.refs ?? Refs(repository: RepositoryName(org: "", repo: "")),
            refsKey: row.refs?.pullRefs ?? "", job: row.job,
            buildID: row.buildID.description, context: row.context ?? "",
            started: String(Int64(row.requestedAt.timeIntervalSince1970)),
            finished: row.finishedAt?.formatted(.iso8601) ?? "", duration: took.map(goDuration) ?? "",
            state: row.state.prowName, description: row.description, url: "\(pageURL)/runs/\(row.runID)",
            podName: row.runID.description, agent: row.agent ?? "kubernetes", prowJob: row.runID.description)
    }
}
