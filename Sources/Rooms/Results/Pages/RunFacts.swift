import FoundationEssentials
import SlipwayModel
import Web

/// The list of a run's properties at its side.
struct RunFacts {
    private let attempt: RunPage.Attempt
    private let now: Date

    init(_ attempt: RunPage.Attempt, now: Date) {
        self.attempt = attempt
        self.now = now
    }

    /// Terms with what they are, in the order they are shown.
    var facts: [[String: PageValue]] {
        let detail = attempt.detail
        let run = detail.summary
        var facts: [(String, Markup?)] = []
        facts.append(("Requested", "\(Markup.age(run.requestedAt, now: now)) \(ResultsText.origin(detail.origin))"))
        facts += refs(detail.refs)
        facts.append(("Context", run.context.map { Markup(escaping: $0) }))
        facts.append(("Started", run.startedAt.map { Markup.instant($0) }))
        facts.append(("Finished", run.finishedAt.map { Markup.instant($0) }))
        facts.append(("Cluster", Self.link("/runs" + Link.query([("cluster", run.cluster)]), run.cluster)))
        facts.append(("Agent", detail.agent.map { Markup(escaping: $0) }))
        facts.append(("Exit code", detail.exitCode.map { Markup(escaping: String($0)) }))
        facts.append(("Tested tree", detail.tree.map { Self.commit($0, link: nil) }))
        facts.append(("Priority", detail.priority == 0 ? nil : Markup(escaping: String(detail.priority))))
        facts.append(("Asked again by", detail.rerunCommand.map { "<code>\($0)</code>" }))
        facts.append(("Configured in", detail.source.map(Self.place)))
        facts.append(("Configuration", detail.configVersion.map { "version \($0)" }))
        facts.append(("Build", "<code>\(attempt.build.description)</code>"))
        return facts.compactMap { term, markup in
            markup.map { ["term": .text(term), "detail": .markup($0)] }
        }
    }

    /// Where a job is written: `FILE:LINE`, or `FILE@COMMIT:LINE` of the repository's own, perhaps with `+HEAD`.
    static func place(_ source: String) -> Markup {
        let halves = source.split(separator: "@", maxSplits: 1)
        guard halves.count == 2, let colon = halves[1].lastIndex(of: ":") else { return Markup(escaping: source) }
        let commits = halves[1][..<colon].split(separator: "+").map(String.init)
        guard !commits.isEmpty, commits.allSatisfy(GitName.isCommit) else { return Markup(escaping: source) }
        let short = Markup(joining: commits.map { commit($0, link: nil) }, by: " with ")
        return "\(String(halves[0]))\(String(halves[1][colon...])) at \(short)"
    }

    private func refs(_ refs: Refs?) -> [(String, Markup?)] {
        guard let refs else { return [] }
        let repository = refs.repository
        var facts: [(String, Markup?)] = [
            ("Repository", Self.external(Link.external(refs.repoLink), repository.description))
        ]
        if let base = refs.baseRef {
            let sha = refs.baseSHA.map { Self.commit($0, link: Link.external(refs.baseLink)) } ?? ""
            facts.append(("Base", "\(base) \(sha)"))
        }
        for pull in (refs.pulls ?? []).prefix(50) {
            let path = RunRow.pullPath(repository, pull.number)
            let forge = Link.external(pull.link).map { link -> Markup in
                " <a href=\"\(link)\" rel=\"noreferrer\" title=\"At the forge\">↗<span class=\"visually-hidden\"> at the forge</span></a>"
            }
            let title: Markup = pull.title.map { " \($0)" } ?? ""
            facts.append(
                (
                    "Pull request",
                    "<a href=\"\(path)\">#\(pull.number)</a>\(title) by \(pull.author) \(Self.commit(pull.sha, link: Link.external(pull.commitLink)))\(forge ?? "")"
                ))
        }
        return facts
    }

    /// The first characters of a hash, the whole as its title.
    static func commit(_ sha: String, link: String?) -> Markup {
        let short: Markup = "<code title=\"\(sha)\">\(String(sha.prefix(10)))</code>"
        return link.map { "<a href=\"\($0)\" rel=\"noreferrer\">\(short)</a>" } ?? short
    }

    static func external(_ link: String?, _ text: String) -> Markup {
        link.map { "<a href=\"\($0)\" rel=\"noreferrer\">\(text)</a>" } ?? Markup(escaping: text)
    }

    static func link(_ path: String, _ text: String) -> Markup { "<a href=\"\(path)\">\(text)</a>" }
}
