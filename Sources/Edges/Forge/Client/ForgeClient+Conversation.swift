package import SlipwayModel

/// Comments, labels, statuses and check runs.
extension ForgeClient {
    /// Every comment of an issue or pull request, oldest first.
    package func comments(_ repository: RepositoryName, _ number: Int) async throws(ForgeError) -> [IssueComment] {
        try await list("\(repository.path)/issues/\(number)/comments")
    }

    /// Not repeated by the client when the answer is lost: the comment may stand already.
    package func createComment(_ repository: RepositoryName, _ number: Int, body: String) async throws(ForgeError)
        -> IssueComment
    {
        try await send(
            "POST", "\(repository.path)/issues/\(number)/comments", CommentBody(body: body), idempotent: false)
    }

    package func updateComment(_ repository: RepositoryName, id: Int64, body: String) async throws(ForgeError)
        -> IssueComment
    {
        try await send(
            "PATCH", "\(repository.path)/issues/comments/\(id)", CommentBody(body: body), idempotent: true)
    }

    package func deleteComment(_ repository: RepositoryName, id: Int64) async throws(ForgeError) {
        try await perform("DELETE", "\(repository.path)/issues/comments/\(id)", idempotent: true)
    }

    private struct CommentBody: Encodable, Sendable {
        var body: String
    }

    package func labels(_ repository: RepositoryName, _ number: Int) async throws(ForgeError) -> [Label] {
        try await list("\(repository.path)/issues/\(number)/labels")
    }

    /// Adds labels; those it has already stay as they are.
    @discardableResult
    package func addLabels(_ repository: RepositoryName, _ number: Int, _ names: [String]) async throws(ForgeError)
        -> [Label]
    {
        struct Body: Encodable, Sendable {
            var labels: [String]
        }
        return try await send(
            "POST", "\(repository.path)/issues/\(number)/labels", Body(labels: names), idempotent: true)
    }

    /// A label that is not there is a 404.
    package func removeLabel(_ repository: RepositoryName, _ number: Int, _ name: String) async throws(ForgeError) {
        try await perform("DELETE", "\(repository.path)/issues/\(number)/labels/\(segment(name))", idempotent: true)
    }

    /// Sets the status of a context on a commit. The description is cut to GitHub's limit by its caller.
    package func createStatus(_ repository: RepositoryName, sha: String, _ status: CommitStatus)
        async throws(ForgeError)
    {
        // Of several statuses with one context the newest counts, so a repetition changes nothing.
        try await perform(
            "POST", "\(repository.path)/statuses/\(segment(sha))",
            CommitStatus(
                state: status.state, context: status.context, description: status.description,
                targetURL: status.targetURL), idempotent: true)
    }

    /// Every status of a commit, newest first. `ref` is a commit, branch or tag.
    package func statuses(_ repository: RepositoryName, ref: String) async throws(ForgeError) -> [CommitStatus] {
        try await list("\(repository.path)/commits/\(refPath(ref))/statuses")
    }

    /// The newest status of each context (the first 100 contexts).
    package func combinedStatus(_ repository: RepositoryName, ref: String) async throws(ForgeError) -> CombinedStatus {
        try await get("\(repository.path)/commits/\(refPath(ref))/status?per_page=100")
    }

    /// Makes a completed check run. GitHub takes them from Apps alone.
    package func createCheckRun(
        _ repository: RepositoryName, sha: String, name: String, conclusion: String, title: String, summary: String
    ) async throws(ForgeError) {
        let run = NewCheckRun(
            name: name, headSHA: sha, status: "completed", conclusion: conclusion,
            output: .init(title: title, summary: summary))
        // Made twice, the newer says the same.
        let _: CheckRun = try await send("POST", "\(repository.path)/check-runs", run, idempotent: true)
    }

    /// The newest check run of each name; none where the forge knows no check runs. Nil where it does not show them: to an
    /// App that has no permission to read them.
    package func checkRuns(_ repository: RepositoryName, ref: String) async throws(ForgeError) -> [CheckRun]? {
        do throws(ForgeError) {
            return try await list(
                "\(repository.path)/commits/\(refPath(ref))/check-runs?filter=latest", in: \CheckRunPage.checkRuns
            ).latest
        } catch {
            guard error.isNotFound || error.status == 403 else { throw error }
            return error.status == 403 ? nil : []
        }
    }
}
