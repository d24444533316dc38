/// An entry of `blunderbuss` in Prow's `plugins.yaml`, with Prow's defaults.
package struct ReviewerRules: Sendable, Hashable {
    package var requestCount = 2
    /// 0 for no limit.
    package var maximum = 0
    package var excludesApprovers = false
    package var ignoresDrafts = false
    package var ignoredAuthors: [String] = []

    package init() {}
}

/// Who is asked to review a change. Pure, and the same at every run; Prow's plugin `blunderbuss`.
///
/// One reviewer of the nearest OWNERS file of each file; then more of those files until there are enough; then
/// reviewers of folders above; then, unless `exclude_approvers`, approvers in the same order. Never the author. Where
/// there is a choice the pull request's number decides, so that the load is spread. Required reviewers come on top. A
/// change of the whole tree asks `limit` people at most.
package enum ReviewerChoice {
    static let limit = 30

    package static func choose(
        _ changed: [String], in tree: OwnersTree, author: String, rules: ReviewerRules, seed: Int
    ) -> [String] {
        guard rules.requestCount > 0 else { return [] }
        let groups = tree.groups(of: changed).map(\.ownership)
        var draw = Draw(author: author, count: rules.requestCount, seed: seed)
        draw.add(groups.map(\.reviewers))
        if draw.people.count < rules.requestCount, !rules.excludesApprovers {
            // From the beginning, not only as many as are missing: somebody may be both.
            var more = Draw(author: author, count: rules.requestCount, seed: seed)
            more.add(groups.map(\.approvers))
            let missing = rules.requestCount - draw.people.count
            draw.people += more.people.filter { !draw.people.contains($0) }.prefix(missing)
        }
        var people = draw.people
        if rules.maximum > 0 { people = Array(people.prefix(rules.maximum)) }
        let author = author.lowercased()
        for login in groups.flatMap(\.requiredReviewers) where login != author && !people.contains(login) {
            people.append(login)
        }
        return people
    }

    private struct Draw {
        let author: String
        let count: Int
        let seed: Int
        var people: [String] = []

        init(author: String, count: Int, seed: Int) {
            self.author = author.lowercased()
            self.count = count
            self.seed = seed
        }

        mutating func add(_ groups: [[Ownership.Layer]]) {
            var seen: Set<String> = []
            var leaves: [String] = []
            for layers in groups {
                guard let nearest = layers.first, people.count < ReviewerChoice.limit,
                    seen.insert(nearest.folder).inserted
                else { continue }
                let free = order(nearest.names)
                leaves += free.dropFirst()
                people += free.prefix(1)
            }
            take(order(leaves))
            for layers in groups {
                for layer in layers where people.count < count { take(order(layer.names)) }
            }
        }

        private mutating func take(_ candidates: [String]) {
            for login in candidates where people.count < count && !people.contains(login) { people.append(login) }
        }

        private func order(_ logins: [String]) -> [String] {
            Set(logins).filter { $0 != author && !people.contains($0) }
                .map { (ApproverSuggestion.order($0, seed: seed), $0) }.sorted { $0 < $1 }.map { $0.1 }
        }
    }
}
