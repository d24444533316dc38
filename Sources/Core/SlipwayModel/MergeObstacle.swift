/// One thing that keeps a pull request from being merged, for its pages and its comments.
package struct MergeObstacle: Hashable, Sendable, Codable {
    /// A sentence: what is not met.
    package var rule: String
    /// Who can meet it, and how.
    package var remedy: String?
    package var link: String?

    package init(rule: String, remedy: String? = nil, link: String? = nil) {
        self.rule = rule
        self.remedy = remedy
        self.link = link
    }
}
