import Patterns

/// The rules of `.prowignore` files, which are written like `.gitignore`: the last rule that matches decides, `!` takes
/// back, a rule holds below the folder of its file.
struct IgnoreRules: Sendable {
    private struct Rule: Sendable {
        var pattern: Pattern
        var takesBack: Bool
        var foldersOnly: Bool
    }

    private var rules: [Rule] = []

    /// Adds the rules of a file in `folder` (relative, empty for the root). Lines that cannot be understood ignore
    /// nothing, as in git.
    mutating func add(_ text: String, in folder: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            var line = line[...]
            while line.last == " " || line.last == "\t" { line.removeLast() }
            guard !line.isEmpty, !line.hasPrefix("#") else { continue }
            let takesBack = line.hasPrefix("!")
            if takesBack { line.removeFirst() }
            let foldersOnly = line.hasSuffix("/")
            if foldersOnly { line.removeLast() }
            // A slash within the rule ties it to its folder; without one it holds at every depth.
            let isTied = line.contains("/")
            if line.hasPrefix("/") { line.removeFirst() }
            guard !line.isEmpty else { continue }
            let base = folder.isEmpty ? "" : Pattern.escaped(folder) + "/"
            let expression = "^" + base + (isTied ? "" : "(?:.*/)?") + IgnoreRules.expression(line) + "$"
            guard let pattern = try? Pattern(expression) else { continue }
            rules.append(Rule(pattern: pattern, takesBack: takesBack, foldersOnly: foldersOnly))
        }
    }

    /// Whether the path (relative to the root) is ignored. Folders are asked for before what is in them.
    func ignores(_ path: String, isFolder: Bool) -> Bool {
        guard let rule = rules.last(where: { (isFolder || !$0.foldersOnly) && $0.pattern.matches(path) }) else {
            return false
        }
        return !rule.takesBack
    }

    /// git's wildcards: `*` and `?` within a name, `**` across folders, classes.
    private static func expression(_ rule: Substring) -> String {
        var result = ""
        var rest = rule
        while let character = rest.first {
            if rest.hasPrefix("**/") {
                result += "(?:.*/)?"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("**") {
                result += ".*"
                rest = rest.dropFirst(2)
            } else if character == "[", let end = rest.dropFirst(2).firstIndex(of: "]") {
                let content = rest[rest.index(after: rest.startIndex)..<end]
                result += "[" + (content.hasPrefix("!") ? "^" + content.dropFirst() : content) + "]"
                rest = rest[rest.index(after: end)...]
            } else if character == "\\", let escaped = rest.dropFirst().first {
                result += Pattern.escaped(String(escaped))
                rest = rest.dropFirst(2)
            } else {
                result += character == "*" ? "[^/]*" : character == "?" ? "[^/]" : Pattern.escaped(String(character))
                rest = rest.dropFirst()
            }
        }
        return result
    }
}
