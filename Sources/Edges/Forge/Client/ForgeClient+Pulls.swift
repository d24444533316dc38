package import FoundationEssentials
package import SlipwayModel

/// Pull requests.
extension ForgeClient {
    /// - Parameters:
    ///   - state: `open`, `closed` or `all`.
    ///   - base: Only those against this branch.
    ///   - head: Only those from `owner:branch`.
    package func pulls(
        _ repository: RepositoryName, state: String = "open", base: String? = nil, head: String? = nil
    ) async throws(ForgeError) -> [PullRequest] {
        var path = "\(repository.path)/pulls?state=\(segment(state))"
        if let base { path += "&base=\(segment(base))" }
        if let head { path += "&head=\(segment(head))" }
        return try await list(path)
    }

    /// The pull requests in any state that changed since an instant, latest change first, if any changed since the last
    /// reading.
    ///
    /// - Parameter etag: What the last reading gave.
    /// - Returns: nil where none changed since the last reading.
    package func changedPulls(
        _ repository: RepositoryName, since start: Date, unless etag: String? = nil
    ) async throws(ForgeError) -> (pulls: [PullRequest], etag: String?)? {
        let path = "\(repository.path)/pulls?state=all&sort=updated&direction=desc&per_page=30"
        let found = try await listIfChanged(path, since: etag, of: PullRequest.self) { page in
            page.last?.updatedAt.map { $0.date < start } ?? false
        }
        guard let found else { return nil }
        return (found.elements.filter { ($0.updatedAt?.date ?? start) >= start }, found.etag)
    }

    /// One pull request, with `mergeable` (nil while the forge computes it).
    package func pull(_ repository: RepositoryName, _ number: Int) async throws(ForgeError) -> PullRequest {
        try await get("\(repository.path)/pulls/\(number)")
    }

    /// - Parameters:
    ///   - head: The branch that is offered; `owner:branch` from a fork.
    ///   - base: The branch that would take it.
    package func openPull(
        _ repository: RepositoryName, title: String, head: String, base: String, body: String? = nil,
        draft: Bool = false
    ) async throws(ForgeError) -> PullRequest {
        struct Body: Encodable, Sendable {
            var title: String
            var head: String
            var base: String
            var body: String?
            var draft: Bool
        }
        return try await send(
            "POST", "\(repository.path)/pulls",
            Body(title: title, head: head, base: base, body: body, draft: draft), idempotent: false)
    }

    /// Changes what is not nil. `state` is `open` or `closed`.
    package func updatePull(
        _ repository: RepositoryName, _ number: Int, title: String? = nil, body: String? = nil, state: String? = nil,
        base: String? = nil
    ) async throws(ForgeError) -> PullRequest {
        struct Body: Encodable, Sendable {
            var title: String?
            var body: String?
            var state: String?
            var base: String?
        }
        return try await send(
            "PATCH", "\(repository.path)/pulls/\(number)", Body(title: title, body: body, state: state, base: base),
            idempotent: true)
    }

    /// What it changes against its merge base; GitHub lists at most 3,000 files.
    package func pullFiles(_ repository: RepositoryName, _ number: Int) async throws(ForgeError) -> [ChangedFile] {
        try await list("\(repository.path)/pulls/\(number)/files")
    }

    /// Its commits, oldest first; GitHub lists at most 250.
    package func pullCommits(_ repository: RepositoryName, _ number: Int) async throws(ForgeError)
        -> [RepositoryCommit]
    {
        try await list("\(repository.path)/pulls/\(number)/commits")
    }
}
