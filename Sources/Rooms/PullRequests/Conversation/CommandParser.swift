/// Finds commands in what people write. A command stands alone on a line, whose first character is its slash, and is not
/// inside a code fence or a comment of HTML. (Prow ignores fences only half; here they are ignored everywhere.)
package enum CommandParser {
    /// Text longer than the forge itself allows is cut.
    static let maximumLength = 65_536
    /// A comment with more commands than this is not written by a person.
    package static let maximumCommands = 50

    /// The text without fences, indented code, quotes and HTML comments: job triggers are matched against it.
    package static func visibleText(_ body: String) -> String {
        var lines: [Substring] = []
        var fence: (mark: Character, length: Int)?
        let text = withoutHTMLComments(String(body.prefix(maximumLength)).replacing("\r\n", with: "\n"))
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let indentation = line.prefix { $0 == " " }.count
            let content = line.dropFirst(indentation)
            if let open = fence {
                if let mark = fenceMark(content), indentation < 4, mark.mark == open.mark, mark.length >= open.length,
                    content.dropFirst(mark.length).allSatisfy(\.isWhitespace)
                {
                    fence = nil
                }
                continue
            }
            if indentation < 4, let mark = fenceMark(content) {
                fence = mark
                continue
            }
            if indentation >= 4 || line.hasPrefix("\t") || content.hasPrefix(">") { continue }
            lines.append(line)
        }
        return lines.joined(separator: "\n")
    }

    /// The commands of a text that went through `visibleText`, in order.
    package static func commands(in visibleText: String, limit: Int = maximumCommands) -> [CommandCall] {
        var commands: [CommandCall] = []
        for line in visibleText.split(separator: "\n") {
            guard line.hasPrefix("/"), commands.count < limit else { continue }
            let name = line.dropFirst().prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
            let rest = line.dropFirst(1 + name.count)
            guard name.first?.isLetter == true, rest.isEmpty || rest.first?.isWhitespace == true else { continue }
            commands.append(
                CommandCall(name: name.lowercased(), arguments: String(rest.trimming(while: \.isWhitespace))))
        }
        return commands
    }

    private static func fenceMark(_ content: Substring) -> (mark: Character, length: Int)? {
        guard let mark = content.first, mark == "`" || mark == "~" else { return nil }
        let length = content.prefix { $0 == mark }.count
        guard length >= 3 else { return nil }
        // A backtick fence's info string holds no backtick; otherwise it is inline code.
        guard mark == "~" || !content.dropFirst(length).contains("`") else { return nil }
        return (mark, length)
    }

    /// What is inside `<!-- -->` is not shown to anybody, so nobody meant it as a command.
    private static func withoutHTMLComments(_ text: String) -> String {
        guard text.contains("<!--") else { return text }
        var result = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "<!--") {
            result += rest[..<open.lowerBound]
            guard let close = rest[open.upperBound...].firstRange(of: "-->") else { return result }
            rest = rest[close.upperBound...]
        }
        return result + rest
    }
}

extension Substring {
    fileprivate func trimming(while matches: (Character) -> Bool) -> Substring {
        var result = drop(while: matches)
        while let last = result.last, matches(last) { result.removeLast() }
        return result
    }
}
