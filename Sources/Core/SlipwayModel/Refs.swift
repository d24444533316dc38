/// What a run tests: a base, and the pull requests that are merged onto it. The JSON is Prow's `refs`.
package struct Refs: Hashable, Sendable, Codable {
    package var org: String
    package var repo: String
    package var repoLink: String?
    package var baseRef: String?
    package var baseSHA: String?
    package var baseLink: String?
    package var pulls: [Pull]?
    package var pathAlias: String?
    package var workdir: Bool?
    package var cloneURI: String?
    package var skipSubmodules: Bool?
    package var cloneDepth: Int?
    package var skipFetchHead: Bool?

    package init(repository: RepositoryName, baseRef: String? = nil, baseSHA: String? = nil, pulls: [Pull]? = nil) {
        org = repository.org
        repo = repository.repo
        self.baseRef = baseRef
        self.baseSHA = baseSHA
        self.pulls = pulls
    }

    enum CodingKeys: String, CodingKey {
        case org, repo, pulls, workdir
        case repoLink = "repo_link"
        case baseRef = "base_ref"
        case baseSHA = "base_sha"
        case baseLink = "base_link"
        case pathAlias = "path_alias"
        case cloneURI = "clone_uri"
        case skipSubmodules = "skip_submodules"
        case cloneDepth = "clone_depth"
        case skipFetchHead = "skip_fetch_head"
    }

    package var repository: RepositoryName { RepositoryName(org: org, repo: repo) }

    /// Prow's PULL_REFS: `base:sha,1:sha,2:sha`; the base alone for a postsubmit, without its SHA where unknown. A pull
    /// request with a ref of its own carries it: `1:sha:ref`.
    package var pullRefs: String {
        let base = [baseRef ?? "", baseSHA ?? ""].filter { !$0.isEmpty }.joined(separator: ":")
        return ([base] + (pulls ?? []).map { "\($0.number):\($0.sha)\($0.ref.map { ":\($0)" } ?? "")" }).joined(
            separator: ",")
    }
}

/// One pull request among the refs of a run.
package struct Pull: Hashable, Sendable, Codable {
    package var number: Int
    package var author: String
    package var sha: String
    package var title: String?
    /// An explicit ref to fetch instead of `refs/pull/N/head`.
    package var ref: String?
    package var headRef: String?
    package var link: String?
    package var commitLink: String?
    package var authorLink: String?

    package init(number: Int, author: String, sha: String, title: String? = nil, headRef: String? = nil) {
        self.number = number
        self.author = author
        self.sha = sha
        self.title = title
        self.headRef = headRef
    }

    enum CodingKeys: String, CodingKey {
        case number, author, sha, title, ref, link
        case headRef = "head_ref"
        case commitLink = "commit_link"
        case authorLink = "author_link"
    }
}
