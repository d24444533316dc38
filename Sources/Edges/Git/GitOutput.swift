package import Forge
import FoundationEssentials

/// A commit as `git log` prints it.
package struct GitCommit: Sendable {
    package var sha: String
    package var tree: String
    package var parents: [String]
    package var author: RepositoryCommit.Signature
    package var committer: RepositoryCommit.Signature
    package var message: String

    static let format = "%H%n%T%n%P%n%an%n%ae%n%at%n%cn%n%ce%n%ct%n%B"

    /// Reads one record of `git log -z` in `format`.
    init?(record: String) {
        let lines = record.split(separator: "\n", maxSplits: 9, omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 9, lines[0].count == 40 else { return nil }
        sha = lines[0]
        tree = lines[1]
        parents = lines[2].split(separator: " ").map(String.init)
        author = Self.signature(lines[3], lines[4], lines[5])
        committer = Self.signature(lines[6], lines[7], lines[8])
        var text = lines.count > 9 ? lines[9] : ""
        while text.hasSuffix("\n") { text.removeLast() }
        message = text
    }

    private static func signature(_ name: String, _ email: String, _ time: String) -> RepositoryCommit.Signature {
        let date = Double(time).map { Timestamp(Date(timeIntervalSince1970: $0)) }
        return RepositoryCommit.Signature(name: name, email: email, date: date)
    }

    package var title: String { String(message.prefix { $0 != "\n" }) }
}

/// Who wrote or committed something.
package struct GitIdentity: Hashable, Sendable {
    package var name: String
    package var email: String

    package init(name: String, email: String) {
        self.name = name
        self.email = email
    }
}

/// What `git diff-tree -z --raw --numstat` prints.
enum DiffOutput {
    /// First every file's raw record (`:mode mode sha sha X`, path, and a second path of a rename), then every file's
    /// counts (`added<TAB>deleted<TAB>path`, or with an empty path and two following ones for a rename).
    static func parse(_ output: [UInt8]) -> [ChangedFile] {
        let tokens = output.split(separator: 0, omittingEmptySubsequences: true).map {
            String(decoding: $0, as: UTF8.self)
        }
        var files: [ChangedFile] = []
        var index = 0
        while index < tokens.count, tokens[index].hasPrefix(":") {
            let fields = tokens[index].dropFirst().split(separator: " ")
            guard fields.count == 5, let letter = fields[4].first, index + 1 < tokens.count else { break }
            var file = ChangedFile(filename: tokens[index + 1], status: status(letter), sha: String(fields[3]))
            index += 2
            if letter == "R" || letter == "C", index < tokens.count {
                file.previousFilename = file.filename
                file.filename = tokens[index]
                index += 1
            }
            files.append(file)
        }
        var position = 0
        while index < tokens.count, position < files.count {
            let fields = tokens[index].split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { break }
            // Binary files have `-` for both counts.
            let added = Int(fields[0]) ?? 0
            let deleted = Int(fields[1]) ?? 0
            files[position].additions = added
            files[position].deletions = deleted
            files[position].changes = added + deleted
            index += fields[2].isEmpty ? 3 : 1
            position += 1
        }
        return files
    }

    private static func status(_ letter: Character) -> String {
        switch letter {
        case "A": "added"
        case "D": "removed"
        case "R": "renamed"
        case "C": "copied"
        case "T": "changed"
        default: "modified"
        }
    }
}
