package import Patterns
package import SlipwayModel

/// One entry of `tide.queries`: a pull request that meets all of it is merged once its tests pass.
package struct TideQuery: Sendable, Hashable, Codable {
    package var orgs: [String] = []
    /// `org/repo`, beside those of `orgs`.
    package var repos: [String] = []
    package var excludedRepos: [String] = []
    /// Each has to be there; `a,b` means either.
    package var labels: [String] = []
    /// None may be there.
    package var missingLabels: [String] = []
    /// Names of branches, not expressions; empty: every branch.
    package var includedBranches: [String] = []
    package var excludedBranches: [String] = []
    package var author: String?
    package var milestone: String?
    /// The forge has to count enough approving reviews.
    package var reviewApprovedRequired = false
    /// The line of `config.yaml` it begins on.
    package var line = 0

    package init() {}

    package func covers(_ repository: RepositoryName) -> Bool {
        if orgs.contains(repository.org) { return !excludedRepos.contains(repository.description) }
        return repos.contains(repository.description)
    }

    package func takesBranch(_ branch: String) -> Bool {
        !excludedBranches.contains(branch) && (includedBranches.isEmpty || includedBranches.contains(branch))
    }
}

/// How a pull request's commits get onto its base.
package enum MergeMethod: String, Sendable, Hashable, Codable, CaseIterable {
    case merge, squash, rebase
}

/// `tide.merge_method` in all of its forms.
package struct TideMergeMethods: Sendable, Hashable, Codable {
    /// By organisation, `org/repo` or `org/repo@branch`.
    package var plain: [String: MergeMethod] = [:]
    /// By `org/repo` (the repository may be `*`) in the nested form.
    package var nested: [String: MergeMethod] = [:]
    /// Of a repository in the nested form, by expressions over the branch; the first in the order of their texts that
    /// matches counts.
    package var branches: [String: [TideBranchMethod]] = [:]

    package init() {}

    /// In the order of Prow's `OrgRepoBranchMergeMethod`: the branch by its name, by an expression, the repository, its
    /// organisation, and then `merge`.
    package func method(of repository: RepositoryName, branch: String) -> MergeMethod {
        if let method = plain["\(repository)@\(branch)"] { return method }
        let own = repository.description
        let key = nested[own] != nil || branches[own] != nil ? own : "\(repository.org)/*"
        if let found = branches[key]?.first(where: { $0.branch.matches(branch) }) { return found.method }
        return plain[own] ?? nested[key] ?? plain[repository.org] ?? .merge
    }
}

/// An entry of the nested form of `tide.merge_method`.
package struct TideBranchMethod: Sendable, Hashable, Codable {
    package var branch: Pattern
    package var method: MergeMethod
}

/// `tide.merge_commit_template`: templates of Go's `text/template` over the pull request.
package struct TideMergeTemplate: Sendable, Hashable, Codable {
    package var title: String?
    package var body: String?

    /// What a template may name of a pull request.
    package struct Subject: Sendable {
        package var repository: RepositoryName
        package var number: Int
        package var title: String
        package var body: String
        package var author: String
        package var baseRef: String
        package var headRef: String
        package var headSHA: String
        package var labels: [String]
        package var milestone: String?

        package init(
            repository: RepositoryName, number: Int, title: String, body: String, author: String, baseRef: String,
            headRef: String, headSHA: String, labels: [String] = [], milestone: String? = nil
        ) {
            self.repository = repository
            self.number = number
            self.title = title
            self.body = body
            self.author = author
            self.baseRef = baseRef
            self.headRef = headRef
            self.headSHA = headSHA
            self.labels = labels
            self.milestone = milestone
        }

        /// The fields of Prow's `CodeReviewCommon`, and those of the pull request that it was before.
        fileprivate var document: JSONValue {
            let flat: [String: JSONValue] = [
                "Number": .integer(Int64(number)), "Title": .string(title), "Body": .string(body),
                "Org": .string(repository.org), "Repo": .string(repository.repo),
                "NameWithOwner": .string(repository.description), "AuthorLogin": .string(author),
                "Author": .object(["Login": .string(author)]), "BaseRefName": .string(baseRef),
                "BaseRefPrefix": .string("refs/heads/"), "HeadRefName": .string(headRef),
                "HeadRefOID": .string(headSHA), "Mergeable": .string("MERGEABLE"),
                "Labels": .object(["Nodes": .array(labels.map { .object(["Name": .string($0)]) })]),
                "Milestone": milestone.map { .object(["Title": .string($0)]) } ?? .null,
                "BaseRef": .object(["Name": .string(baseRef)]),
                "Repository": .object([
                    "Name": .string(repository.repo), "NameWithOwner": .string(repository.description),
                    "Owner": .object(["Login": .string(repository.org)]),
                ]),
            ]
            return .object(flat.merging(["GitHub": .object(flat)]) { $1 })
        }
    }

    /// The title and body of a merge commit; nil where the forge's own is wanted.
    package func render(_ subject: Subject) throws(GoTemplateError) -> (title: String?, body: String?) {
        (try render(title, subject), try render(body, subject))
    }

    private func render(_ text: String?, _ subject: Subject) throws(GoTemplateError) -> String? {
        guard let text else { return nil }
        return try GoTemplate(text).render(subject.document)
    }

    /// What a template is tried on when a configuration is read.
    static let specimen = Subject(
        repository: RepositoryName(org: "org", repo: "repo"), number: 1, title: "title", body: "body",
        author: "author", baseRef: "main", headRef: "feature", headSHA: String(repeating: "0", count: 40),
        labels: ["label"], milestone: "milestone")
}
