package import JobConfig
package import Patterns

/// One OWNERS file, read: who answers for what lies in its folder. (Prow: pkg/repoowners.)
///
/// | key | means |
/// |---|---|
/// | `approvers`, `reviewers`, `required_reviewers`, `labels` | for every file of the folder and below |
/// | `filters: {REGEX: {approvers, reviewers, required_reviewers, labels}}` | for files whose path below the folder matches |
/// | `options.no_parent_owners` | whoever is named in folders above has no say here |
/// | `options.auto_approve_unowned_subfolders` | files in folders below that have no OWNERS file need no approval |
/// | `options.min_approvers` | so many different approvers per file; not known to Prow |
///
/// A file with an error counts as absent, and says why; an expression that does not compile loses its own filter only.
package struct OwnersFile: Sendable {
    /// Somebody named in a file: a login or an alias, lower case, without a leading `@`.
    package struct Name: Hashable, Sendable {
        package var login: String
        package var line: Int
    }

    package struct Rule: Sendable {
        /// Matched against the path relative to the folder; nil for every file.
        package var pattern: Pattern?
        package var approvers: [Name] = []
        package var reviewers: [Name] = []
        package var requiredReviewers: [Name] = []
        package var labels: [String] = []
        package var labelsLine = 0

        var isEmpty: Bool {
            approvers.isEmpty && reviewers.isEmpty && requiredReviewers.isEmpty && labels.isEmpty
        }
    }

    package struct Options: Sendable, Hashable {
        package var stopsInheritance = false
        package var approvesUnownedSubfolders = false
        /// Nil where the folders above decide.
        package var minimumApprovers: Int?
        package var minimumLine = 0
    }

    /// What a file may hold; far beyond any honest one.
    static let byteLimit = 1 << 20
    static let valueLimit = 50_000

    package let path: String
    package private(set) var rules: [Rule] = []
    package private(set) var options = Options()
    package private(set) var errors: [ConfigProblem] = []
    package private(set) var warnings: [ConfigProblem] = []

    package init(_ source: SourceFile) {
        path = source.path
        var reader = Reader(fields: FieldReader(file: source.path))
        if source.bytes.count > Self.byteLimit {
            reader.fields.refuse(0, OwnersText.tooLarge)
        } else if let root = reader.fields.compose(source, valueLimit: Self.valueLimit) {
            reader.read(root)
        }
        errors = reader.fields.errors
        warnings = reader.fields.warnings
        guard errors.isEmpty else { return }
        errors = reader.brokenFilters
        rules = reader.rules
        options = reader.options
    }

    /// The part of a Markdown file between its first two lines of `---`: it speaks of that file alone (`mdyamlrepos`).
    package init?(markdown source: SourceFile) {
        let text = String(decoding: source.bytes.prefix(Self.byteLimit), as: UTF8.self).replacing("\r\n", with: "\n")
        guard text.hasPrefix("---\n"), let end = text.dropFirst(4).firstRange(of: "\n---") else { return nil }
        // The first line stays, so that lines are those of the file.
        let header = "\n" + text[text.index(text.startIndex, offsetBy: 4)..<end.lowerBound] + "\n"
        var reader = Reader(fields: FieldReader(file: source.path))
        reader.isHeader = true
        if let root = reader.fields.compose(
            SourceFile(path: source.path, bytes: Array(header.utf8)), valueLimit: Self.valueLimit)
        {
            reader.read(root)
        }
        path = source.path
        errors = reader.fields.errors
        guard errors.isEmpty else { return }
        rules = reader.rules
        options = reader.options
    }

    /// Everybody whom the file names, in its order.
    package var names: [Name] { rules.flatMap { $0.approvers + $0.reviewers + $0.requiredReviewers } }

    /// A login as OWNERS files are compared.
    package static func login(_ text: some StringProtocol) -> String {
        (text.hasPrefix("@") ? String(text.dropFirst()) : String(text)).lowercased()
    }

    private struct Reader {
        var fields: FieldReader
        var rules: [Rule] = []
        var options = Options()
        var brokenFilters: [ConfigProblem] = []
        /// A Markdown file's header says other things too.
        var isHeader = false

        mutating func read(_ root: YAMLNode) {
            guard case .mapping(let entries) = root.content else {
                if !root.isNull, !isHeader { fields.refuse(root.line, OwnersText.notAMapping(root.kind)) }
                return
            }
            var simple = Rule()
            var filters: YAMLEntry?
            for entry in entries {
                switch entry.key {
                case "filters": filters = entry
                case "options": readOptions(entry)
                default: read(entry, into: &simple, place: "an OWNERS file")
                }
            }
            if !simple.isEmpty {
                rules = [simple]
                // As in Prow, where such a file has no filters.
                if let filters { fields.warn(filters.line, OwnersText.filtersUnread) }
            } else if let filters {
                for filter in fields.mapping(filters) ?? [] { read(filter: filter) }
            }
        }

        private mutating func read(_ entry: YAMLEntry, into rule: inout Rule, place: String) {
            switch entry.key {
            case "approvers": rule.approvers = names(entry)
            case "reviewers": rule.reviewers = names(entry)
            case "required_reviewers": rule.requiredReviewers = names(entry)
            case "labels":
                rule.labels = fields.texts(entry)
                rule.labelsLine = entry.line
            default:
                // People who left, and what other tools read.
                let isKnown = entry.key.hasPrefix("emeritus_") || OwnersText.foreignKeys.contains(entry.key)
                if !isKnown, !isHeader { fields.warnUnknown(entry, in: place) }
            }
        }

        private mutating func names(_ entry: YAMLEntry) -> [Name] {
            fields.locatedTexts(entry).compactMap { text, line in
                let login = OwnersFile.login(text.filter { !$0.isWhitespace })
                return login.isEmpty ? nil : Name(login: login, line: line)
            }
        }

        private mutating func read(filter: YAMLEntry) {
            var rule = Rule()
            for entry in fields.mapping(filter) ?? [] { read(entry, into: &rule, place: "a filter") }
            guard filter.key != ".*" else {
                rules.append(rule)
                return
            }
            do throws(PatternError) {
                rule.pattern = try Pattern(filter.key)
                rules.append(rule)
            } catch {
                brokenFilters.append(
                    ConfigProblem(file: fields.file, line: filter.line, message: OwnersText.brokenFilter(error)))
            }
        }

        private mutating func readOptions(_ section: YAMLEntry) {
            for entry in fields.mapping(section) ?? [] {
                switch entry.key {
                case "no_parent_owners": options.stopsInheritance = fields.bool(entry) ?? false
                case "auto_approve_unowned_subfolders": options.approvesUnownedSubfolders = fields.bool(entry) ?? false
                case "min_approvers":
                    options.minimumLine = entry.line
                    guard let count = fields.count(entry) else { continue }
                    if (1...20).contains(count) {
                        options.minimumApprovers = count
                    } else {
                        fields.refuse(entry.value.line, OwnersText.minimumOutOfRange(count))
                    }
                default: fields.warnUnknown(entry, in: "options")
                }
            }
        }
    }
}
