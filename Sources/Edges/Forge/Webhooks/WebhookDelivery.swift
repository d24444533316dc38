import JSONCoding
package import SlipwayModel

/// A delivery's payload, read by the name of its event (header `X-GitHub-Event`).
package enum WebhookDelivery: Hashable, Sendable {
    case pullRequest(PullRequestEvent)
    case issueComment(IssueCommentEvent)
    case pullRequestReview(PullRequestReviewEvent)
    case pullRequestReviewComment(PullRequestReviewCommentEvent)
    case push(PushEvent)
    case issues(IssuesEvent)
    case status(StatusEvent)
    case ping(PingEvent)
    case checkRun(CheckRunEvent)
    case create(ReferenceEvent)
    case delete(ReferenceEvent)
    case label(LabelEvent)
    case people(event: String, PeopleEvent)
    case repository(RepositoryEvent)
    /// An event that nothing here reads; its envelope still says where it belongs.
    case other(event: String, WebhookEnvelope)

    /// Reads a JSON payload. Fields that are not known are ignored.
    package init(event: String, payload: [UInt8]) throws(WebhookError) {
        func read<T: Decodable>(_ type: T.Type) throws(WebhookError) -> T {
            do {
                return try JSONReader(dates: .iso8601).read(type, from: payload)
            } catch let error as DecodingError {
                throw WebhookError(event: event, reason: error.clause)
            } catch {
                throw WebhookError(event: event, reason: "it is not a JSON document")
            }
        }
        switch event {
        case "pull_request": self = .pullRequest(try read(PullRequestEvent.self))
        case "issue_comment": self = .issueComment(try read(IssueCommentEvent.self))
        case "pull_request_review": self = .pullRequestReview(try read(PullRequestReviewEvent.self))
        case "pull_request_review_comment":
            self = .pullRequestReviewComment(try read(PullRequestReviewCommentEvent.self))
        case "push": self = .push(try read(PushEvent.self))
        case "issues": self = .issues(try read(IssuesEvent.self))
        case "status": self = .status(try read(StatusEvent.self))
        case "ping": self = .ping(try read(PingEvent.self))
        case "check_run": self = .checkRun(try read(CheckRunEvent.self))
        case "create": self = .create(try read(ReferenceEvent.self))
        case "delete": self = .delete(try read(ReferenceEvent.self))
        case "label": self = .label(try read(LabelEvent.self))
        case "organization", "membership", "member", "team":
            self = .people(event: event, try read(PeopleEvent.self))
        case "repository": self = .repository(try read(RepositoryEvent.self))
        default: self = .other(event: event, try read(WebhookEnvelope.self))
        }
    }

    /// The name of the event, as its header gives it.
    package var event: String {
        switch self {
        case .pullRequest: "pull_request"
        case .issueComment: "issue_comment"
        case .pullRequestReview: "pull_request_review"
        case .pullRequestReviewComment: "pull_request_review_comment"
        case .push: "push"
        case .issues: "issues"
        case .status: "status"
        case .ping: "ping"
        case .checkRun: "check_run"
        case .create: "create"
        case .delete: "delete"
        case .label: "label"
        case .people(let event, _): event
        case .repository: "repository"
        case .other(let event, _): event
        }
    }

    /// What the event says happened; nil where the event knows no actions.
    package var action: String? {
        switch self {
        case .pullRequest(let event): event.action
        case .issueComment(let event): event.action
        case .pullRequestReview(let event): event.action
        case .pullRequestReviewComment(let event): event.action
        case .issues(let event): event.action
        case .checkRun(let event): event.action
        case .label(let event): event.action
        case .people(_, let event): event.action
        case .repository(let event): event.action
        case .other(_, let envelope): envelope.action
        case .push, .status, .ping, .create, .delete: nil
        }
    }

    /// The repository it happened in; nil for events of an organisation.
    package var repository: RepositoryName? {
        switch self {
        case .pullRequest(let event): event.repository.repositoryName
        case .issueComment(let event): event.repository.repositoryName
        case .pullRequestReview(let event): event.repository.repositoryName
        case .pullRequestReviewComment(let event): event.repository.repositoryName
        case .push(let event): event.repository.repositoryName
        case .issues(let event): event.repository.repositoryName
        case .status(let event): event.repository.repositoryName
        case .ping(let event): event.repository?.repositoryName
        case .checkRun(let event): event.repository.repositoryName
        case .create(let event), .delete(let event): event.repository.repositoryName
        case .label(let event): event.repository.repositoryName
        case .people(_, let event): event.repository?.repositoryName
        case .repository(let event): event.repository.repositoryName
        case .other(_, let envelope): envelope.repository?.repositoryName
        }
    }

    /// The login of who caused it.
    package var sender: String? {
        switch self {
        case .pullRequest(let event): event.sender?.login
        case .issueComment(let event): event.sender?.login
        case .pullRequestReview(let event): event.sender?.login
        case .pullRequestReviewComment(let event): event.sender?.login
        case .push(let event): event.sender?.login ?? event.pusher?.name
        case .issues(let event): event.sender?.login
        case .status(let event): event.sender?.login
        case .ping(let event): event.sender?.login
        case .checkRun(let event): event.sender?.login
        case .create(let event), .delete(let event): event.sender?.login
        case .label(let event): event.sender?.login
        case .people(_, let event): event.sender?.login
        case .repository(let event): event.sender?.login
        case .other(_, let envelope): envelope.sender?.login
        }
    }
}

/// A payload that does not have its event's shape.
package struct WebhookError: Error, CustomStringConvertible, Sendable {
    package let event: String
    /// Which field is wrong, and how.
    package let reason: String

    package var description: String { "the payload of the \(event) delivery cannot be read: \(reason)" }
}

extension DecodingError {
    /// The error as one clause that names the field.
    package var clause: String {
        func path(_ context: Context, _ last: (any CodingKey)? = nil) -> String {
            let keys = (context.codingPath + (last.map { [$0] } ?? [])).map { key in
                key.intValue.map(String.init) ?? key.stringValue
            }
            return keys.isEmpty ? "the document" : "'\(keys.joined(separator: "."))'"
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(path(context, key)) is missing"
        case .valueNotFound(_, let context): return "\(path(context)) is null"
        case .typeMismatch(let type, let context): return "\(path(context)) is not of type \(type)"
        case .dataCorrupted(let context):
            if context.codingPath.isEmpty { return "it is not a JSON document" }
            return "\(path(context)): \(context.debugDescription)"
        @unknown default: return "it has an unexpected shape"
        }
    }
}
