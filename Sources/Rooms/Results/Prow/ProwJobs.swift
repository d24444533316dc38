import ArtifactStore
import FoundationEssentials
import Hummingbird
import SlipwayModel
import Synchronization
import Web

/// `/prowjobs.js`: runs in the shape of Prow's ProwJob list, streamed.
///
/// Most of a ProwJob is its job's, and jobs are few beside their runs: what a job contributes is encoded once, and the
/// database writes the rest as JSON already.
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
    let cache: ProwJobCache

    /// What is older is no longer listed, as Prow's own list ends with its sinker.
    private static let reach = 48 * 3_600_000.0
    /// Runs that are listed at most: more than the two days hold where 40,000 run in one.
    static let greatestLimit = 200_000
    static let page = 2000

    func response(_ query: QueryParameters) throws(WebError) -> Response {
        // What is not known is ignored, as Prow does.
        let omitted = Set((query["omit"] ?? "").split(separator: ",").compactMap { Omission(rawValue: String($0)) })
        let filter = ProwJobFilter(
            org: try query.text("org"), repo: try query.text("repo"), author: try query.text("owner"))
        let limit = try Self.limit(query)
        let script = try ScriptVariable(query)
        return Response(
            status: .ok, headers: script.headers,
            body: ResponseBody { [self] writer in
                try await writer.write(ByteBuffer(string: script.opening + "{\"items\":["))
                let since = Self.oldest(Date())
                var before = RunID(.last)
                var left = limit
                var places = PlaceLabels()
                while left > 0 {
                    let size = min(left, Self.page)
                    let lines = try await store.prowJobLines(
                        since: since, before: before, filter, limit: size)
                    let parts = try await parts(of: lines, omitted)
                    var buffer = ByteBuffer()
                    buffer.reserveCapacity(lines.count * 1024)
                    for (index, line) in lines.enumerated() {
                        if index > 0 || left < limit { buffer.writeString(",") }
                        if let part = parts[line.jobKey] { line.write(part, &places, pageURL, into: &buffer) }
                    }
                    if buffer.readableBytes > 0 { try await writer.write(buffer) }
                    left -= lines.count
                    guard lines.count == size, let last = lines.last.flatMap({ RunID($0.runID) }) else { break }
                    before = last
                }
                try await writer.write(ByteBuffer(string: "]}" + script.closing))
                try await writer.finish(nil)
            })
    }

    /// Before the first run that is listed.
    static func oldest(_ now: Date) -> RunID {
        RunID(UUID.version7(milliseconds: UInt64(now.timeIntervalSince1970 * 1000 - reach)).floor)
    }

    private static func limit(_ query: QueryParameters) throws(WebError) -> Int {
        guard let text = query["limit"] else { return greatestLimit }
        guard let limit = Int(text), (1...greatestLimit).contains(limit) else {
            throw .badRequest(
                "The parameter 'limit' is a number of runs from 1 to \(greatestLimit), not '\(text.prefix(20))'.")
        }
        return limit
    }

    /// What the jobs of the lines contribute.
    private func parts(
        of lines: [ProwJobLine], _ omitted: Set<Omission>
    ) async throws -> [ProwJobLine.JobKey: ProwJobPart] {
        var parts: [ProwJobLine.JobKey: ProwJobPart] = [:]
        var missing: [ProwJobLine.JobKey: RunID] = [:]
        for line in lines where parts[line.jobKey] == nil && missing[line.jobKey] == nil {
            if let known = cache.part(line.jobKey, omitted) {
                parts[line.jobKey] = known
            } else if let run = RunID(line.runID) {
                missing[line.jobKey] = run
            }
        }
        let runs = Array(missing.values)
        var rows: [RunID: ProwJobRow] = [:]
        for row in runs.isEmpty ? [] : try await store.prowJobs(runs) { rows[row.runID] = row }
        for (key, run) in missing {
            guard let row = rows[run] else { continue }
            let part = try ProwJobPart(document(row, omitted))
            parts[key] = part
            // A definition that is gone leaves the name alone, which the hash does not stand for.
            if row.job != nil { cache.keep(part, key, omitted) }
        }
        return parts
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
        if omitted.contains(.podSpec) { document.spec.podSpec = document.spec.podSpec.map(Self.emptied) }
        return document
    }

    /// What a rerun of a run would be before anything happened to it.
    func rerun(_ row: ProwJobRow, at now: Date) -> ProwJobDocument {
        let run = RunID()
        return ProwJobDocument(
            runID: run, kind: row.kind, job: row.job ?? ResolvedJob(name: row.jobName, kind: row.kind), refs: row.refs,
            status: ProwJobDocument.Status(
                startTime: now, pendingTime: nil, completionTime: nil, state: .waiting, description: nil, url: nil,
                podName: nil, buildID: nil))
    }

    /// As many containers as there are, with nothing in them: deck's own page counts them.
    private static func emptied(_ spec: JSONValue) -> JSONValue {
        var containers: [JSONValue] = []
        if case .object(let members) = spec, case .array(let configured)? = members["containers"] {
            containers = configured.map { _ in .object(["name": .string(""), "resources": .object([:])]) }
        }
        return .object(["containers": .array(containers)])
    }
}

