/// Which lines of a text its readers see as prose, as far as Markdown (CommonMark 4.5, 4.6, 5.2, 6.6) decides it.
///
/// | not seen | |
/// |---|---|
/// | a fence | of at least three backticks or tildes, to one as long of the same, or to the end; of a list's item, to the item's end |
/// | a comment of HTML that begins a line | to its end, or to the end of the text |
/// | one inside a line | to its end in the same paragraph; without one, or in inline code, it is text |
/// | a quote, a line that four blanks or a tab begin | |
struct VisibleText {
    private struct Fence {
        var mark: Character
        var length: Int
        /// The column at which the content of the list's item begins that it stands in; 0 outside of lists.
        var item = 0
    }

    private var lines: [String] = []
    private var fence: Fence?
    /// What stood before a comment that is open.
    private var beforeComment: String?

    static func lines(of text: String) -> [String] {
        let all = text.split(separator: "\n", omittingEmptySubsequences: false)
        // Whether a comment ends in a later line of the same paragraph.
        var endsLater = [Bool](repeating: false, count: all.count)
        for number in all.indices.dropLast().reversed() {
            let next = all[number + 1]
            endsLater[number] =
                next.contains { !$0.isWhitespace }
                && (endsLater[number + 1] || end(in: Array(next.utf8), from: 0) != nil)
        }
        var scanner = VisibleText()
        for (line, endsLater) in zip(all, endsLater) { scanner.take(line, endsLater: endsLater) }
        return scanner.lines
    }

    private mutating func take(_ line: Substring, endsLater: Bool) {
        if let before = beforeComment {
            let bytes = Array(line.utf8)
            guard let end = Self.end(in: bytes, from: 0) else { return }
            beforeComment = nil
            return show(before + String(decoding: bytes[end...], as: UTF8.self), endsLater: endsLater)
        }
        let indentation = line.prefix { $0 == " " }.count
        let content = line.dropFirst(indentation)
        if let open = fence {
            guard open.item > indentation, content.contains(where: { !$0.isWhitespace }) else {
                if Self.closes(open, content, indentation) { fence = nil }
                return
            }
            // The list's item has ended, and its fence with it.
            fence = nil
        }
        if indentation >= 4 || line.hasPrefix("\t") || content.hasPrefix(">") { return }
        let (item, inner) = Self.item(content, indentation)
        if var mark = Self.fence(inner) {
            mark.item = item
            fence = mark
            return
        }
        show(String(line), endsLater: endsLater)
    }

    /// Adds a line without the comments in it.
    private mutating func show(_ line: String, endsLater: Bool) {
        let bytes = Array(line.utf8)
        guard bytes.contains(UInt8(ascii: "<")) else { return lines.append(line) }
        var shown: [UInt8] = []
        var (position, isCode) = (0, false)
        while position < bytes.count {
            guard !isCode, bytes[position...].starts(with: "<!--".utf8) else {
                if bytes[position] == UInt8(ascii: "`") { isCode.toggle() }
                shown.append(bytes[position])
                position += 1
                continue
            }
            // Of `<!-->` the opening is the end, too.
            if let end = Self.end(in: bytes, from: position + 2) {
                position = end
            } else if endsLater || shown.allSatisfy({ $0 == UInt8(ascii: " ") }) {
                beforeComment = String(decoding: shown, as: UTF8.self)
                return
            } else {
                shown += bytes[position...]
                break
            }
        }
        lines.append(String(decoding: shown, as: UTF8.self))
    }

    private static func end(in bytes: [UInt8], from start: Int) -> Int? {
        var position = start
        while position + 3 <= bytes.count {
            if bytes[position...].starts(with: "-->".utf8) { return position + 3 }
            position += 1
        }
        return nil
    }

    private static func fence(_ content: Substring) -> Fence? {
        guard let mark = content.first, mark == "`" || mark == "~" else { return nil }
        let length = content.prefix { $0 == mark }.count
        guard length >= 3 else { return nil }
        // A backtick fence's info string holds no backtick; otherwise it is inline code.
        guard mark == "~" || !content.dropFirst(length).contains("`") else { return nil }
        return Fence(mark: mark, length: length)
    }

    private static func closes(_ open: Fence, _ content: Substring, _ indentation: Int) -> Bool {
        let length = content.prefix { $0 == open.mark }.count
        return length >= open.length && indentation < open.item + 4
            && content.dropFirst(length).allSatisfy(\.isWhitespace)
    }

    /// What stands behind the marks of lists that begin a line, and at which column; 0 where there is none.
    private static func item(_ content: Substring, _ indentation: Int) -> (column: Int, content: Substring) {
        var (column, rest, isItem) = (indentation, content, false)
        while let first = rest.first {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }.count
            let mark: Int
            if "-+*".contains(first) {
                mark = 1
            } else if (1...9).contains(digits), let end = rest.dropFirst(digits).first, end == "." || end == ")" {
                mark = digits + 1
            } else {
                break
            }
            let blanks = rest.dropFirst(mark).prefix { $0 == " " }.count
            guard (1...4).contains(blanks) else { break }
            column += mark + blanks
            rest = rest.dropFirst(mark + blanks)
            isItem = true
        }
        return (isItem ? column : 0, rest)
    }
}
