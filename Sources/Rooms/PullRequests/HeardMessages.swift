import Fleet
import SlipwayModel

/// The messages of a batch by what they tell, with their repositories called as they are called now.
struct HeardMessages: Sendable {
    /// Each with the trace it belongs to.
    private(set) var changes: [(PullChanged, String?)] = []
    private(set) var comments: [(CommentWritten, String?)] = []
    private(set) var statuses: [StatusTold] = []
    private(set) var bases: [BaseMoved] = []
    private(set) var namings: [RepositoryNamed] = []
    private(set) var forgotten: [PeopleChanged] = []

    init(_ messages: [Message]) throws {
        for message in messages {
            let trace = message.envelope.traceparent
            switch message.envelope.type {
            case PullChanged.type: changes.append((try message.decode(PullChanged.self), trace))
            case CommentWritten.type: comments.append((try message.decode(CommentWritten.self), trace))
            case StatusTold.type: statuses.append(try message.decode(StatusTold.self))
            case BaseMoved.type: bases.append(try message.decode(BaseMoved.self))
            case RepositoryNamed.type: namings.append(try message.decode(RepositoryNamed.self))
            default: forgotten.append(try message.decode(PeopleChanged.self))
            }
        }
    }

    var repositories: Set<RepositoryName> {
        Set(
            changes.map(\.0.repository) + comments.map(\.0.repository) + statuses.map(\.repository)
                + bases.map(\.repository))
    }

    /// What was sent under a former name is about the repository as it is called now.
    mutating func follow(_ known: CurrentNames) {
        var names = known
        for naming in namings { names.note(naming) }
        for index in changes.indices { names.renew(&changes[index].0.repository) }
        for index in comments.indices { names.renew(&comments[index].0.repository) }
        for index in statuses.indices { names.renew(&statuses[index].repository) }
        for index in bases.indices { names.renew(&bases[index].repository) }
    }
}
