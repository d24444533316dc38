package import SlipwayModel

/// A pull request as far as it is known: from the delivery, or fresher from the forge.
package struct PullState: Hashable, Sendable {
    package var repository: RepositoryName
    package var number: Int
    package var title: String
    package var author: String
    package var headRef: String
    package var headSHA: String
    package var baseRef: String
    package var baseSHA: String
    package var isOpen: Bool
    package var isDraft: Bool
    package var isMerged: Bool
    package var mergeable: Bool?
    package var labels: [String]
    package var link: String?
    /// The forge's time of the last change in Unix milliseconds.
    package var version: Int64

    package init(_ event: PullChanged) {
        repository = event.repository
        number = event.number
        title = event.title
        author = event.author
        headRef = event.headRef
        headSHA = event.headSHA
        baseRef = event.baseRef
        baseSHA = event.baseSHA
        isOpen = event.isOpen
        isDraft = event.isDraft
        isMerged = event.isMerged
        mergeable = event.mergeable
        labels = event.labels
        link = event.link
        version = event.subjectVersion
    }

    package init(
        repository: RepositoryName, number: Int, title: String, author: String, headRef: String, headSHA: String,
        baseRef: String, baseSHA: String, isOpen: Bool, isDraft: Bool, isMerged: Bool, mergeable: Bool?,
        labels: [String], link: String?, version: Int64
    ) {
        self.repository = repository
        self.number = number
        self.title = title
        self.author = author
        self.headRef = headRef
        self.headSHA = headSHA
        self.baseRef = baseRef
        self.baseSHA = baseSHA
        self.isOpen = isOpen
        self.isDraft = isDraft
        self.isMerged = isMerged
        self.mergeable = mergeable
        self.labels = labels
        self.link = link
        self.version = version
    }

    /// The refs of a presubmit: this pull request on its base.
    package var refs: Refs {
        var pull = Pull(number: number, author: author, sha: headSHA, title: title, headRef: headRef)
        pull.link = link
        return Refs(repository: repository, baseRef: baseRef, baseSHA: baseSHA, pulls: [pull])
    }
}

/// A pull request's name, also the key under which its events are handled one after the other.
package struct PullKey: Hashable, Sendable, Comparable {
    package let repository: RepositoryName
    package let number: Int

    package init(_ repository: RepositoryName, _ number: Int) {
        self.repository = repository
        self.number = number
    }

    package static func < (left: PullKey, right: PullKey) -> Bool {
        (left.repository.org, left.repository.repo, left.number)
            < (right.repository.org, right.repository.repo, right.number)
    }
}
