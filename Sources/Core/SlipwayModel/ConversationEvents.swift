/// Somebody wrote on a pull request, or took back what was written. The text itself is in the delivery.
package struct CommentWritten: Event {
    package static let type = "comment.written"

    package enum Kind: String, Sendable, Codable {
        case comment
        case review
        /// On a line of the change.
        case reviewComment = "review_comment"
        /// The text a pull request was opened with.
        case body
    }

    package var repository: RepositoryName
    package var number: Int
    package var kind: Kind
    /// GitHub's action: created, edited, deleted; submitted, dismissed for a review.
    package var action: String
    /// Unique within the kind.
    package var commentID: Int64
    package var author: String
    package var deliveryID: String
    /// When it was written, in Unix milliseconds.
    package var subjectVersion: Int64

    package init(
        repository: RepositoryName, number: Int, kind: Kind, action: String, commentID: Int64, author: String,
        deliveryID: String, subjectVersion: Int64
    ) {
        self.repository = repository
        self.number = number
        self.kind = kind
        self.action = action
        self.commentID = commentID
        self.author = author
        self.deliveryID = deliveryID
        self.subjectVersion = subjectVersion
    }

    package var subject: String { "comment/\(repository)/\(kind.rawValue)/\(commentID)" }
}

/// Who belongs to an organisation, a team or a repository changed: what was remembered of it holds no more.
package struct PeopleChanged: Event {
    package static let type = "people.changed"
    package var org: String
    /// Nil where the whole organisation is meant.
    package var repository: RepositoryName?
    /// The team's slug.
    package var team: String?
    /// Nil where anybody may be meant.
    package var login: String?
    package var deliveryID: String

    package init(org: String, repository: RepositoryName?, team: String?, login: String?, deliveryID: String) {
        self.org = org
        self.repository = repository
        self.team = team
        self.login = login
        self.deliveryID = deliveryID
    }

    package var subject: String { "people/\(org)" }
}

/// A repository is called otherwise from now on, or is new under a name that another one may have had.
package struct RepositoryNamed: Event {
    package static let type = "repository.named"
    /// Its name now.
    package var repository: RepositoryName
    /// Its name before; nil where it is new.
    package var former: RepositoryName?
    package var deliveryID: String

    package init(repository: RepositoryName, former: RepositoryName?, deliveryID: String) {
        self.repository = repository
        self.former = former
        self.deliveryID = deliveryID
    }

    package var subject: String { "repository/\(repository)" }
}

/// A branch moved against which pull requests are open, or which has a merge pool.
package struct BaseMoved: Event {
    package static let type = "base.moved"
    package var repository: RepositoryName
    package var branch: String
    package var sha: String
    package var deliveryID: String

    package init(repository: RepositoryName, branch: String, sha: String, deliveryID: String) {
        self.repository = repository
        self.branch = branch
        self.sha = sha
        self.deliveryID = deliveryID
    }

    package var subject: String { "ref/\(repository)/\(branch)" }
}

/// Somebody else than us said how a commit stands: by a status, or by a check run, whose name is the context.
package struct StatusTold: Event {
    package static let type = "status.told"
    package var repository: RepositoryName
    package var sha: String
    package var context: String
    package var sender: String
    package var deliveryID: String

    package init(repository: RepositoryName, sha: String, context: String, sender: String, deliveryID: String) {
        self.repository = repository
        self.sha = sha
        self.context = context
        self.sender = sender
        self.deliveryID = deliveryID
    }

    package var subject: String { "commit/\(repository)/\(sha)" }
}
