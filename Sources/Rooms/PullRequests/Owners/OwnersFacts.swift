import FoundationEssentials
package import JobConfig
import Patterns

/// What the OWNERS files of the base branch say about the changed files of one pull request.
package struct OwnersFacts: Sendable {
    /// Where only collaborators count, only those are in it.
    package var tree: OwnersTree
    /// Paths that the pull request changes; of a renamed file both.
    package var changed: [String]
    package var needs: ApprovalNeeds
    /// Everybody who may review or approve at least one of them, in lower case.
    package var owners: Set<String>
    /// Labels that OWNERS files set for them.
    package var labels: [String]
    /// The tree of the pull request's head; nil where nothing asked for it, or it is gone.
    package var headTree: String?
    /// The head it was asked about, and the commit of the base branch whose files were read.
    package var headSHA: String
    package var baseSHA: String
    /// What the pull request does to OWNERS files; nil where it changes none.
    package var verification: OwnersVerification?
    /// Why nobody can approve now; said to people.
    package var problem: String?

    package init(_ changed: [String], in tree: OwnersTree, headSHA: String, baseSHA: String) {
        self.tree = tree
        self.changed = changed
        self.headSHA = headSHA
        self.baseSHA = baseSHA
        needs = ApprovalNeeds(changed, in: tree)
        var owners: Set<String> = []
        var labels: [String] = []
        for (ownership, _) in tree.groups(of: changed) {
            owners.formUnion(ownership.allApprovers)
            owners.formUnion(ownership.allReviewers)
            for label in ownership.labels where !labels.contains(label) { labels.append(label) }
        }
        self.owners = owners
        self.labels = labels
    }

    /// Whether somebody is an approver of every changed file.
    func approvesAll(_ login: String) -> Bool {
        !changed.isEmpty
            && tree.groups(of: changed).allSatisfy { $0.ownership.allApprovers.contains(login.lowercased()) }
    }
}

extension OwnersLayout {
    /// What the configuration says about a repository's OWNERS files.
    package init(_ settings: RepositoryPlugins) {
        self.init()
        if let names = settings.entry(settings.settings.owners.filenames) {
            fileName = names.owners
            aliasesName = names.aliases
        }
        readsMarkdown = settings.readsMarkdownHeads
        // They were compiled when the configuration was read.
        ignoredFolders = settings.ignoredOwnersFolders.compactMap { try? Pattern($0) }
    }
}

extension RepositoryPlugins {
    /// Labels that OWNERS files may not set (`owners.labels_denylist`).
    var bannedOwnersLabels: [String] { settings.owners.labelsDenied ?? ["approved", "lgtm"] }
}
