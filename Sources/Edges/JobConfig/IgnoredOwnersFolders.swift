package import SlipwayModel

/// Folders in which OWNERS files are not looked for: `owners_dir_denylist` of Prow's `config.yaml`. Expressions are
/// matched against a folder's path; what lies below a folder that matches is left out as well.
package struct IgnoredOwnersFolders: Sendable, Hashable, Codable {
    /// For every repository.
    package var expressions: [String] = []
    /// By `org` or `org/repo`.
    package var ofRepositories: [String: [String]] = [:]
    /// `ignore_preconfigured_defaults`: not even those that Prow leaves out by itself.
    package var leavesOutUsual = false

    /// What Prow leaves out by itself.
    package static let usual = [#"\.git$"#, "_output$", "vendor/.*/.*"]

    package init() {}

    enum CodingKeys: String, CodingKey {
        case expressions = "default"
        case ofRepositories = "repos"
        case leavesOutUsual = "ignore_preconfigured_defaults"
    }

    /// The expressions that hold in a repository.
    package func expressions(of repository: RepositoryName) -> [String] {
        expressions + (ofRepositories[repository.org] ?? []) + (ofRepositories[repository.description] ?? [])
            + (leavesOutUsual ? [] : Self.usual)
    }
}
