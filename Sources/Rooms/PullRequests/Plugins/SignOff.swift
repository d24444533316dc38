import Forge
import JobConfig
import Patterns
import SlipwayModel

/// Prow's rule (plugins/dco): each commit that is no merge says "Signed-off-by:", unless its author need not.
package enum SignOffPlugin {
    static let yes = "dco-signoff: yes"
    static let no = "dco-signoff: no"
    static let context = "dco"
    static let tag = "<!-- slipway-dco -->"

    package static let plugin = PullPlugin(
        "dco", "Wants commits signed off, as the Developer Certificate of Origin has it.", commands: [check],
        reaction: PullPlugin.Reaction(
            needs: { event, context in concerns(event) ? questions(context) : [] },
            react: { event, context in concerns(event) ? decide(context) : [] }))

    static let check = CommandDefinition(
        ["check-dco"], usage: ["/check-dco"], who: "anyone", effect: "Looks at the sign-offs of the commits again.",
        needs: { _, context in questions(context) }
    ) { _, context in decide(context) }

    private static func concerns(_ event: PullEvent) -> Bool { [.opened, .reopened, .pushed].contains(event) }

    private static func questions(_ context: PullContext) -> [Question] {
        guard context.settings.signOff.trust != nil else { return [.commits] }
        let authors = Set(unsigned(context).compactMap { $0.author?.login }).sorted()
        return [.commits] + authors.map { .needsNoSignOff($0) }
    }

    private static let pattern = try? Pattern(#"(?mi)^signed-off-by:"#)

    /// Commits that say nothing of it, whoever wrote them.
    private static func unsigned(_ context: PullContext) -> [RepositoryCommit] {
        (context.facts.commits ?? []).filter { commit in
            (commit.parents?.count ?? 0) < 2 && !(pattern?.matches(commit.commit.message) ?? false)
        }
    }

    private static func decide(_ context: PullContext) -> [PullAction] {
        guard context.facts.commits != nil else { return [] }
        let missing = unsigned(context).filter { commit in
            !(commit.author.map { context.facts.needsNoSignOff($0.login) } ?? false)
        }
        guard !missing.isEmpty else {
            return (context.pull.has(no) ? [.removeLabel(no)] : []) + (context.pull.has(yes) ? [] : [.addLabel(yes)])
                + [
                    .status(context: Self.context, state: "success", description: PullRequestsText.signedOff),
                    .notice(tag: tag, body: nil),
                ]
        }
        let lines = missing.map { commit in
            (commit.sha, commit.commit.message.split(separator: "\n").first.map(String.init) ?? "")
        }
        return (context.pull.has(no) ? [] : [.addLabel(no)]) + (context.pull.has(yes) ? [.removeLabel(yes)] : []) + [
            .status(context: Self.context, state: "failure", description: PullRequestsText.notSignedOff),
            .notice(tag: tag, body: PullRequestsText.signOffMissing(lines, guide: guide(context))),
        ]
    }

    /// Where it is told how.
    private static func guide(_ context: PullContext) -> String {
        let rule = context.settings.signOff
        let repository = rule.guideRepository ?? context.pull.repository.description
        let branch = rule.guideBranch ?? context.pull.defaultBranch ?? context.pull.baseRef
        return "\(context.pull.forgeAddress)/\(repository)/blob/\(branch)/\(rule.guidePath ?? "CONTRIBUTING.md")"
    }
}
