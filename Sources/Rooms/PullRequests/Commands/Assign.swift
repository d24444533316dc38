/// `/assign`, `/cc` and their opposites. Prow's rule (plugins/assign).
package enum AssignPlugin {
    package static let plugin = PullPlugin(
        "assign", "Assigns people, and asks them for reviews.", commands: [assign, review])

    static let assign = CommandDefinition(
        ["assign", "unassign"], usage: ["/assign", "/assign @LOGIN …", "/unassign", "/unassign @LOGIN …"],
        who: "anyone", effect: "Assigns the named people, or who says it, or takes them off.", worksOnClosed: true,
        needs: { calls, context in
            wishes(calls, "assign", context).added.map { .assignable($0) }
        }
    ) { calls, context in
        let people = wishes(calls, "assign", context)
        var able = people.added.filter { context.facts.isAssignable($0) }
        let unable = people.added.filter { !able.contains($0) }
        let staying = context.pull.assignees.filter { known in
            !people.removed.contains { Login.same($0, known) } && !able.contains { Login.same($0, known) }
        }
        let tooMany = able.dropFirst(max(0, assigneeLimit - staying.count))
        able.removeLast(tooMany.count)
        return list(people.removed, PullAction.unassign) + list(able, PullAction.assign)
            + (unable.isEmpty ? [] : [.answer(PullRequestsText.cannotAssign(unable))])
            + (tooMany.isEmpty ? [] : [.answer(PullRequestsText.tooManyAssignees(Array(tooMany), assigneeLimit))])
    }

    /// The forge assigns no more people than this to one pull request.
    private static let assigneeLimit = 10

    static let review = CommandDefinition(
        ["cc", "uncc"], usage: ["/cc", "/cc @LOGIN … @ORG/TEAM", "/uncc", "/uncc @LOGIN …"], who: "anyone",
        effect: "Asks the named people, or who says it, for a review, or no more.",
        needs: { calls, context in
            wishes(calls, "cc", context).added.filter { !$0.contains("/") }.map { .collaborator($0) }
        }
    ) { calls, context in
        let people = wishes(calls, "cc", context)
        let able = people.added.filter {
            !Login.same($0, context.pull.author) && ($0.contains("/") || context.facts.isCollaborator($0))
        }
        let unable = people.added.filter { !able.contains($0) }
        return list(people.removed, PullAction.withdrawReviewRequests) + list(able, PullAction.requestReviews)
            + (unable.isEmpty ? [] : [.answer(PullRequestsText.cannotReview(unable))])
    }

    private static func list(_ names: [String], _ action: ([String]) -> PullAction) -> [PullAction] {
        names.isEmpty ? [] : [action(names)]
    }

    /// Whom the calls of a command and of its opposite mean, each once: the last word on somebody counts. A line that
    /// holds something else than names is a sentence, and means nobody.
    private static func wishes(
        _ calls: [CommandCall], _ name: String, _ context: PullContext
    ) -> (added: [String], removed: [String]) {
        var wishes: [(login: String, isAdded: Bool)] = []
        for call in calls where call.name == name || call.name == "un" + name {
            let words = call.words.map { Login.plain($0) }
            guard words.allSatisfy(isName) else { continue }
            for login in words.isEmpty ? [context.actor] : words {
                let isAdded = call.name == name
                if wishes.contains(where: { Login.same($0.login, login) && $0.isAdded == isAdded }) { continue }
                wishes.removeAll { Login.same($0.login, login) }
                if wishes.count < limit { wishes.append((login, isAdded)) }
            }
        }
        return (wishes.filter(\.isAdded).map(\.login), wishes.filter { !$0.isAdded }.map(\.login))
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
