import Patterns
import SlipwayModel

/// Prow's rule (plugins/releasenote): each pull request says in its opening text what its users will notice.
///
/// | block ```` ```release-note ```` | label |
/// |---|---|
/// | none, or empty | `do-not-merge/release-note-label-needed`; after `/release-note-none`: `release-note-none` |
/// | `NONE`, `NO` | `release-note-none` |
/// | contains "action required" | `release-note-action-required` |
/// | anything else | `release-note` |
///
/// With `kind/deprecation` there is something to note: neither `NONE` nor `/release-note-none` will do. What brings other
/// pull requests to a release branch ("Cherry pick of #7 on release-1.0.") needs no note where all of them have one.
package enum ReleaseNotePlugin {
    package static let needed = "do-not-merge/release-note-label-needed"
    static let none = "release-note-none"
    static let note = "release-note"
    static let actionRequired = "release-note-action-required"
    static let deprecation = "kind/deprecation"
    static let tag = "<!-- slipway-release-note -->"

    package static let plugin = PullPlugin(
        "release-note", "Wants a release note in the opening text.", commands: [noteNone, edit],
        reaction: PullPlugin.Reaction(
            needs: { event, context in
                concerns(event) && context.pull.isOpen ? origins(context.pull).map { .labels(of: $0) } : []
            },
            react: { event, context in
                concerns(event) && context.pull.isOpen ? decide(context, saysNone: saidNone(context)) : []
            }))

    private static func concerns(_ event: PullEvent) -> Bool {
        switch event {
        case .opened, .reopened, .edited, .readyForReview, .labeled, .unlabeled: true
        default: false
        }
    }

    static let noteNone = CommandDefinition(
        ["release-note-none", "release-note", "release-note-action-required"], usage: ["/release-note-none"],
        who: "its author, and who is trusted", effect: "Says that there is nothing to note.",
        needs: { _, context in
            (context.isAuthor ? [] : [.trusted(context.actor)]) + origins(context.pull).map { .labels(of: $0) }
        }
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
        guard !context.pull.has(deprecation) else { return [.answer(PullRequestsText.deprecationIsNoted(deprecation))] }
        return decide(context, saysNone: true)
    }

    static let edit = CommandDefinition(
        ["release-note-edit"], usage: ["/release-note-edit"], who: "members of the organization",
        effect: "Puts the block ```` ```release-note ```` of the comment in the place of the one in the opening text.",
        needs: { _, context in [.member(context.actor)] }
    ) { _, context in
        guard context.facts.isMember(context.actor) else {
            return [.answer(PullRequestsText.mayNotEditNote(context.pull.repository.org))]
        }
        guard let note = block(context.written) else { return [.answer(PullRequestsText.noNoteInComment)] }
        guard let body = replacing(context.pull.body, with: note) else {
            return [.answer(PullRequestsText.noNoteInBody)]
        }
        return body == context.pull.body ? [] : [.rewrite(body)]
    }

    private static func saidNone(_ context: PullContext) -> Bool {
        context.pull.has(none) || context.history.commands.contains { $0.call.name == "release-note-none" }
    }

    private static func decide(_ context: PullContext, saysNone: Bool) -> [PullAction] {
        let pull = context.pull
        let mayBeNone = !pull.has(deprecation)
        let label: String
        switch block(pull.body) {
        case nil where isNoted(context) && !saysNone:
            return pull.has(needed) ? [.removeLabel(needed), .notice(tag: tag, body: nil)] : []
        case nil: label = saysNone && mayBeNone ? none : needed
        case let text? where isNone(text): label = mayBeNone ? none : needed
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

    private static let origin = try? Pattern(#"Cherry pick of #(\d+) on release-\d+\.\d+."#)

    /// The pull requests that this one brings to another branch.
    private static func origins(_ pull: PullSnapshot) -> [Int] {
        guard pull.baseRef != "master", pull.baseRef != "main" else { return [] }
        let numbers = (origin?.allMatches(in: pull.body) ?? []).compactMap { groups in
            groups.count > 1 ? groups[1].flatMap { Int($0) } : nil
        }
        return Array(Set(numbers)).sorted().suffix(20)
    }

    /// Whether all that it brings has its notes where it came from.
    private static func isNoted(_ context: PullContext) -> Bool {
        let origins = origins(context.pull)
        return !origins.isEmpty
            && origins.allSatisfy { number in
                (context.facts.labelsOfOthers[number] ?? []).contains { $0 == note || $0 == actionRequired }
            }
    }

    /// A text whose release note is another one; nil where it has no block for one.
    private static func replacing(_ body: String, with note: String) -> String? {
        let plain = body.replacing("\r\n", with: "\n")
        guard let groups = pattern?.firstMatch(in: plain), groups.count > 1, let text = groups[1] else { return nil }
        return plain[..<text.startIndex] + "\n\(note)\n" + plain[text.endIndex...]
    }

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
        return ["none", "no", "na", "n/a"].contains(word)
    }
}
