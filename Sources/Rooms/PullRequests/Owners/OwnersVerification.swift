package import JobConfig

/// What is wrong with the OWNERS files that a pull request changes. Pure; Prow's plugin `verify-owners`.
///
/// | in a changed file | consequence |
/// |---|---|
/// | it cannot be read; an expression does not compile; aliases in a circle | wrong |
/// | a label of `owners.labels_denylist` | wrong |
/// | the root's file names no approver | wrong |
/// | `min_approvers` above the number of people who could approve | wrong |
/// | somebody new whom the repository does not trust, or whom the forge does not know | wrong, unless `skip_collaborators` |
/// | an alias without members, an unknown key | a hint |
///
/// Files are those of the pull request's head. Whoever was named in the file before is not looked at again.
package struct OwnersVerification: Sendable {
    package struct Change: Sendable {
        package var path: String
        package var head: [UInt8]
        /// Nil for a new file.
        package var base: [UInt8]?

        package init(path: String, head: [UInt8], base: [UInt8]? = nil) {
            self.path = path
            self.head = head
            self.base = base
        }
    }

    /// Somebody whom a file names and did not name before.
    package struct Newcomer: Sendable, Hashable {
        package var login: String
        package var file: String
        package var line: Int

        package init(login: String, file: String, line: Int) {
            self.login = login
            self.file = file
            self.line = line
        }
    }

    /// People asked about at most; a change that names more of them is for people to judge.
    package static let newcomerLimit = 50

    package private(set) var errors: [ConfigProblem] = []
    package private(set) var hints: [ConfigProblem] = []
    package private(set) var newcomers: [Newcomer] = []

    /// - Parameters:
    ///   - changes: changed OWNERS files and OWNERS_ALIASES that are still there.
    ///   - aliases: OWNERS_ALIASES as it will be: the head's where it changes it, else the base's.
    package init(_ changes: [Change], aliases: SourceFile?, layout: OwnersLayout, bannedLabels: [String]) {
        let known = aliases.map { OwnersAliases($0) } ?? OwnersAliases()
        for change in changes.sorted(by: { $0.path < $1.path }) {
            let source = SourceFile(path: change.path, bytes: change.head)
            if change.path == layout.aliasesName {
                verifyAliases(OwnersAliases(source), before: change.base, path: change.path)
            } else if layout.isOwnersFile(change.path) {
                verify(OwnersFile(source), before: change.base, known, bannedLabels)
            }
        }
        newcomers = Array(newcomers.prefix(Self.newcomerLimit))
    }

    private mutating func verify(
        _ file: OwnersFile, before: [UInt8]?, _ aliases: OwnersAliases, _ bannedLabels: [String]
    ) {
        errors += file.errors
        hints += file.warnings
        let banned = Set(bannedLabels.map { $0.lowercased() })
        for rule in file.rules {
            let found = rule.labels.filter { banned.contains($0.lowercased()) }
            guard !found.isEmpty else { continue }
            errors.append(
                ConfigProblem(file: file.path, line: rule.labelsLine, message: OwnersText.bannedLabels(found)))
        }
        let approvers = Set(file.rules.flatMap { aliases.people($0.approvers) })
        let isRoot = OwnersPath.folder(of: file.path).isEmpty
        if isRoot, approvers.isEmpty, file.errors.isEmpty {
            errors.append(ConfigProblem(file: file.path, line: 1, message: OwnersText.rootWithoutApprovers))
        }
        if let minimum = file.options.minimumApprovers, isRoot || file.options.stopsInheritance,
            approvers.count < minimum, !approvers.isEmpty
        {
            errors.append(
                ConfigProblem(
                    file: file.path, line: file.options.minimumLine,
                    message: OwnersText.minimumOutOfReach(minimum, people: approvers.count)))
        }
        let former = before.map { OwnersFile(SourceFile(path: file.path, bytes: $0)).names.map(\.login) } ?? []
        add(file.names.filter { aliases.members[$0.login] == nil }, besides: former, file.path)
    }

    private mutating func verifyAliases(_ aliases: OwnersAliases, before: [UInt8]?, path: String) {
        errors += aliases.errors
        hints += aliases.warnings
        let former =
            before.map { bytes in
                OwnersAliases(SourceFile(path: path, bytes: bytes)).members.values.flatMap { $0.map(\.login) }
            } ?? []
        let names = aliases.members.values.flatMap { $0 }.sorted { ($0.line, $0.login) < ($1.line, $1.login) }
        add(names, besides: former, path)
    }

    private mutating func add(_ names: [OwnersFile.Name], besides former: [String], _ path: String) {
        var seen = Set(former)
        for name in names where seen.insert(name.login).inserted {
            newcomers.append(Newcomer(login: name.login, file: path, line: name.line))
        }
    }

    /// The newcomers who are not trusted. Whoever the answer leaves open counts as not trusted.
    package func untrusted(_ isTrusted: (String) -> Bool) -> [Newcomer] { newcomers.filter { !isTrusted($0.login) } }
}
