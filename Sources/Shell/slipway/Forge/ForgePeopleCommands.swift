import ArgumentParser
import Forge
import FoundationEssentials
import RoomKit
import SlipwayModel

struct ForgeUserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Users of the forge.", subcommands: [Add.self])

    enum Role: String, ExpressibleByArgument, CaseIterable {
        case member, admin, outside
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a user, as a member or an admin of an organization, or as somebody outside.")

        @Argument(help: "The user's login.") var name: String
        @Option(help: "The organization.") var org: String
        @Option(help: "member, admin or outside.") var role = Role.member
        @OptionGroup var forge: ForgeOptions

        func run() async throws {
            let client = try forge.client()
            switch role {
            case .outside: try await client.createUser(name)
            case .member, .admin: try await client.setMembership(org: org, user: name, role: role.rawValue)
            }
            print("\(name) is \(role == .outside ? "outside of" : "\(role.rawValue) of") \(org)")
        }
    }
}

struct ForgePullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pr", abstract: "Pull requests of the forge.", subcommands: [Open.self])

    struct Open: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Open a pull request for a branch that was pushed.")

        @Argument(help: "ORG/REPO.") var repository: RepositoryArgument
        @Option(help: "The branch that is offered.") var head: String
        @Option(help: "The branch that would take it.") var base = "main"
        @Option(help: "Its title.") var title: String
        @Option(help: "Its description.") var body: String?
        @Option(help: "Who opens it.") var author: String
        @Flag(help: "Open it as a draft.") var draft = false
        @OptionGroup var forge: ForgeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let name = repository.name
            let (pull, link) = try await forge.looking(for: "\(name)", in: name, as: author) { client in
                let pull = try await client.openPull(
                    name, title: title, head: head, base: base, body: body, draft: draft)
                return (pull, client.address.pullLink(name, pull.number))
            }
            if output.format == .json {
                try output.printJSON(pull)
            } else {
                print("opened \(name)#\(pull.number): \(link)")
            }
        }
    }
}

struct ForgeCommentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "comment", abstract: "Comment on a pull request.")

    @Argument(help: "ORG/REPO#N.") var pull: PullArgument
    @Option(help: "Who writes it.") var author: String
    @Option(help: "What it says, e.g. '/test all'.") var body: String
    @OptionGroup var forge: ForgeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let comment = try await forge.looking(for: "\(pull)", in: pull.repository, as: author) { client in
            try await client.createComment(pull.repository, pull.number, body: body)
        }
        if output.format == .json {
            try output.printJSON(comment)
        } else {
            print("commented on \(pull.repository)#\(pull.number): \(comment.htmlURL ?? "")")
        }
    }
}

struct ForgeShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print a pull request: its state, its statuses, its comments.")

    @Argument(help: "ORG/REPO#N.") var pull: PullArgument
    @OptionGroup var forge: ForgeOptions
    @OptionGroup var output: OutputOptions

    struct Shown: Encodable {
        var pull: PullRequest
        var statuses: [CommitStatus]
        var comments: [IssueComment]
    }

    func run() async throws {
        let shown = try await forge.looking(for: "\(pull)", in: pull.repository) { client in
            let found = try await client.pull(pull.repository, pull.number)
            return Shown(
                pull: found,
                statuses: try await client.combinedStatus(pull.repository, ref: found.head.sha).statuses,
                comments: try await client.comments(pull.repository, pull.number))
        }
        if output.format == .json {
            try output.printJSON(shown)
        } else {
            print(Self.text(shown, pull.repository))
        }
    }

    static func text(_ shown: Shown, _ repository: RepositoryName) -> String {
        let pull = shown.pull
        let merges =
            switch pull.mergeable {
            case true?: ", merges cleanly"
            case false?: ", conflicts with \(pull.base.ref)"
            case nil: ""
            }
        var lines = [
            "\(repository)#\(pull.number) \(pull.title)",
            "\(pull.wasMerged ? "merged" : pull.state)\(pull.isDraft == true ? ", draft" : "")\(merges); \(pull.author) offers \(pull.head.ref) (\(pull.head.sha.prefix(12))) to \(pull.base.ref)",
        ]
        if !pull.labelNames.isEmpty { lines.append("labels: \(pull.labelNames.joined(separator: ", "))") }
        if let link = pull.htmlURL { lines.append(link) }
        lines.append("")
        if shown.statuses.isEmpty {
            lines.append("no statuses")
        } else {
            lines.append(
                TextTable(
                    ["CONTEXT", "STATE", "DESCRIPTION", "DETAILS"],
                    shown.statuses.map {
                        [$0.context, $0.state, words($0.description ?? ""), $0.targetURL ?? ""]
                    }
                ).description)
        }
        for comment in shown.comments {
            lines += ["", "\(comment.author), \(comment.createdAt?.description ?? ""):", comment.body ?? ""]
        }
        return lines.joined(separator: "\n")
    }

    /// A description without the padding that keeps its base commit at the end.
    private static func words(_ description: String) -> String {
        description.split(separator: " ").joined(separator: " ")
    }
}
