import SlipwayModel

/// What to say about commands that nobody answers to. Pure. Prose, paths and other people's commands are left alone.
package enum Misspelling {
    /// A command that is none, with the nearest one.
    package struct Finding: Hashable, Sendable {
        package var name: String
        package var suggestion: String?

        package init(name: String, suggestion: String? = nil) {
            self.name = name
            self.suggestion = suggestion
        }
    }

    /// Names of folders that stand at the beginning of a line as often as of a path.
    private static let folders: Set<String> = [
        "bin", "boot", "dev", "etc", "home", "lib", "lib64", "media", "mnt", "opt", "proc", "root", "run", "sbin",
        "srv",
        "sys", "tmp", "usr", "var", "workspace", "tests", "src", "docs", "pkg", "cmd", "vendor",
    ]

    /// Commands of Prow's that are for fun: nobody answers, nobody minds.
    private static let fun: Set<String> = [
        "joke", "meow", "meowvie", "woof", "bark", "this-is-fine", "this-is-not-fine", "this-is-unbearable", "honk",
        "pony", "shrug", "unshrug", "tableflip", "untableflip", "close-goose",
    ]

    /// - Parameters:
    ///   - names: every name that is answered here.
    ///   - hasExternalPlugins: others may answer to commands that are not known here.
    package static func findings(
        _ calls: [CommandCall], names: [String], hasExternalPlugins: Bool
    ) -> [Finding] {
        var findings: [Finding] = []
        for call in calls {
            let name = call.name
            guard name.count > 1, !folders.contains(name), !fun.contains(name),
                !findings.contains(where: { $0.name == name })
            else { continue }
            let nearest = names.map { ($0, distance(name, $0)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
            let reach = hasExternalPlugins || name.count < 5 ? 1 : 2
            if let nearest, nearest.1 <= reach {
                findings.append(Finding(name: name, suggestion: nearest.0))
            } else if !hasExternalPlugins, name.count > 2, call.words.count <= 1 {
                // A line of several words is more likely a sentence.
                findings.append(Finding(name: name))
            }
        }
        return findings
    }

    /// Letters that are missing, too many, other ones, or exchanged with their neighbours.
    package static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left.utf8), Array(right.utf8))
        guard abs(a.count - b.count) <= 3, a.count <= 40 else { return max(a.count, b.count) }
        var before: [Int] = []
        var last = Array(0...b.count)
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
                row.append(best)
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }
}
