import ArtifactStore
import FoundationEssentials
import HTTPTypes
import Hummingbird
import SlipwayModel
import Web

/// `/runs/<id>/artifacts/…`: folders as lists, files as they are, and nothing in them may act in this site's name.
struct ArtifactPages {
    let artifacts: any ArtifactStorage

    static let rows = 500

    /// The beginning of a run's artifacts, for its page.
    static func summary(
        of attempt: RunPage.Attempt, artifacts: any ArtifactStorage, limit: Int
    ) async throws -> [String: PageValue] {
        let base = basePath(attempt)
        let page = try await artifacts.listIfPresent(
            try attempt.folder.appending("artifacts"), after: nil, limit: limit)
        return [
            "artifacts": .objects(
                page.entries.map { entry(_: $0, base: "\(base)/artifacts", suffix: suffix(attempt)) }),
            "hasArtifacts": .flag(!page.entries.isEmpty),
            "moreArtifacts": .flag(page.next != nil),
            "artifactsPath": .text(base + suffix(attempt)),
        ]
    }

    static func basePath(_ attempt: RunPage.Attempt) -> String { "/runs/\(attempt.detail.summary.runID)/artifacts" }

    /// What links need to stay with an earlier attempt.
    private static func suffix(_ attempt: RunPage.Attempt) -> String {
        attempt.isEarlier ? Link.query([("build", attempt.build.description)]) : ""
    }

    private static func entry(_ entry: ArtifactEntry, base: String, suffix: String) -> [String: PageValue] {
        [
            "name": .text(entry.isFolder ? entry.name + "/" : entry.name),
            "path": .text("\(base)/\(Link.encode(entry.name))\(suffix)"),
            "size": entry.isFolder ? .nothing : .text(HumanTime.size(entry.size)),
            "modified": .markup(.instant(entry.modified)),
            "isFolder": .flag(entry.isFolder),
        ]
    }

    /// A listing as a page's values, or a file as a response.
    enum Answer {
        case folder([String: PageValue])
        case file(Response)
    }

    func answer(
        _ attempt: RunPage.Attempt, path components: [String], after: String?, request: Request
    ) async throws -> Answer {
        let path: ArtifactPath
        do {
            path = try ArtifactPath(components: attempt.folder.components + components)
        } catch {
            throw WebError.badRequest(error.description)
        }
        let shown = components.joined(separator: "/")
        let found = try await artifacts.entryIfPresent(path)
        if let found, !found.isFolder { return .file(try await FileResponse.make(artifacts, path, request)) }
        guard found != nil || components.isEmpty else { throw WebError.notFound(ResultsText.noSuchArtifact(shown)) }
        let page = try await artifacts.listIfPresent(path, after: after, limit: Self.rows)
        let base = components.reduce(Self.basePath(attempt)) { $0 + "/" + Link.encode($1) }
        let suffix = Self.suffix(attempt)
        let parent = components.dropLast().reduce(Self.basePath(attempt)) { $0 + "/" + Link.encode($1) }
        return .folder([
            "folder": .text(shown.isEmpty ? "Artifacts" : shown + "/"),
            "entries": .objects(
                page.entries.filter { $0.name != ".log" }.map { Self.entry($0, base: base, suffix: suffix) }),
            "isEmpty": .flag(page.entries.isEmpty),
            "parentPath": components.isEmpty ? .nothing : .text(parent + suffix),
            "nextPath": page.next.map {
                .text(
                    base
                        + Link.query([
                            ("build", attempt.isEarlier ? attempt.build.description : nil), ("after", $0),
                        ]))
            } ?? .nothing,
        ])
    }
}

/// A file of the artifact store as a response: by ranges, with a type that cannot hurt.
enum FileResponse {
    static func make(_ artifacts: any ArtifactStorage, _ path: ArtifactPath, _ request: Request) async throws
        -> Response
    {
        guard let file = try await artifacts.openIfPresent(path) else {
            throw WebError.notFound(ResultsText.noSuchArtifact(path.name))
        }
        var type = SafeType.of(path.name)
        if type == nil { type = SafeType.sniff(try await file.read(at: 0, count: 1024)) }
        return make(file, type: type ?? SafeType.binary, name: path.name, request)
    }