/// What a job contributes to the ProwJobs of its runs, as JSON.
struct ProwJobPart: Sendable {
    let annotations: [UInt8]?
    /// Without the closing brace, so that a run adds its own.
    let labels: [UInt8]?
    let namespace: [UInt8]?
    /// Without the closing brace and `refs`.
    let spec: [UInt8]

    /// - Parameter document: of any run of the job.
    init(_ document: ProwJobDocument) throws {
        annotations = try document.metadata.annotations.map(ArtifactDocument.encode)
        labels = try document.metadata.labels.map { labels in
            let ofRun = labels.keys.filter { $0.hasPrefix("prow.k8s.io/refs.") } + ProwJobLine.ownLabels
            return try ArtifactDocument.encode(labels.filter { !ofRun.contains($0.key) }).dropLast()
        }
        namespace = try document.metadata.namespace.map(ArtifactDocument.encode)
        var spec = document.spec
        spec.refs = nil
        self.spec = try ArtifactDocument.encode(spec).dropLast()
    }
}

/// Parts of jobs that were asked for lately; jobs are known by their content, so that no part is ever wrong.
final class ProwJobCache: Sendable {
    private struct Key: Hashable {
        var job: ProwJobLine.JobKey
        var omitted: Set<ProwJobs.Omission>
    }

    private static let limit = 20_000
    private let parts = Mutex<[Key: ProwJobPart]>([:])

    func part(_ job: ProwJobLine.JobKey, _ omitted: Set<ProwJobs.Omission>) -> ProwJobPart? {
        parts.withLock { $0[Key(job: job, omitted: omitted)] }
    }

    func keep(_ part: ProwJobPart, _ job: ProwJobLine.JobKey, _ omitted: Set<ProwJobs.Omission>) {
        parts.withLock { parts in
            if parts.count >= Self.limit { parts.removeAll() }
            parts[Key(job: job, omitted: omitted)] = part
        }
    }
}

/// The labels of a run's refs as JSON members. Places are few beside the runs of them.
struct PlaceLabels {
    private var known: [ProwJobLine.Place: String] = [:]

    /// Every value that a label takes needs no escapes.
    mutating func text(of place: ProwJobLine.Place) -> String {
        if let text = known[place] { return text }
        let text = [("org", place.org), ("repo", place.repo), ("base_ref", place.baseRef ?? "")].map { key, value in
            ProwJobDocument.labelValue(value).map { ",\"prow.k8s.io/refs.\(key)\":\"\($0)\"" } ?? ""
        }.joined()
        known[place] = text
        return text
    }
}

extension ProwJobLine {
    /// Labels that say which run it is.
    static let ownLabels = ["prow.k8s.io/id", "prow.k8s.io/build-id"]

    func write(
        _ part: ProwJobPart, _ places: inout PlaceLabels, _ pageURL: String, into buffer: inout ByteBuffer
    ) {
        buffer.writeString("{\"apiVersion\":\"prow.k8s.io/v1\",\"kind\":\"ProwJob\",\"metadata\":{")
        if let annotations = part.annotations {
            buffer.writeString("\"annotations\":")
            buffer.writeBytes(annotations)
            buffer.writeString(",")
        }
        buffer.writeString("\"creationTimestamp\":\"\(requestedAt)\"")
        if let labels = part.labels {
            buffer.writeString(",\"labels\":")
            buffer.writeBytes(labels)
            buffer.writeString(",\"prow.k8s.io/build-id\":\"\(buildID)\",\"prow.k8s.io/id\":\"\(runID)\"")
            if let place { buffer.writeString(places.text(of: place)) }
            if let pull { buffer.writeString(",\"prow.k8s.io/refs.pull\":\"\(pull)\"") }
            buffer.writeString("}")
        }
        buffer.writeString(",\"name\":\"\(runID)\"")
        if let namespace = part.namespace {
            buffer.writeString(",\"namespace\":")
            buffer.writeBytes(namespace)
        }
        buffer.writeString("},\"spec\":")
        buffer.writeBytes(part.spec)
        if let refs {
            buffer.writeString(",\"refs\":")
            buffer.writeString(refs)
        }
        buffer.writeString("},\"status\":{\"build_id\":\"\(buildID)\"")
        if let finishedAt { buffer.writeString(",\"completionTime\":\"\(finishedAt)\"") }
        buffer.writeString(",\"description\":\(description)")
        if let startedAt { buffer.writeString(",\"pendingTime\":\"\(startedAt)\"") }
        buffer.writeString(
            ",\"pod_name\":\"\(runID)\",\"startTime\":\"\(requestedAt)\",\"state\":\"\(state.prowName)\"")
        buffer.writeString(",\"url\":\"\(pageURL)/runs/\(runID)\"}}")
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
