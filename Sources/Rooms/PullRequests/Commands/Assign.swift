/// `/assign`, `/cc` and their opposites. Prow's rule (plugins/assign).
package enum AssignPlugin {
    package static let plugin = PullPlugin(
        "assign", "Assigns people, and asks them for reviews.", commands: [assign, review])

    static let assign = CommandDefinition(
        ["assign", "unassign"], usage: ["/assign", "/assign @LOGIN …", "/unassign", "/unassign @LOGIN …"],
        who: "anyone", effect: "Assigns the named people, or who says it, or takes them off.", worksOnClosed: true,
        needs: { calls, context in
            logins(calls, "assign", context)?.map { .assignable($0) } ?? []
        }
    ) { calls, context in
        let added = logins(calls, "assign", context) ?? []
        let removed = logins(calls, "unassign", context) ?? []
        let able = added.filter { context.facts.isAssignable($0) }
        let unable = added.filter { !context.facts.isAssignable($0) }
        return list(able, PullAction.assign) + list(removed, PullAction.unassign)
            + (unable.isEmpty ? [] : [.answer(PullRequestsText.cannotAssign(unable))])
    }

    static let review = CommandDefinition(
        ["cc", "uncc"], usage: ["/cc", "/cc @LOGIN … @ORG/TEAM", "/uncc", "/uncc @LOGIN …"], who: "anyone",
        effect: "Asks the named people, or who says it, for a review, or no more.",
        needs: { calls, context in
            (logins(calls, "cc", context) ?? []).filter { !$0.contains("/") }.map { .collaborator($0) }
        }
    ) { calls, context in
        let asked = logins(calls, "cc", context) ?? []
        let able = asked.filter {
            !Login.same($0, context.pull.author) && ($0.contains("/") || context.facts.isCollaborator($0))
        }
        let unable = asked.filter { !able.contains($0) }
        return list(able, PullAction.requestReviews)
            + list(logins(calls, "uncc", context) ?? [], PullAction.withdrawReviewRequests)
            + (unable.isEmpty ? [] : [.answer(PullRequestsText.cannotReview(unable))])
    }

    private static func list(_ names: [String], _ action: ([String]) -> PullAction) -> [PullAction] {
        names.isEmpty ? [] : [action(names)]
    }

    /// The people that calls of one name mean, each once; nil where there is no such call. A line that holds something
    /// else than names is a sentence, and means nobody.
    static func logins(_ calls: [CommandCall], _ name: String, _ context: PullContext) -> [String]? {
        let own = calls.filter { $0.name == name }
        guard !own.isEmpty else { return nil }
        var found: [String] = []
        for call in own {
            let words = call.words.map { Login.plain($0) }
            guard words.allSatisfy(isName) else { continue }
            for login in words.isEmpty ? [context.actor] : words
            where !found.contains(where: { Login.same($0, login) }) && found.count < limit {
                found.append(login)
            }
        }
        return found
    }

    /// A comment that names more people than this means nobody in particular.
    private static let limit = 50

    /// A login, or `org/team`.
    private static func isName(_ word: String) -> Bool {
        let parts = word.split(separator: "/", omittingEmptySubsequences: false)
        return (1...2).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part.count <= 100
                    && part.utf8.allSatisfy { byte in
                        byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
                    }
            }
    }
}
