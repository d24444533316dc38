import Forge
import Git
import SlipwayModel

/// Makes GitHub's shapes out of a repository's state.
struct Presenter: Sendable {
    let webURL: String
    let accounts: Accounts.Content
    let state: RepositoryState

    private var page: String { "\(webURL)/\(state.name)" }
    private var api: String { "\(webURL)/api/v3/repos/\(state.name)" }

    func account(_ login: String) -> Account {
        var account = accounts.account(login)
        account.htmlURL = "\(webURL)/\(login)"
        return account
    }

    func repository() -> Repository {
        var repository = Repository(
            id: state.id, name: state.name.repo, fullName: state.name.description, owner: account(state.name.org),
            isPrivate: false, isArchived: false, isFork: false, defaultBranch: state.defaultBranch, htmlURL: page,
            cloneURL: "\(page).git", url: api)
        let forbidden = state.forbiddenMethods ?? []
        repository.allowsMergeCommit = !forbidden.contains("merge")
        repository.allowsSquashMerge = !forbidden.contains("squash")
        repository.allowsRebaseMerge = !forbidden.contains("rebase")
        return repository
    }

    /// The author's relation to the repository, in GitHub's words.
    func association(_ login: String) -> String {
        if login == state.name.org { return "OWNER" }
        if accounts.role(state.name.org, login) != nil { return "MEMBER" }
        if state.collaborators[login] != nil { return "COLLABORATOR" }
        return "NONE"
    }

    func pull(_ record: RepositoryState.Pull) -> PullRequest {
        func branch(_ ref: String, _ sha: String) -> PullRequest.Branch {
            PullRequest.Branch(
                ref: ref, sha: sha, label: "\(state.name.org):\(ref)", user: account(state.name.org),
                repo: repository())
        }
        var pull = PullRequest(
            number: record.number, state: record.isOpen ? "open" : "closed", title: record.title,
            user: account(record.author), head: branch(record.headRef, record.headSHA),
            base: branch(record.baseRef, record.baseSHA))
        pull.id = record.id
        pull.body = record.body
        pull.labels = labels(record.labels)
        pull.assignees = (record.assignees ?? []).map(account)
        pull.requestedReviewers = (record.requestedReviewers ?? []).map(account)
        pull.milestone = record.milestone.flatMap { number in
            state.milestones?[number].map { Milestone(number: number, title: $0) }
        }
        pull.isDraft = record.isDraft
        pull.isMerged = record.mergedAt != nil
        pull.mergeable = record.isOpen ? record.mergeability?.mergeable : nil
        pull.mergeCommitSHA = record.mergeCommitSHA ?? (record.isOpen ? record.mergeability?.mergeSHA : nil)
        pull.authorAssociation = association(record.author)
        pull.createdAt = record.createdAt
        pull.updatedAt = record.updatedAt
        pull.closedAt = record.closedAt
        pull.mergedAt = record.mergedAt
        pull.htmlURL = "\(page)/pull/\(record.number)"
        return pull
    }

    func issue(_ record: RepositoryState.Pull) -> Issue {
        var issue = Issue(
            number: record.number, state: record.isOpen ? "open" : "closed", title: record.title,
            user: account(record.author))
        issue.id = record.id
        issue.body = record.body
        issue.labels = labels(record.labels)
        issue.isDraft = record.isDraft
        issue.authorAssociation = association(record.author)
        issue.htmlURL = "\(page)/pull/\(record.number)"
        issue.pullRequest = Issue.PullRequestLink(
            url: "\(api)/pulls/\(record.number)", htmlURL: issue.htmlURL, mergedAt: record.mergedAt)
        issue.createdAt = record.createdAt
        issue.updatedAt = record.updatedAt
        issue.closedAt = record.closedAt
        return issue
    }

    func issue(_ record: RepositoryState.IssueRecord) -> Issue {
        var issue = Issue(
            number: record.number, state: record.isOpen ? "open" : "closed", title: record.title,
            user: account(record.author))
        issue.id = record.id
        issue.body = record.body
        issue.labels = labels(record.labels)
        issue.authorAssociation = association(record.author)
        issue.htmlURL = "\(page)/issues/\(record.number)"
        issue.createdAt = record.createdAt
        issue.updatedAt = record.updatedAt
        return issue
    }

    func labels(_ names: [String]) -> [Label] { names.map { state.labels[$0] ?? Label(name: $0) } }

    func review(_ record: RepositoryState.Review, on pull: RepositoryState.Pull) -> Review {
        Review(
            id: record.id, user: account(record.author), body: record.body, state: record.state, commitID: record.sha,
            authorAssociation: association(record.author),
            htmlURL: "\(page)/pull/\(pull.number)#pullrequestreview-\(record.id)", submittedAt: record.submittedAt)
    }

    func comment(_ record: RepositoryState.Comment) -> IssueComment {
        var comment = IssueComment(id: record.id, body: record.body, user: account(record.author))
        comment.authorAssociation = association(record.author)
        comment.htmlURL = "\(page)/pull/\(record.number)#issuecomment-\(record.id)"
        comment.createdAt = record.createdAt
        comment.updatedAt = record.updatedAt
        return comment
    }

    func status(_ record: RepositoryState.Status) -> CommitStatus {
        var status = CommitStatus(
            state: record.state, context: record.context, description: record.description,
            targetURL: record.targetURL)
        status.id = record.id
        status.creator = account(record.creator)
        status.createdAt = record.createdAt
        status.updatedAt = record.createdAt
        return status
    }

    func combined(_ sha: String) -> CombinedStatus {
        let statuses = state.latestStatuses(of: sha)
        let summary: String
        if statuses.contains(where: { $0.state == "failure" || $0.state == "error" }) {
            summary = "failure"
        } else if statuses.isEmpty || statuses.contains(where: { $0.state == "pending" }) {
            summary = "pending"
        } else {
            summary = "success"
        }
        return CombinedStatus(
            state: summary, sha: sha, totalCount: statuses.count, statuses: statuses.map(status))
    }

    func commit(_ commit: GitCommit) -> RepositoryCommit {
        RepositoryCommit(
            sha: commit.sha,
            commit: RepositoryCommit.Detail(
                message: commit.message, author: commit.author, committer: commit.committer,
                tree: RepositoryCommit.Link(sha: commit.tree)),
            author: accounts.users[commit.author.name].map { account($0.login) },
            parents: commit.parents.map(RepositoryCommit.Link.init), htmlURL: "\(page)/commit/\(commit.sha)")
    }
}
