package import JobConfig
package import SlipwayModel

/// What a pull request would be asked about: its repository, its base, what it changes, what somebody writes on it.
package struct WhichJobsQuestion: Sendable, Hashable {
    package var repository: RepositoryName
    package var branch: String
    package var changedFiles: [String]
    /// Nil to ask what starts by itself.
    package var comment: String?

    package init(repository: RepositoryName, branch: String, changedFiles: [String], comment: String?) {
        self.repository = repository
        self.branch = branch
        self.changedFiles = changedFiles
        self.comment = comment
    }
}

/// Which presubmits start, which do not, and why.
package struct WhichJobsAnswer: Sendable, Hashable {
    package struct Job: Sendable, Hashable {
        package var name: String
        package var reason: String

        package init(name: String, reason: String) {
            self.name = name
            self.reason = reason
        }
    }

    package var run: [Job]
    package var skip: [Job]

    package init(run: [Job], skip: [Job]) {
        self.run = run
        self.skip = skip
    }
}

/// The rules by which presubmits start; scheduling's, handed over by the shell.
package typealias WhichJobsRule =
    @Sendable (_ question: WhichJobsQuestion, _ presubmits: [ConfiguredJob]) -> WhichJobsAnswer
