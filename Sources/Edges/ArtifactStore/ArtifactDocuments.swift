package import FoundationEssentials
package import SlipwayModel

/// `started.json`, written when an attempt begins to run its job. Prow's (and TestGrid's) field names.
package struct StartedDocument: Hashable, Sendable, Codable {
    /// Unix seconds.
    package var timestamp: Int64
    package var node: String?
    /// The first pull request's number, in decimal.
    package var pull: String?
    /// `org/repo` to `base:sha,number:sha…`, for the tested repository and every extra one.
    package var repos: [String: String]?
    /// The commit that was tested, pull requests merged.
    package var repoCommit: String?
    /// The old name of `repo-commit`; readers of both exist.
    package var repoVersion: String?
    package var metadata: [String: JSONValue]?

    enum CodingKeys: String, CodingKey {
        case timestamp, node, pull, repos, metadata
        case repoCommit = "repo-commit"
        case repoVersion = "repo-version"
    }

    /// - Parameter finalSHA: the merged commit of the tested repository, once cloned.
    package init(timestamp: Date, spec: JobSpec, finalSHA: String?, node: String? = nil) {
        self.timestamp = Int64(timestamp.timeIntervalSince1970)
        self.node = node
        pull = spec.refs?.pulls?.first.map { String($0.number) }
        let all = (spec.refs.map { [$0] } ?? []) + (spec.extraRefs ?? [])
        var named: [String: String] = [:]
        for refs in all { named["\(refs.org)/\(refs.repo)"] = refs.pullRefs }
        repos = named.isEmpty ? nil : named
        let main = all.first
        repoCommit = finalSHA ?? main?.pulls?.first?.sha ?? main?.baseSHA ?? main?.baseRef
        repoVersion = repoCommit
    }
}

/// `finished.json`, written by the fenced completer alone.
package struct FinishedDocument: Hashable, Sendable, Codable {
    /// Unix seconds.
    package var timestamp: Int64
    package var passed: Bool
    /// SUCCESS, FAILURE, ABORTED or ERROR.
    package var result: String
    package var revision: String?
    package var metadata: [String: JSONValue]?

    package init(
        timestamp: Date, state: RunState, revision: String?, metadata: [String: JSONValue]? = nil
    ) {
        self.timestamp = Int64(timestamp.timeIntervalSince1970)
        passed = state == .success
        result = state.rawValue.uppercased()
        self.revision = revision
        self.metadata = metadata
    }
}

/// One element of `clone-records.json`: how one repository was cloned.
package struct CloneRecord: Hashable, Sendable, Codable {
    package struct Command: Hashable, Sendable, Codable {
        package var command: String
        package var output: String?
        package var error: String?
        /// Nanoseconds.
        package var duration: Int64?

        package init(command: String, output: String?, error: String?, duration: Int64?) {
            self.command = command
            self.output = output
            self.error = error
            self.duration = duration
        }
    }

    package var refs: Refs
    package var commands: [Command]
    /// Absent means false.
    package var failed: Bool?
    /// The commit that the clone ended on, pull requests merged.
    package var finalSHA: String?
    /// Nanoseconds.
    package var duration: Int64?

    package init(refs: Refs) {
        self.refs = refs
        commands = []
    }

    enum CodingKeys: String, CodingKey {
        case refs, commands, failed, duration
        case finalSHA = "final_sha"
    }
}

/// Documents as they stand in the store: one line, keys in order, slashes as they are.
package enum ArtifactDocument {
    package static func encode(_ document: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return Array(try encoder.encode(document))
    }

    package static func decode<Document: Decodable>(_ type: Document.Type, from bytes: [UInt8]) throws -> Document {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return try decoder.decode(type, from: Data(bytes))
    }
}
