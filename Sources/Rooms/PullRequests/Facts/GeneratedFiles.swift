import Fleet
import Git
import Patterns
import SlipwayModel

/// Which files of a change nobody wrote: those that `.generated_files` (Prow's format) or `.gitattributes`
/// (`linguist-generated`) at the root of the base name.
package struct GeneratedFiles: Sendable {
    private enum Rule: Sendable {
        case path(String)
        case prefix(String)
        case name(String)
        case namePrefix(String)
        case pattern(Pattern, isGenerated: Bool)
    }

    private var rules: [Rule] = []

    package init(generatedFiles: String = "", attributes: String = "") {
        for line in generatedFiles.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count == 2, !words[0].hasPrefix("#") else { continue }
            switch words[0] {
            case "path": rules.append(.path(words[1]))
            case "prefix", "path-prefix": rules.append(.prefix(words[1]))
            case "file-name": rules.append(.name(words[1]))
            case "file-prefix": rules.append(.namePrefix(words[1]))
            default: break
            }
        }
        for line in attributes.split(whereSeparator: \.isNewline) {
            let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
            guard words.count > 1, !words[0].hasPrefix("#"), let pattern = try? Pattern(Self.expression(words[0]))
            else {
                continue
            }
            for word in words.dropFirst() {
                switch word {
                case "linguist-generated", "linguist-generated=true": rules.append(.pattern(pattern, isGenerated: true))
                case "-linguist-generated", "linguist-generated=false":
                    rules.append(.pattern(pattern, isGenerated: false))
                default: break
                }
            }
        }
    }

    /// The last rule that says anything about a file counts.
    package func contains(_ path: String) -> Bool {
        let name = String(path.split(separator: "/").last ?? "")
        var isGenerated = false
        for rule in rules {
            switch rule {
            case .path(let known): if path == known { isGenerated = true }
            case .prefix(let known): if path.hasPrefix(known) { isGenerated = true }
            case .name(let known): if name == known { isGenerated = true }
            case .namePrefix(let known): if name.hasPrefix(known) { isGenerated = true }
            case .pattern(let pattern, let says): if pattern.matches(path) { isGenerated = says }
            }
        }
        return isGenerated
    }

    /// A pattern of `.gitattributes` as an expression over whole paths.
    private static func expression(_ glob: String) -> String {
        var text = glob
        let isAnchored = text.dropLast().contains("/")
        if text.hasPrefix("/") { text.removeFirst() }
        var expression = isAnchored ? "^" : "(^|/)"
        var rest = text[...]
        while let first = rest.first {
            if rest.hasPrefix("**/") {
                expression += "(.*/)?"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("**") {
                expression += ".*"
                rest = rest.dropFirst(2)
            } else {
                switch first {
                case "*": expression += "[^/]*"
                case "?": expression += "[^/]"
                default: expression += Pattern.escaped(String(first))
                }
                rest = rest.dropFirst()
            }
        }
        return expression + "$"
    }

    /// Those among the changed files, by the base's rules. A base that is gone has none.
    static func read(_ pull: PullSnapshot, among files: [String], _ mirrors: GitMirrors) async throws -> Set<String> {
        guard GitName.isCommit(pull.baseSHA) else { return [] }
        do {
            let repository = try await mirrors.repository(pull.repository, having: [pull.baseSHA])
            let names = [".generated_files", ".gitattributes"]
            let entries = try await repository.entries(of: pull.baseSHA, paths: names).filter(\.isFile)
            guard !entries.isEmpty else { return [] }
            let blobs = try await repository.blobs(entries.map(\.hash))
            func text(_ name: String) -> String {
                entries.first { $0.path == name }.flatMap { blobs[$0.hash] }.map { String(decoding: $0, as: UTF8.self) }
                    ?? ""
            }
            let generated = GeneratedFiles(generatedFiles: text(names[0]), attributes: text(names[1]))
            return Set(files.filter(generated.contains))
        } catch let error as GitMirrorError {
            throw RetryLater("\(error)", after: .seconds(10))
        }
    }
}
