import ArtifactStore
import FoundationEssentials
import Hummingbird
import SlipwayModel
import Web

/// `/prowjobs.js`: runs in the shape of Prow's ProwJob list, streamed.
struct ProwJobs: Sendable {
    /// Parts that readers may leave out to save their time: Prow's `omit`.
    enum Omission: String, CaseIterable {
        case annotations, labels
        case decorationConfig = "decoration_config"
        case podSpec = "pod_spec"
    }

    let store: ResultsStore
    /// Where the runs' pages are, without a trailing slash.
    let pageURL: String

    /// What is older is no longer listed, as Prow's own list ends with its sinker.
    private static let reach = 48 * 3_600_000.0
    private static let page = 500

    func response(_ query: QueryParameters) throws(WebError) -> Response {
        // What is not known is ignored, as Prow does.
        let omitted = Set((query["omit"] ?? "").split(separator: ",").compactMap { Omission(rawValue: String($0)) })
        let owner = try query.text("owner")
        let org = try query.text("org") ?? owner
        let repo = try query.text("repo")
        let variable = try query.text("var", maximum: 100)
        if let variable, !Self.isIdentifier(variable) {
            throw .badRequest("The parameter 'var' must be the name of a JavaScript variable, not '\(variable)'.")
        }
        return Response(
            status: .ok,
            headers: [.contentType: variable == nil ? "application/json" : "text/javascript; charset=utf-8"],
            body: ResponseBody { [self] writer in
                try await writer.write(ByteBuffer(string: (variable.map { "var \($0) = " } ?? "") + "{\"items\":["))
                let since = RunID(
                    UUID.version7(milliseconds: UInt64(Date().timeIntervalSince1970 * 1000 - Self.reach)).floor)
                var before = RunID(.last)
                var isFirst = true
                while true {
                    let rows = try await store.prowJobs(
                        since: since, before: before, repository: (org, repo), limit: Self.page)
                    var buffer = ByteBuffer()
                    for row in rows {
                        if !isFirst { buffer.writeString(",") }
                        isFirst = false
                        buffer.writeBytes(try ArtifactDocument.encode(document(row, omitted)))
                    }
                    if buffer.readableBytes > 0 { try await writer.write(buffer) }
                    guard rows.count == Self.page, let last = rows.last else { break }
                    before = last.runID
                }
                try await writer.write(ByteBuffer(string: variable == nil ? "]}" : "]};"))
                try await writer.finish(nil)
            })
    }

    func document(_ row: ProwJobRow, _ omitted: Set<Omission> = []) -> ProwJobDocument {
        var document = ProwJobDocument(
            runID: row.runID, kind: row.kind, job: row.job ?? ResolvedJob(name: row.jobName, kind: row.kind),
            refs: row.refs,
            status: ProwJobDocument.Status(
                startTime: row.requestedAt, pendingTime: row.startedAt, completionTime: row.finishedAt,
                state: row.state, description: row.description, url: "\(pageURL)/runs/\(row.runID)",
                podName: row.runID.description, buildID: row.buildID))
        if omitted.contains(.annotations) { document.metadata.annotations = nil }
        if omitted.contains(.labels) { document.metadata.labels = nil }
        if omitted.contains(.decorationConfig) { document.spec.decorationConfig = nil }
        if omitted.contains(.podSpec) { document.spec.podSpec = nil }
        return document
    }

    /// Letters, digits, `_`, `$` and dots between names.
    static func isIdentifier(_ text: String) -> Bool {
        text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
            return part.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"):
                    true
                default: false
                }
            }
        }
    }
}

extension UUID {
    /// The least identifier of the same millisecond.
    var floor: UUID {
        var bytes = uuid
        (bytes.6, bytes.7) = (0x70, 0)
        (bytes.8, bytes.9, bytes.10, bytes.11) = (0, 0, 0, 0)
        (bytes.12, bytes.13, bytes.14, bytes.15) = (0, 0, 0, 0)
        return UUID(uuid: bytes)
    }

    /// Greater than every other identifier.
    static let last = UUID(uuid: (255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255))
}
