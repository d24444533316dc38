/// Finds commands in what people write. A command stands alone on a line, whose first character is its slash, and is not
/// inside a code fence or a comment of HTML. (Prow ignores fences only half; here they are ignored everywhere.)
package enum CommandParser {
    /// Text longer than the forge itself allows is cut.
    static let maximumLength = 65_536
    /// A comment with more commands than this is not written by a person.
    package static let maximumCommands = 50

    /// The text without fences, indented code, quotes and HTML comments: job triggers are matched against it.
    package static func visibleText(_ body: String) -> String {
        VisibleText.lines(of: String(body.prefix(maximumLength)).replacing("\r\n", with: "\n")).joined(separator: "\n")
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
}

extension Substring {
    fileprivate func trimming(while matches: (Character) -> Bool) -> Substring {
        var result = drop(while: matches)
        while let last = result.last, matches(last) { result.removeLast() }
        return result
    }
}
