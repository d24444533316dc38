package import SlipwayModel

/// A user, organisation or bot. Only the login is always there.
package struct Account: Hashable, Sendable, Codable {
    package var login: String
    package var id: Int64?
    /// `User`, `Organization` or `Bot`.
    package var type: String?
    package var htmlURL: String?

    package init(login: String, id: Int64? = nil, type: String? = nil, htmlURL: String? = nil) {
        self.login = login
        self.id = id
        self.type = type
        self.htmlURL = htmlURL
    }

    enum CodingKeys: String, CodingKey {
        case login, id, type
        case htmlURL = "html_url"
    }

    package var isBot: Bool { type == "Bot" }
}

/// A team of an organisation.
package struct Team: Hashable, Sendable, Codable {
    package var id: Int64
    package var name: String
    /// The name in the team's address.
    package var slug: String

    package init(id: Int64, name: String, slug: String) {
        self.id = id
        self.name = name
        self.slug = slug
    }
}

/// A repository as deliveries and the REST API describe it.
package struct Repository: Hashable, Sendable, Codable {
    package var id: Int64?
    package var name: String
    package var fullName: String
    package var owner: Account
    package var isPrivate: Bool?
    package var isArchived: Bool?
    package var isFork: Bool?
    package var defaultBranch: String?
    package var htmlURL: String?
    package var cloneURL: String?
    package var url: String?
    /// Methods of merging; absent where the token may not see them.
    package var allowsMergeCommit: Bool?
    package var allowsSquashMerge: Bool?
    package var allowsRebaseMerge: Bool?

    package init(
        id: Int64? = nil, name: String, fullName: String, owner: Account, isPrivate: Bool? = nil,
        isArchived: Bool? = nil, isFork: Bool? = nil, defaultBranch: String? = nil, htmlURL: String? = nil,
        cloneURL: String? = nil, url: String? = nil
    ) {
        self.id = id
        self.name = name
        self.fullName = fullName
        self.owner = owner
        self.isPrivate = isPrivate
        self.isArchived = isArchived
        self.isFork = isFork
        self.defaultBranch = defaultBranch
        self.htmlURL = htmlURL
        self.cloneURL = cloneURL
        self.url = url
    }

    enum CodingKeys: String, CodingKey {
        case id, name, owner, url
        case fullName = "full_name"
        case isPrivate = "private"
        case isArchived = "archived"
        case isFork = "fork"
        case defaultBranch = "default_branch"
        case htmlURL = "html_url"
        case cloneURL = "clone_url"
        case allowsMergeCommit = "allow_merge_commit"
        case allowsSquashMerge = "allow_squash_merge"
        case allowsRebaseMerge = "allow_rebase_merge"
    }

    /// `org/repo`; nil where the forge sent something that is not such a name.
    package var repositoryName: RepositoryName? { RepositoryName(fullName) }
}

/// A label of an issue or a pull request.
package struct Label: Hashable, Sendable, Codable {
    package var id: Int64?
    package var name: String
    /// Six hexadecimal digits, without `#`.
    package var color: String?
    package var description: String?

    package init(id: Int64? = nil, name: String, color: String? = nil, description: String? = nil) {
        self.id = id
        self.name = name
        self.color = color
        self.description = description
    }

    /// As GitHub makes it when it is first used, and nobody has said how it looks.
    package var isBare: Bool { color == "ededed" && (description ?? "").isEmpty }
}

/// A branch or tag and what it points to.
package struct GitReference: Hashable, Sendable, Codable {
    package struct Object: Hashable, Sendable, Codable {
        package var sha: String
        /// `commit` or, for an annotated tag, `tag`.
        package var type: String

        package init(sha: String, type: String) {
            self.sha = sha
            self.type = type
        }
    }

    /// Fully qualified, e.g. `refs/heads/main`.
    package var ref: String
    package var object: Object

    package init(ref: String, object: Object) {
        self.ref = ref
        self.object = object
    }
}

/// A commit as the REST API lists it.
package struct RepositoryCommit: Hashable, Sendable, Codable {
    package struct Signature: Hashable, Sendable, Codable {
        package var name: String
        package var email: String
        package var date: Timestamp?

        package init(name: String, email: String, date: Timestamp?) {
            self.name = name
            self.email = email
            self.date = date
        }
    }

    package struct Link: Hashable, Sendable, Codable {
        package var sha: String

        package init(sha: String) { self.sha = sha }
    }

    package struct Detail: Hashable, Sendable, Codable {
        package var message: String
        package var author: Signature?
        package var committer: Signature?
        package var tree: Link?

        package init(message: String, author: Signature?, committer: Signature?, tree: Link?) {
            self.message = message
            self.author = author
            self.committer = committer
            self.tree = tree
        }
    }

    package var sha: String
    package var commit: Detail
    package var author: Account?
    package var parents: [Link]?
    package var htmlURL: String?

    package init(sha: String, commit: Detail, author: Account?, parents: [Link]?, htmlURL: String?) {
        self.sha = sha
        self.commit = commit
        self.author = author
        self.parents = parents
        self.htmlURL = htmlURL
    }

    enum CodingKeys: String, CodingKey {
        case sha, commit, author, parents
        case htmlURL = "html_url"
    }
}

/// A branch with the part of its protection that everybody who may read sees.
package struct ProtectedBranch: Hashable, Sendable, Codable {
    package struct Protection: Hashable, Sendable, Codable {
        package struct StatusChecks: Hashable, Sendable, Codable {
            package var contexts: [String]

            package init(contexts: [String]) { self.contexts = contexts }
        }

        package var requiredStatusChecks: StatusChecks?

        package init(requiredStatusChecks: StatusChecks?) { self.requiredStatusChecks = requiredStatusChecks }

        enum CodingKeys: String, CodingKey {
            case requiredStatusChecks = "required_status_checks"
        }
    }

    package var name: String
    package var protection: Protection?

    package init(name: String, protection: Protection?) {
        self.name = name
        self.protection = protection
    }
}