    static func make(_ file: any ArtifactFile, type: SafeType, name: String, _ request: Request) -> Response {
        var headers: HTTPFields = [
            .contentType: type.mediaType, .acceptRanges: "bytes", .contentSecurityPolicy: type.contentSecurityPolicy,
            .eTag: "W/\"\(file.size)-\(Int64(file.modified.timeIntervalSince1970 * 1000))\"",
        ]
        if type.isDownload {
            headers[.contentDisposition] = "attachment; filename*=UTF-8''\(Link.encode(name))"
        }
        switch ByteRange.parse(request.headers[.range], size: file.size) {
        case .whole:
            return Response(
                status: .ok, headers: headers, body: body(file, 0..<file.size))
        case .part(let range):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
            return Response(status: .partialContent, headers: headers, body: body(file, range))
        case .unsatisfiable:
            headers[.contentRange] = "bytes */\(file.size)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        }
    }

    private static func body(_ file: any ArtifactFile, _ range: Range<Int64>) -> ResponseBody {
        ResponseBody(contentLength: Int(range.count)) { writer in
            for try await piece in file.pieces(of: range) { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        }
    }
}

/// One range of a file (RFC 9110, 14.1). Pure.
package enum ByteRange: Hashable, Sendable {
    case whole
    case part(Range<Int64>)
    case unsatisfiable

    /// Several ranges, other units and malformed ones are answered with the whole file, as the RFC allows.
    package static func parse(_ header: String?, size: Int64) -> ByteRange {
        guard let header, header.hasPrefix("bytes="), !header.contains(",") else { return .whole }
        let parts = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .whole }
        let (first, last) = (Int64(parts[0]), Int64(parts[1]))
        if parts[0].isEmpty {
            guard let last, last >= 0 else { return .whole }
            return last == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - last)..<size)
        }
        guard let first, first >= 0, parts[1].isEmpty || last != nil else { return .whole }
        guard first < size else { return .unsatisfiable }
        guard let last else { return .part(first..<size) }
        return last < first ? .whole : .part(first..<min(size, last + 1))
    }
}

/// The media type under which a job's file may be shown. Pure.
package struct SafeType: Hashable, Sendable {
    package let mediaType: String
    /// HTML and SVG run in a sandbox without this site's origin.
    package let isSandboxed: Bool
    package let isDownload: Bool

    static let binary = SafeType(mediaType: "application/octet-stream", isSandboxed: false, isDownload: true)
    static let text = SafeType(mediaType: "text/plain; charset=utf-8", isSandboxed: false, isDownload: false)

    private static let images = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    ]
    private static let texts: Set<String> = [
        "txt", "log", "md", "xml", "yaml", "yml", "csv", "tsv", "js", "css", "sh", "go", "py", "swift", "c", "h",
        "diff",
        "patch", "toml", "ini", "conf", "junit",
    ]

    /// By a file's name; nil where the name says nothing.
    package static func of(_ name: String) -> SafeType? {
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else { return nil }
        let ending = name[name.index(after: dot)...].lowercased()
        if texts.contains(ending) { return text }
        if let image = images[ending] { return SafeType(mediaType: image, isSandboxed: false, isDownload: false) }
        switch ending {
        case "html", "htm": return SafeType(mediaType: "text/html; charset=utf-8", isSandboxed: true, isDownload: false)
        case "svg": return SafeType(mediaType: "image/svg+xml", isSandboxed: true, isDownload: false)
        case "json": return SafeType(mediaType: "application/json", isSandboxed: false, isDownload: false)
        case "gz", "tgz", "zst", "xz", "bz2", "zip", "tar": return binary
        default: return nil
        }
    }

    /// By a file's first bytes: text, unless they hold a NUL.
    package static func sniff(_ bytes: [UInt8]) -> SafeType { bytes.contains(0) ? binary : text }

    package var contentSecurityPolicy: String {
        isSandboxed
            ? "sandbox allow-scripts allow-popups; default-src 'none'; script-src 'unsafe-inline'; "
                + "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; "
                + "frame-ancestors 'self'"
            : "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"
    }
}
