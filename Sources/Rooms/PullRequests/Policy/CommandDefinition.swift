package import SlipwayModel

/// A command that people write on pull requests. The help page, `/command-help`, `docs/pull-requests.md` and
/// `slipway commands` are made from these values, and the worker obeys them: there is no other list.
package struct CommandDefinition: Sendable {
    /// Every name it answers to, without the slash, the one to teach first.
    package let names: [String]
    /// Each way to write it, e.g. `/hold`, `/hold cancel`.
    package let usage: [String]
    /// Who may, as a phrase for a table.
    package let who: String
    /// What it does, as a sentence for a table.
    package let effect: String
    /// Whether it means anything on a pull request that is closed.
    package let worksOnClosed: Bool
    /// What has to be asked of the forge before it can be decided.
    package let needs: @Sendable ([CommandCall], PullContext) -> [Question]
    /// What follows. Called once per comment with all of the comment's calls of this command, in their order, because
    /// the forge's users mean a comment as a whole: `/hold` and `/hold cancel` in one comment is no hold.
    package let decide: @Sendable ([CommandCall], PullContext) -> [PullAction]

    package init(
        _ names: [String], usage: [String], who: String, effect: String, worksOnClosed: Bool = false,
        needs: @escaping @Sendable ([CommandCall], PullContext) -> [Question] = { _, _ in [] },
        decide: @escaping @Sendable ([CommandCall], PullContext) -> [PullAction]
    ) {
        self.names = names
        self.usage = usage
        self.who = who
        self.effect = effect
        self.worksOnClosed = worksOnClosed
        self.needs = needs
        self.decide = decide
    }
}

/// One command as it stands in a comment.
package struct CommandCall: Hashable, Sendable {
    /// In lower case, without the slash.
    package var name: String
    /// The rest of its line, without blanks around it.
    package var arguments: String

    package init(name: String, arguments: String = "") {
        self.name = name
        self.arguments = arguments
    }

    /// The words of the rest of its line; commas between them count as blanks.
    package var words: [String] {
        arguments.split { $0.isWhitespace || $0 == "," }.map(String.init)
    }

    /// `/hold cancel`, `/lgtm cancel` …
    package var isCancel: Bool { words.first?.lowercased() == "cancel" }

    /// As it was written.
    package var text: String { arguments.isEmpty ? "/\(name)" : "/\(name) \(arguments)" }
}

/// Where commands were written, which also makes them happen once.
package struct CommentReference: Hashable, Sendable {
    package var kind: CommentWritten.Kind
    /// 0 for the opening body.
    package var id: Int64
    package var link: String?

    package init(kind: CommentWritten.Kind, id: Int64, link: String? = nil) {
        self.kind = kind
        self.id = id
        self.link = link
    }
}
