import Forge
import Git
import SlipwayModel

/// Comments and statuses.
extension RepositoryHost {
    func addComment(_ number: Int, body: String, by author: String) async throws -> IssueComment {
        try await exclusively { host in
            guard let pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            try Self.check(comment: body)
            var changed = host.state
            let now = Timestamp.now()
            let comment = RepositoryState.Comment(
                id: changed.takeID(), number: number, author: author, body: body, createdAt: now, updatedAt: now)
            changed.comments.append(comment)
            changed.pulls[number]?.updatedAt = now
            try host.commit(changed, [host.event("created", comment, on: pull, by: author)])
            return host.presenter.comment(comment)
        }
    }

    func editComment(_ id: Int64, body: String, by login: String, mayAll: Bool) async throws -> IssueComment {
        try await exclusively { host in
            try Self.check(comment: body)
            let (index, pull) = try host.find(id, by: login, mayAll: mayAll)
            var changed = host.state
            changed.comments[index].body = body
            changed.comments[index].updatedAt = .now()
            let comment = changed.comments[index]
            try host.commit(changed, [host.event("edited", comment, on: pull, by: login)])
            return host.presenter.comment(comment)
        }
    }

    func deleteComment(_ id: Int64, by login: String, mayAll: Bool) async throws {
        try await exclusively { host in
            let (index, pull) = try host.find(id, by: login, mayAll: mayAll)
            var changed = host.state
            let comment = changed.comments.remove(at: index)
            try host.commit(changed, [host.event("deleted", comment, on: pull, by: login)])
        }
    }

    private func find(_ id: Int64, by login: String, mayAll: Bool) throws -> (Int, RepositoryState.Pull) {
        guard let index = state.comments.firstIndex(where: { $0.id == id }),
            let pull = state.pulls[state.comments[index].number]
        else { throw ForgeRefusal.notFound }
        guard mayAll || state.comments[index].author == login else {
            throw ForgeRefusal.forbidden("only its author and the organization's admins may change comment \(id)")
        }
        return (index, pull)
    }

    private func event(
        _ action: String, _ comment: RepositoryState.Comment, on pull: RepositoryState.Pull, by login: String
    ) -> Cause {
        Cause("issue_comment", action) {
            IssueCommentEvent(
                action: action, issue: $0.issue(pull), comment: $0.comment(comment), repository: $0.repository(),
                sender: $0.account(login))
        }
    }

    private static func check(comment body: String) throws {
        guard !body.allSatisfy(\.isWhitespace) else {
            throw ForgeRefusal.invalid("IssueComment", "body", "a comment cannot be blank")
        }
        guard body.count <= bodyLimit else {
            throw ForgeRefusal.invalid(
                "IssueComment", "body", "body is too long (maximum is \(bodyLimit) characters)")
        }
    }

    func addStatus(_ status: CommitStatus, to sha: String, by creator: String) async throws -> CommitStatus {
        try await exclusively { host in
            guard sha.count == 40, try await host.git.objectType(sha) == "commit" else {
                throw ForgeRefusal(status: 422, message: "No commit found for SHA: \(sha.prefix(100))")
            }
            guard ["error", "failure", "pending", "success"].contains(status.state) else {
                throw ForgeRefusal.invalid("Status", "state", "state is error, failure, pending or success")
            }
            guard (status.description ?? "").count <= CommitStatus.descriptionLimit else {
                throw ForgeRefusal.invalid(
                    "Status", "description", "description is too long (maximum is 140 characters)")
            }
            guard (1...255).contains(status.context.count) else {
                throw ForgeRefusal.invalid("Status", "context", "a context has 1 to 255 characters")
            }
            guard status.targetURL.map({ $0.hasPrefix("http://") || $0.hasPrefix("https://") }) ?? true else {
                throw ForgeRefusal.invalid("Status", "target_url", "target_url must use http(s) scheme")
            }
            var changed = host.state
            let record = RepositoryState.Status(
                id: changed.takeID(), state: status.state, context: status.context, description: status.description,
                targetURL: status.targetURL, creator: creator, createdAt: .now())
            changed.add(record, to: sha)
            try host.commit(
                changed,
                [
                    Cause("status", nil) {
                        StatusEvent(
                            id: record.id, sha: sha, status: $0.status(record), repository: $0.repository(),
                            sender: $0.account(creator))
                    }
                ])
            return host.presenter.status(record)
        }
    }

    /// Sets or, with nil, takes away a collaborator's permission.
    func setCollaborator(_ login: String, permission: String?) async throws {
        try await exclusively { host in
            var changed = host.state
            changed.collaborators[login] = permission
            try host.commit(changed)
        }
    }

    /// Makes a label of the repository.
    func createLabel(_ label: Label) async throws -> Label {
        try await exclusively { host in
            guard (1...50).contains(label.name.count) else {
                throw ForgeRefusal.invalid("Label", "name", "a label has 1 to 50 characters")
            }
            guard host.state.labels[label.name] == nil else {
                throw ForgeRefusal.invalid("Label", "name", "the label \(label.name) exists already")
            }
            var changed = host.state
            var made = changed.label(label.name)
            made.color = label.color ?? made.color
            made.description = label.description
            changed.labels[label.name] = made
            try host.commit(changed)
            return made
        }
    }
}
