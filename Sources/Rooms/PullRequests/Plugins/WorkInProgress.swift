import Patterns

/// Prow's rule (plugins/wip): a title that begins with WIP, or a draft, is not to be merged.
package enum WorkInProgressPlugin {
    package static let label = "do-not-merge/work-in-progress"

    package static let plugin = PullPlugin(
        "wip", "Keeps drafts, and pull requests whose title begins with WIP, from being merged.",
        reaction: PullPlugin.Reaction(react: { event, context in
            switch event {
            case .opened, .reopened, .edited, .readyForReview, .convertedToDraft: decide(context)
            default: []
            }
        }))

    private static func decide(_ context: PullContext) -> [PullAction] {
        let isWork = context.pull.isDraft || isMarked(context.pull.title)
        if isWork == context.pull.has(label) { return [] }
        return [isWork ? .addLabel(label) : .removeLabel(label)]
    }

    /// `^\W?WIP\W`, without regard to case.
    package static func isMarked(_ title: String) -> Bool {
        var rest = title[...]
        if let first = rest.first, !isWord(first) { rest.removeFirst() }
        guard rest.prefix(3).lowercased() == "wip", let next = rest.dropFirst(3).first else { return false }
        return !isWord(next)
    }

    private static func isWord(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }
}
