import JobConfig
import SlipwayModel

/// `/verify-owners`: whether changed OWNERS files can be read and name people who are known. (Prow: plugins/verify-owners.)
package enum VerifyOwnersPlugin {
    package static let label = "do-not-merge/invalid-owners-file"

    package static let plugin = PullPlugin(
        "verify-owners",
        "Looks at changed OWNERS files: what cannot be read, or names people who are not trusted, does not merge.",
        commands: [verify],
        reaction: .init(
            needs: { event, context in matters(event, context) ? questions(context) : [] },
            react: { event, context in matters(event, context) ? decide(context) : [] }))

    static let verify = CommandDefinition(
        ["verify-owners"], usage: ["/verify-owners"], who: "anyone",
        effect: "Looks at the changed OWNERS files again, e.g. after somebody has joined: the label `\(label)`.",
        needs: { _, context in questions(context) }, decide: { _, context in decide(context) })

    private static func matters(_ event: PullEvent, _ context: PullContext) -> Bool {
        guard context.pull.isOpen else { return false }
        return [.opened, .reopened, .pushed].contains(event)
    }

    private static func questions(_ context: PullContext) -> [Question] {
        guard !context.settings.skipsCollaborators else { return [.owners] }
        let newcomers = context.facts.owners?.verification?.newcomers ?? []
        return [.owners] + Set(newcomers.map(\.login)).sorted().map { .trusted($0) }
    }

    private static func decide(_ context: PullContext) -> [PullAction] {
        guard let owners = context.facts.owners else { return [] }
        let verification = owners.verification
        let untrusted =
            context.settings.skipsCollaborators
            ? [] : verification?.untrusted { context.facts.isTrusted($0) } ?? []
        let isInvalid = !untrusted.isEmpty || verification?.errors.isEmpty == false
        var actions: [PullAction] = []
        if isInvalid != context.pull.has(label) {
            actions.append(isInvalid ? .addLabel(label) : .removeLabel(label))
        }
        if let verification, isInvalid || !verification.hints.isEmpty {
            let body = OwnersText.invalidOwners(verification, untrusted: untrusted, org: context.pull.repository.org)
            actions.append(.notice(tag: OwnersText.verifyTag, body: body))
        } else if context.pull.has(label) || context.comment != nil {
            actions.append(.notice(tag: OwnersText.verifyTag, body: nil))
        }
        return actions
    }
}
