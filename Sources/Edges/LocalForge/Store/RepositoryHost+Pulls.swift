import Forge
import Git
import SlipwayModel

/// Opening, reading and changing pull requests.
extension RepositoryHost {
    struct Opening: Decodable, Sendable {
        var title: String
        var head: String
        var base: String
        var body: String?
        var draft: Bool?
    }

    struct Edit: Decodable, Sendable {
        var title: String?
        var body: String?
        var state: String?
        var base: String?
        /// GitHub lets this be changed by GraphQL alone.
        var draft: Bool?
    }

    /// Most characters of a title and of a body, as at GitHub.
    static let titleLimit = 256
    static let bodyLimit = 65_536

    func open(_ opening: Opening, by author: String) async throws -> PullRequest {
        try await exclusively { host in
            let head =
                opening.head.hasPrefix("\(host.name.org):")
                ? String(opening.head.dropFirst(host.name.org.count + 1)) : opening.head
            try Self.check(title: opening.title, body: opening.body)
            guard let headSHA = host.state.branch(head) else {
                throw ForgeRefusal.invalid(
                    "PullRequest", "head", "there is no branch \(head) in \(host.name); push it first")
            }
            guard let baseSHA = host.state.branch(opening.base) else {
                throw ForgeRefusal.invalid("PullRequest", "base", "there is no branch \(opening.base) in \(host.name)")
            }
            let twin = host.state.pulls.values.first {
                $0.isOpen && $0.headRef == head && $0.baseRef == opening.base
            }
            if let twin {
                throw ForgeRefusal.invalid(
                    "PullRequest", "head",
                    "A pull request already exists for \(host.name.org):\(head): number \(twin.number).")
            }
            guard head != opening.base, try await host.git.count([headSHA, "^\(baseSHA)"]) > 0 else {
                throw ForgeRefusal.invalid("PullRequest", "head", "No commits between \(opening.base) and \(head)")
            }

            var changed = host.state
            let now = Timestamp.now()
            var pull = RepositoryState.Pull(
                id: changed.takeID(), number: changed.nextNumber, title: opening.title, body: opening.body,
                author: author, headRef: head, headSHA: headSHA, baseRef: opening.base, baseSHA: baseSHA,
                isOpen: true, isDraft: opening.draft ?? false, labels: [], createdAt: now, updatedAt: now)
            changed.nextNumber += 1
            try await host.git.updateRef("refs/pull/\(pull.number)/head", to: headSHA)
            pull.mergeability = try await host.mergeability(of: pull, in: changed)
            changed.pulls[pull.number] = pull
            try host.commit(changed, [host.event("opened", pull, by: author)])
            return host.presenter.pull(pull)
        }
    }

    /// One pull request with its mergeability as of now, and its size.
    func detail(_ number: Int) async throws -> PullRequest {
        try await exclusively { host in
            guard var pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            if pull.isOpen {
                let found = try await host.mergeability(of: pull, in: host.state)
                if found?.base != pull.mergeability?.base || found?.head != pull.mergeability?.head {
                    pull.mergeability = found
                    var changed = host.state
                    changed.pulls[number] = pull
                    try host.commit(changed)
                }
            }
            var answer = host.presenter.pull(pull)
            answer.mergeableState = host.mergeableState(of: pull)
            let files = try await host.files(pull)
            answer.commits = try await host.git.count([pull.headSHA, "^\(pull.baseSHA)"])
            answer.changedFiles = files.count
            answer.additions = files.reduce(0) { $0 + ($1.additions ?? 0) }
            answer.deletions = files.reduce(0) { $0 + ($1.deletions ?? 0) }
            return answer
        }
    }

    /// What a pull request changes against its merge base; at most 3,000 files, as at GitHub.
    func files(_ number: Int) async throws -> [ChangedFile] {
        guard let pull = state.pulls[number] else { throw ForgeRefusal.notFound }
        return try await files(pull)
    }

    private func files(_ pull: RepositoryState.Pull) async throws -> [ChangedFile] {
        guard let base = try await git.mergeBase(pull.baseSHA, pull.headSHA) else { return [] }
        return Array(try await git.changes(base, pull.headSHA).prefix(3000))
    }

    /// A pull request's commits, oldest first; at most 250, as at GitHub.
    func commits(_ number: Int) async throws -> [GitCommit] {
        guard let pull = state.pulls[number] else { throw ForgeRefusal.notFound }
        return try await git.commits([pull.headSHA, "^\(pull.baseSHA)"], limit: 250).reversed()
    }

