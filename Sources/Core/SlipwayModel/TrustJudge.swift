/// Who may start runs. PullRequests keeps the rules and what is known of people, Scheduling asks; the shell wires both.
package protocol TrustJudge: Sendable {
    /// - Throws: where nobody can be asked now. What cannot be known is never a yes.
    func isTrusted(_ login: String, in repository: RepositoryName) async throws -> Bool
}
