import Forge
import FoundationEssentials
import Git
import SlipwayModel

/// Merging pull requests, and what stands against it.
extension RepositoryHost {
    struct MergeRequest: Decodable, Sendable {
        var sha: String?
        var method: String?
        var title: String?
        var message: String?

        enum CodingKeys: String, CodingKey {
            case sha
            case method = "merge_method"
            case title = "commit_title"
            case message = "commit_message"
        }
    }

    struct MergeAnswer: Encodable, Sendable {
        var sha: String
        var merged = true
        var message = "Pull Request successfully merged"
    }

    /// GitHub's refusals of a merge: 405 for what may not be, 409 for what moved.
    func merge(_ number: Int, _ request: MergeRequest, by login: String) async throws -> MergeAnswer {
        try await exclusively { host in
            guard let pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            guard pull.isOpen, !pull.isDraft else { throw ForgeRefusal.notMergeable }
            if let sha = request.sha, sha != pull.headSHA {
                throw ForgeRefusal(
                    status: 409, message: "Head branch was modified. Review and try the merge again.")
            }
            let method = request.method ?? "merge"
            try host.checkMethod(method)
            try host.checkContexts(of: pull)
            try host.checkReviews(of: pull)
            guard let base = host.state.branch(pull.baseRef) else { throw ForgeRefusal.notMergeable }
            let commit = try await host.mergeCommit(of: pull, onto: base, method, request, by: login)
            let ref = "refs/heads/\(pull.baseRef)"
            guard try await host.git.run(["update-ref", ref, commit, base]).status == 0 else {
                throw ForgeRefusal(
                    status: 409, message: "Base branch was modified. Review and try the merge again.")
            }
            try await host.take(ref: ref, new: commit, pusher: login, merged: number)
            return MergeAnswer(sha: commit)
        }
    }

    /// GitHub's word for what stands against a merge; nil where it is not open.
    func mergeableState(of pull: RepositoryState.Pull) -> String? {
        guard pull.isOpen else { return nil }
        if pull.isDraft { return "draft" }
        guard let mergeability = pull.mergeability else { return "unknown" }
        guard mergeability.mergeable else { return "dirty" }
        do {
            try checkContexts(of: pull)
            try checkReviews(of: pull)
            return "clean"
        } catch {
            return "blocked"
        }
    }

    private func checkMethod(_ method: String) throws {
        let names = ["merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"]
        guard let name = names[method] else {
            throw ForgeRefusal.invalid("PullRequest", "merge_method", "merge_method is merge, squash or rebase")
        }
        if state.forbiddenMethods?.contains(method) == true {
            throw ForgeRefusal(status: 405, message: "\(name) are not allowed on this repository.")
        }
    }

    private func checkContexts(of pull: RepositoryState.Pull) throws {
        let green = state.greenContexts(of: pull.headSHA)
        for context in state.protection?[pull.baseRef]?.contexts ?? [] where !green.contains(context) {
            throw ForgeRefusal(status: 405, message: "Required status check \"\(context)\" is expected.")
        }
    }

    /// Each reviewer's latest verdict counts.
    private func checkReviews(of pull: RepositoryState.Pull) throws {
        let wanted = state.protection?[pull.baseRef]?.approvals ?? 0
        guard wanted > 0 else { return }
        var verdicts: [String: String] = [:]
        for review in pull.reviews ?? [] where review.state != "commented" { verdicts[review.author] = review.state }
        guard verdicts.values.count(where: { $0 == "approved" }) >= wanted else {
            throw ForgeRefusal(
                status: 405,
                message:
                    "At least \(wanted) approving review\(wanted == 1 ? " is" : "s are") required by reviewers with write access."
            )
        }
    }

    private func mergeCommit(
        of pull: RepositoryState.Pull, onto base: String, _ method: String, _ request: MergeRequest, by login: String
    ) async throws -> String {
        let identity = GitIdentity(name: login, email: "\(login)@localhost")
        if method == "rebase" {
            var current = base
            for commit in try await git.commits(["--no-merges", pull.headSHA, "^\(base)"], limit: 100).reversed() {
                guard let parent = commit.parents.first,
                    let tree = try await git.cherryPick(commit.sha, of: parent, onto: current).tree
                else { throw ForgeRefusal.notMergeable }
                current = try await git.commitTree(
                    tree, parents: [current], message: commit.message,
                    author: (
                        GitIdentity(name: commit.author.name, email: commit.author.email),
                        Int64(commit.author.date?.date.timeIntervalSince1970 ?? 0)
                    ), committer: identity)
            }
            return current
        }
        guard let tree = try await git.merge(base, pull.headSHA).tree else { throw ForgeRefusal.notMergeable }
        let isMerge = method == "merge"
        let title =
            request.title
            ?? (isMerge
                ? "Merge pull request #\(pull.number) from \(name.org)/\(pull.headRef)"
                : "\(pull.title) (#\(pull.number))")
        let message = request.message ?? (isMerge ? pull.title : pull.body ?? "")
        return try await git.commitTree(
            tree, parents: isMerge ? [base, pull.headSHA] : [base],
            message: message.isEmpty ? title + "\n" : "\(title)\n\n\(message)\n", committer: identity)
    }

    // MARK: Settings

    func protect(_ branch: String, _ protection: RepositoryState.BranchProtection?) async throws {
        try await exclusively { host in
            var changed = host.state
            var all = changed.protection ?? [:]
            all[branch] = protection
            changed.protection = all.isEmpty ? nil : all
            try PushRecord.protect(all.filter(\.value.requiresPull).map(\.key), in: host.git.folder)
            try host.commit(changed)
        }
    }

    /// - Parameter allowed: By method; those that are absent stay as they are.
    func allow(_ allowed: [String: Bool]) async throws -> Repository {
        try await exclusively { host in
            var changed = host.state
            var forbidden = Set(changed.forbiddenMethods ?? [])
            for (method, isAllowed) in allowed {
                if isAllowed { forbidden.remove(method) } else { forbidden.insert(method) }
            }
            changed.forbiddenMethods = forbidden.isEmpty ? nil : forbidden.sorted()
            try host.commit(changed)
            return host.presenter.repository()
        }
    }

    // MARK: Issues

    func openIssue(title: String, body: String?, labels: [String], by author: String) async throws -> Issue {
        try await exclusively { host in
            try Self.check(title: title, body: body)
            var changed = host.state
            let now = Timestamp.now()
            for label in labels { _ = changed.label(label) }
            let issue = RepositoryState.IssueRecord(
                id: changed.takeID(), number: changed.nextNumber, title: title, body: body, author: author,
                isOpen: true, labels: labels, createdAt: now, updatedAt: now)
            changed.nextNumber += 1
            changed.issues = (changed.issues ?? [:]).merging([issue.number: issue]) { $1 }
            try host.commit(changed)
            return host.presenter.issue(issue)
        }
    }

    func closeIssue(_ number: Int) async throws -> Issue {
        try await exclusively { host in
            guard var issue = host.state.issues?[number] else { throw ForgeRefusal.notFound }
            issue.isOpen = false
            issue.updatedAt = .now()
            var changed = host.state
            changed.issues?[number] = issue
            try host.commit(changed)
            return host.presenter.issue(issue)
        }
    }
}

extension ForgeRefusal {
    fileprivate static let notMergeable = ForgeRefusal(status: 405, message: "Pull Request is not mergeable")
}
