import Patterns

/// Prow's rule (plugins/releasenote): each pull request says in its opening text what its users will notice.
///
/// | block ```` ```release-note ```` | label |
/// |---|---|
/// | none, or empty | `do-not-merge/release-note-label-needed`; after `/release-note-none`: `release-note-none` |
/// | `NONE` | `release-note-none` |
/// | contains "action required" | `release-note-action-required` |
/// | anything else | `release-note` |
package enum ReleaseNotePlugin {
    package static let needed = "do-not-merge/release-note-label-needed"
    static let none = "release-note-none"
    static let note = "release-note"
    static let actionRequired = "release-note-action-required"
    static let tag = "<!-- slipway-release-note -->"

    package static let plugin = PullPlugin(
        "release-note", "Wants a release note in the opening text.", commands: [noteNone],
        reaction: PullPlugin.Reaction(react: { event, context in
            switch event {
            case .opened, .reopened, .edited, .labeled, .unlabeled:
                context.pull.isOpen ? decide(context.pull, saysNone: saidNone(context)) : []
            default: []
            }
        }))

    static let noteNone = CommandDefinition(
        ["release-note-none", "release-note"], usage: ["/release-note-none"],
        who: "its author, and who is trusted", effect: "Says that there is nothing to note.",
        needs: { _, context in context.isAuthor ? [] : [.trusted(context.actor)] }
    ) { calls, context in
        guard calls.contains(where: { $0.name == "release-note-none" }) else {
            return [.answer(PullRequestsText.releaseNoteStandsInBody)]
        }
        guard context.isAuthor || context.facts.isTrusted(context.actor) else {
            return [.answer(PullRequestsText.mayNotSayNone)]
        }
        guard block(context.pull.body).map({ isNone($0) }) ?? true else {
            return [.answer(PullRequestsText.noteContradicts)]
        }
        return decide(context.pull, saysNone: true)
    }

    private static func saidNone(_ context: PullContext) -> Bool {
        context.pull.has(none) || context.history.commands.contains { $0.call.name == "release-note-none" }
    }

    private static func decide(_ pull: PullSnapshot, saysNone: Bool) -> [PullAction] {
        let label: String
        switch block(pull.body) {
        case nil: label = saysNone ? none : needed
        case let text? where isNone(text): label = none
        case let text?: label = text.lowercased().contains("action required") ? actionRequired : note
        }
        var actions: [PullAction] = [needed, none, note, actionRequired].filter { $0 != label && pull.has($0) }
            .map { .removeLabel($0) }
        if !pull.has(label) { actions.append(.addLabel(label)) }
        if label == needed, !pull.has(label) {
            actions.append(.notice(tag: tag, body: PullRequestsText.releaseNoteNeeded))
        } else if label != needed, pull.has(needed) {
            actions.append(.notice(tag: tag, body: nil))
        }
        return actions
    }

    private static let pattern = try? Pattern(
        #"(?is)(?:release note\*\*:\s*(?:<!--[^<>]*-->\s*)?```(?:release-note)?|```release-note)(.+?)```"#)

    /// The text of the release note; nil where there is none.
    package static func block(_ body: String) -> String? {
        let plain = body.replacing("\r\n", with: "\n")
        guard let groups = pattern?.firstMatch(in: plain), groups.count > 1, let text = groups[1] else { return nil }
        var found = text
        while let first = found.first, first.isWhitespace { found.removeFirst() }
        while let last = found.last, last.isWhitespace { found.removeLast() }
        return found.isEmpty ? nil : String(found)
    }

    private static func isNone(_ text: String) -> Bool {
        let word = text.lowercased().filter { $0.isLetter || $0 == "/" }
        return word == "none" || word == "na" || word == "n/a"
    }
}
