import SlipwayModel
import Web

/// `/search`: one box for run and build ids, pull requests, jobs and repositories.
struct SearchPage {
    let store: ResultsStore

    /// Findings of each kind.
    static let suggestions = 6
    static let rows = 30

    /// Where a question leads at once: an id that there is exactly one of.
    func exact(_ text: String) async throws -> Finding? {
        if let run = RunID(text), let found = try await store.state(of: run) {
            return Finding(
                kind: .run, title: run.description, detail: ResultsText.label(found.state), path: "/runs/\(run)")
        }
        if text.utf8.count >= 15, let build = BuildID(text), let run = try await store.run(ofBuild: build) {
            return Finding(
                kind: .run, title: "build \(build)", detail: "",
                path: "/runs/\(run)" + (try await suffix(run, build)))
        }
        if let (repository, number) = Self.pull(text), try await store.pull(repository, number: number) != nil {
            return Finding(
                kind: .pull, title: "\(repository)#\(number)", detail: "", path: RunRow.pullPath(repository, number))
        }
        return nil
    }

    func findings(_ text: String, limit: Int) async throws -> [Finding] {
        if let exact = try await exact(text) { return [exact] }
        async let jobs = store.findJobs(text, limit: limit)
        async let pulls = store.findPulls(text, limit: limit)
        async let repositories = store.findRepositories(text, limit: limit)
        let number = Int(text.hasPrefix("#") ? text.dropFirst() : text[...])
        let numbered = number.map { (1...Int(Int32.max)).contains($0) } == true ? number : nil
        let byNumber = numbered == nil ? [] : try await store.findPulls(number: numbered ?? 0, limit: limit)
        return try await byNumber + jobs + repositories + pulls
    }

    func values(_ text: String) async throws -> [String: PageValue] {
        let found = text.isEmpty ? [] : try await findings(text, limit: Self.rows)
        return [
            "query": .text(text),
            "findings": .objects(found.map(Self.values)),
            "isEmpty": .flag(found.isEmpty),
            "emptyText": .text(text.isEmpty ? ResultsText.searchHint : ResultsText.nothingFound(text)),
        ]
    }

    /// An earlier attempt is named by its build.
    private func suffix(_ run: RunID, _ build: BuildID) async throws -> String {
        let current = try await store.state(of: run)?.build
        return current == build ? "" : Link.query([("build", build.description)])
    }

    static func values(_ finding: Finding) -> [String: PageValue] {
        [
            "title": .text(finding.title), "detail": .text(finding.detail), "path": .text(finding.path),
            "kind": .text(finding.kind == .pull ? "pull request" : finding.kind.rawValue),
        ]
    }

    /// `org/repo#12`, or the address of a pull request at its forge.
    static func pull(_ text: String) -> (RepositoryName, Int)? {
        let match =
            text.wholeMatch(of: /(?:https?:\/\/[^\/]+\/)?([^\/#\s]+\/[^\/#\s]+)(?:#|\/pull\/)(\d{1,9})(?:\/.*)?/)
        guard let match, let repository = RepositoryName(match.output.1), let number = Int(match.output.2), number > 0
        else { return nil }
        return (repository, number)
    }

    /// What the search box offers while somebody types.
    struct Suggestion: Encodable {
        var title: String
        var detail: String
        var kind: String
        var path: String

        init(_ finding: Finding) {
            title = finding.title
            detail = finding.detail
            kind = finding.kind == .pull ? "pull request" : finding.kind.rawValue
            path = finding.path
        }
    }
}
