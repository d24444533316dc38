/// What has to be taken out of a text and put into it to make another of it, line by line. Pure.
package struct LineDifference: Sendable, Hashable {
    package enum Mark: Hashable, Sendable {
        case same, removed, added, gap
    }

    package struct Line: Hashable, Sendable {
        package var mark: Mark
        package var text: String
    }

    package let lines: [Line]

    /// Lines around a change that are shown with it.
    private static let context = 3
    /// Texts of more lines are not compared but shown as taken out and put in.
    private static let maximumLines = 2000

    package init(from old: String, to new: String) {
        let (before, after) = (Self.split(old), Self.split(new))
        guard before.count <= Self.maximumLines, after.count <= Self.maximumLines else {
            lines =
                before.prefix(200).map { Line(mark: .removed, text: $0) } + [Line(mark: .gap, text: "")]
                + after.prefix(200).map { Line(mark: .added, text: $0) }
            return
        }
        let difference = after.difference(from: before)
        var removed: Set<Int> = []
        var added: Set<Int> = []
        for change in difference {
            switch change {
            case .remove(let offset, _, _): removed.insert(offset)
            case .insert(let offset, _, _): added.insert(offset)
            }
        }
        var all: [Line] = []
        var (left, right) = (0, 0)
        while left < before.count || right < after.count {
            if left < before.count, removed.contains(left) {
                all.append(Line(mark: .removed, text: before[left]))
                left += 1
            } else if right < after.count, added.contains(right) {
                all.append(Line(mark: .added, text: after[right]))
                right += 1
            } else {
                all.append(Line(mark: .same, text: right < after.count ? after[right] : ""))
                left += 1
                right += 1
            }
        }
        lines = Self.shortened(all)
    }

    private static func split(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    /// Without the lines that are far from every change.
    private static func shortened(_ all: [Line]) -> [Line] {
        let changes = all.indices.filter { all[$0].mark != .same }
        var isNear = [Bool](repeating: false, count: all.count)
        for change in changes {
            for index in max(0, change - context)...min(all.count - 1, change + context) { isNear[index] = true }
        }
        var lines: [Line] = []
        for (index, line) in all.enumerated() {
            if isNear[index] {
                lines.append(line)
            } else if lines.last?.mark != .gap {
                lines.append(Line(mark: .gap, text: ""))
            }
        }
        return lines
    }
}
