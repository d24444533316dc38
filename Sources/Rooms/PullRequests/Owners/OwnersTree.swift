package import JobConfig
import Patterns

/// All OWNERS files of one tree of a repository, resolved: who may approve and review what. Immutable; kept by the
/// hash of the tree.
///
/// A file's people are those of its folder and of every folder above, up to the root, or up to the first folder with
/// `no_parent_owners` that names somebody (Prow: `entriesForFile`). Where the repository's collaborators are known,
/// nobody else counts.
package struct OwnersTree: Sendable {
    /// A folder's own word.
    struct Folder: Sendable {
        var file: String
        var rules: [Rule]
        var options: OwnersFile.Options
        /// Whether what it says depends on the file.
        var hasFilters: Bool
    }

    /// Aliases are written out, names are in alphabetical order.
    struct Rule: Sendable {
        var source: OwnersFile.Rule
        var approvers: [String]
        var reviewers: [String]
        var requiredReviewers: [String]
    }

    static let fileLimit = 20_000

    package let layout: OwnersLayout
    package let aliases: OwnersAliases
    package private(set) var errors: [ConfigProblem]
    package private(set) var warnings: [ConfigProblem]
    private var folders: [String: Folder] = [:]
    /// Nil where everybody who is named counts.
    private var collaborators: Set<String>?

    /// - Parameter files: the OWNERS files and OWNERS_ALIASES by their paths; whatever else is among them is left out.
    package init(_ files: [SourceFile], layout: OwnersLayout = OwnersLayout()) {
        self.layout = layout
        let aliases = files.first { $0.path == layout.aliasesName }.map { OwnersAliases($0) } ?? OwnersAliases()
        self.aliases = aliases
        errors = aliases.errors
        warnings = aliases.warnings
        var count = 0
        for source in files where layout.isOwnersFile(source.path) {
            count += 1
            guard count <= Self.fileLimit else {
                errors.append(ConfigProblem(file: source.path, line: 0, message: OwnersText.tooManyFiles))
                break
            }
            let file = OwnersFile(source)
            errors += file.errors
            warnings += file.warnings
            add(file, at: OwnersPath.folder(of: source.path))
        }
        errors.sort()
        warnings.sort()
    }

    /// With what the headers of Markdown files say of themselves.
    package func adding(markdown files: [SourceFile]) -> OwnersTree {
        guard layout.readsMarkdown else { return self }
        var tree = self
        for source in files where source.path.hasSuffix(".md") {
            guard let file = OwnersFile(markdown: source) else { continue }
            tree.errors += file.errors
            tree.add(file, at: source.path)
        }
        return tree
    }

    /// Only these logins count as approvers and reviewers.
    package func restricted(to collaborators: some Sequence<String>) -> OwnersTree {
        var tree = self
        tree.collaborators = Set(collaborators.map { OwnersFile.login($0) })
        return tree
    }

    private mutating func add(_ file: OwnersFile, at folder: String) {
        guard !file.rules.isEmpty || file.options != OwnersFile.Options() else { return }
        folders[folder] = Folder(
            file: file.path,
            rules: file.rules.map { rule in
                Rule(
                    source: rule, approvers: aliases.people(rule.approvers), reviewers: aliases.people(rule.reviewers),
                    requiredReviewers: aliases.people(rule.requiredReviewers))
            },
            options: file.options, hasFilters: file.rules.contains { $0.pattern != nil })
    }

    // MARK: Questions

    /// Folders that have an OWNERS file.
    package var folderCount: Int { folders.count }

    package var isEmpty: Bool { folders.isEmpty }

    /// The OWNERS file of a folder itself, if it counts.
    package func file(of folder: String) -> String? { folders[folder]?.file }

    /// Folders with an OWNERS file directly or further below a folder, in alphabetical order.
    package func folders(below folder: String) -> [String] {
        folders.keys.filter { OwnersPath.isBelow($0, folder) }.sorted()
    }

    /// Aliases by which a folder's file names somebody.
    package func aliases(naming login: String, in folder: String) -> [String] {
        guard let file = folders[folder] else { return [] }
        let names = file.rules.flatMap { $0.source.approvers + $0.source.reviewers }.map(\.login)
        return Set(names).filter { name in
            aliases.members[name]?.contains { $0.login == login } ?? false
        }.sorted()
    }

    package func ownership(of path: String) -> Ownership {
        let chain = chain(from: path)
        return resolve(chain, chain.map { matches($0, path) }, path)
    }

    /// The approvers that the root itself names for everything: who may override.
    package var topLevelApprovers: [String] { ownership(of: "").approvers.first?.names ?? [] }

    /// The files by who owns them, in the order in which they first came: each group shares one answer.
    ///
    /// Work is done once per folder, and where filters are in force once per folder and set of filters that match.
    package func groups(of paths: [String]) -> [(ownership: Ownership, paths: [String])] {
        struct Key: Hashable {
            let folder: String
            let matches: [[Bool]]
        }
        var groups: [(ownership: Ownership, paths: [String])] = []
        var index: [Key: Int] = [:]
        var chains: [String: (folders: [(path: String, folder: Folder)], hasFilters: Bool)] = [:]
        for path in paths {
            let folder = OwnersPath.folder(of: path)
            let speaksForItself = layout.readsMarkdown && folders[path] != nil
            var chain: [(path: String, folder: Folder)]
            let hasFilters: Bool
            if let known = chains[folder], !speaksForItself {
                (chain, hasFilters) = known
            } else {
                chain = self.chain(from: speaksForItself ? path : folder)
                hasFilters = chain.contains { $0.folder.hasFilters }
                if !speaksForItself { chains[folder] = (chain, hasFilters) }
            }
            let matches = hasFilters ? chain.map { self.matches($0, path) } : []
            let key = Key(folder: speaksForItself ? path : folder, matches: matches)
            if let known = index[key] {
                groups[known].paths.append(path)
            } else {
                index[key] = groups.count
                let matched = hasFilters ? matches : chain.map { self.matches($0, path) }
                groups.append((resolve(chain, matched, path), [path]))
            }
        }
        return groups
    }

    // MARK: Resolving

    /// The folders with a word on a path, nearest first; the path itself among them.
    private func chain(from path: String) -> [(path: String, folder: Folder)] {
        var chain: [(path: String, folder: Folder)] = []
        var place = path
        while true {
            if let folder = folders[place] { chain.append((place, folder)) }
            if place.isEmpty { return chain }
            place = OwnersPath.folder(of: place)
        }
    }

    private func matches(_ link: (path: String, folder: Folder), _ path: String) -> [Bool] {
        link.folder.rules.map { rule in
            rule.source.pattern.map { $0.matches(OwnersPath.relative(path, to: link.path)) } ?? true
        }
    }

    private func resolve(
        _ chain: [(path: String, folder: Folder)], _ matches: [[Bool]], _ path: String
    ) -> Ownership {
        func layers(_ names: (Rule) -> [String], counts: (String) -> Bool) -> [Ownership.Layer] {
            var layers: [Ownership.Layer] = []
            for ((place, folder), matches) in zip(chain, matches) {
                var people: [String] = []
                for (rule, isMatch) in zip(folder.rules, matches) where isMatch {
                    people += names(rule).filter { counts($0) && !people.contains($0) }
                }
                if !people.isEmpty {
                    layers.append(.init(folder: place, file: folder.file, names: people.sorted()))
                }
                if folder.options.stopsInheritance, !layers.isEmpty { break }
            }
            return layers
        }
        let mayCount: (String) -> Bool = { [collaborators] login in collaborators?.contains(login) ?? true }
        var result = Ownership()
        result.approvers = layers(\.approvers, counts: mayCount)
        result.reviewers = layers(\.reviewers, counts: mayCount)
        result.requiredReviewers = layers(\.requiredReviewers) { _ in true }.flatMap(\.names)
        result.labels = layers(\.source.labels) { _ in true }.flatMap(\.names)
        // The nearest word on the number counts, as far as inheritance reaches.
        for (_, folder) in chain {
            if let minimum = folder.options.minimumApprovers {
                result.minimum = minimum
                result.minimumFile = folder.file
                break
            }
            if folder.options.stopsInheritance { break }
        }
        if let nearest = result.approvers.first, let folder = folders[nearest.folder] {
            result.needsNoApproval =
                folder.options.approvesUnownedSubfolders && nearest.folder != path
                && OwnersPath.folder(of: path) != nearest.folder
        }
        return result
    }
}

/// Who owns a file, and from where each of them comes.
package struct Ownership: Sendable, Hashable {
    /// What one OWNERS file contributes.
    package struct Layer: Sendable, Hashable {
        /// The folder it speaks for; a Markdown file's own path where its header says so.
        package var folder: String
        package var file: String
        /// In alphabetical order.
        package var names: [String]
    }

    /// Nearest first; folders that name nobody are left out.
    package var approvers: [Layer] = []
    package var reviewers: [Layer] = []
    package var requiredReviewers: [String] = []
    package var labels: [String] = []
    /// How many different approvers a change needs.
    package var minimum = 1
    /// Where a minimum was set.
    package var minimumFile: String?
    /// The folder above lets whatever lies below it without an OWNERS file pass.
    package var needsNoApproval = false

    package init() {}

    /// Everybody who may approve.
    package var allApprovers: Set<String> { Set(approvers.flatMap(\.names)) }
    package var allReviewers: Set<String> { Set(reviewers.flatMap(\.names)) }
}