    func edit(_ number: Int, _ edit: Edit, by login: String) async throws -> PullRequest {
        try await exclusively { host in
            guard var pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            try Self.check(title: edit.title ?? pull.title, body: edit.body)
            var causes: [Cause] = []
            var changes = PullRequestEvent.Changes()
            if let title = edit.title, title != pull.title {
                changes.title = PullRequestEvent.Changes.Previous(from: pull.title)
                pull.title = title
            }
            if let body = edit.body, body != pull.body {
                changes.body = PullRequestEvent.Changes.Previous(from: pull.body)
                pull.body = body
            }
            if let base = edit.base, base != pull.baseRef {
                guard let sha = host.state.branch(base) else {
                    throw ForgeRefusal.invalid("PullRequest", "base", "there is no branch \(base) in \(host.name)")
                }
                changes.base = PullRequestEvent.Changes.Base(
                    ref: PullRequestEvent.Changes.Previous(from: pull.baseRef),
                    sha: PullRequestEvent.Changes.Previous(from: pull.baseSHA))
                pull.baseRef = base
                pull.baseSHA = sha
            }
            pull.updatedAt = .now()
            if let state = edit.state, (state == "open") != pull.isOpen {
                try host.set(&pull, state: state)
                causes.append(host.event(pull.isOpen ? "reopened" : "closed", pull, by: login))
            }
            if let draft = edit.draft, draft != pull.isDraft {
                pull.isDraft = draft
                causes.append(host.event(draft ? "converted_to_draft" : "ready_for_review", pull, by: login))
            }
            if changes != PullRequestEvent.Changes() {
                causes.insert(host.event("edited", pull, by: login, changes: changes), at: 0)
            }
            if pull.isOpen { pull.mergeability = try await host.mergeability(of: pull, in: host.state) }
            var changed = host.state
            changed.pulls[number] = pull
            try host.commit(changed, causes)
            return host.presenter.pull(pull)
        }
    }

    private func set(_ pull: inout RepositoryState.Pull, state wanted: String) throws {
        switch wanted {
        case "closed":
            pull.isOpen = false
            pull.closedAt = .now()
        case "open":
            guard pull.mergedAt == nil, state.branch(pull.headRef) == pull.headSHA else {
                throw ForgeRefusal.invalid(
                    "PullRequest", "state",
                    "pull request \(pull.number) cannot be reopened: it was merged, or its branch is gone or moved")
            }
            pull.isOpen = true
            pull.closedAt = nil
        default:
            throw ForgeRefusal.invalid("PullRequest", "state", "state is open or closed, not '\(wanted)'")
        }
    }

    /// Adds and removes labels; an event for each that changes. `replacing` drops all others.
    func label(_ number: Int, add: [String], remove: [String] = [], replacing: Bool = false, by login: String)
        async throws -> [Label]
    {
        try await exclusively { host in
            guard var pull = host.state.pulls[number] else { throw ForgeRefusal.notFound }
            var changed = host.state
            var causes: [Cause] = []
            let dropped = replacing ? pull.labels.filter { !add.contains($0) } : remove
            for name in dropped {
                guard pull.labels.contains(name) else {
                    throw ForgeRefusal(status: 404, message: "Label does not exist")
                }
                pull.labels.removeAll { $0 == name }
                let label = changed.label(name)
                causes.append(host.event("unlabeled", pull, by: login, label: label))
            }
            for name in add where !pull.labels.contains(name) {
                guard (1...50).contains(name.count) else {
                    throw ForgeRefusal.invalid("Label", "name", "a label has 1 to 50 characters")
                }
                pull.labels.append(name)
                let label = changed.label(name)
                causes.append(host.event("labeled", pull, by: login, label: label))
            }
            if !causes.isEmpty {
                pull.updatedAt = .now()
                changed.pulls[number] = pull
                try host.commit(changed, causes)
            }
            return host.presenter.labels(pull.labels)
        }
    }

    func event(
        _ action: String, _ pull: RepositoryState.Pull, by login: String, label: Label? = nil,
        changes: PullRequestEvent.Changes? = nil
    ) -> Cause {
        Cause("pull_request", action) {
            PullRequestEvent(
                action: action, pullRequest: $0.pull(pull), repository: $0.repository(), sender: $0.account(login),
                label: label, changes: changes)
        }
    }

    static func check(title: String, body: String?) throws {
        guard !title.allSatisfy(\.isWhitespace), title.count <= titleLimit else {
            throw ForgeRefusal.invalid("PullRequest", "title", "a title has 1 to \(titleLimit) characters")
        }
        if let body, body.count > bodyLimit {
            throw ForgeRefusal.invalid(
                "PullRequest", "body", "body is too long (maximum is \(bodyLimit) characters)")
        }
    }
}
