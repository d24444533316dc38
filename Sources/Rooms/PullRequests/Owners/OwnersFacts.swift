import Forge
import Git
import SlipwayModel

/// What the OWNERS files of the base branch say about the changed files of one pull request.
package struct OwnersFacts: Sendable {
    package init() {}

    /// Whether the login is an approver of the root.
    package func approvesRoot(_ login: String) -> Bool { false }
}

/// Reads OWNERS files; asked outside of transactions.
struct OwnersReader: Sendable {
    let forge: ForgeClient
    let mirrors: GitMirrors

    /// - Throws: `ForgeError` where the forge, or `RetryLater` where its repository, cannot be asked now.
    func facts(of pull: PullSnapshot, changedFiles: [ChangedFile]) async throws -> OwnersFacts { OwnersFacts() }
}
