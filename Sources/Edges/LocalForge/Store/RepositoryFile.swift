import FoundationEssentials
import SlipwayModel

/// A repository's state on disk: `<repo>.json` holds it as it was once, `<repo>.journal` a line for each change since.
///
/// A change costs its own line. When the lines outweigh the state, it is written anew, and the next line takes their
/// place; whoever starts between the two reads changes that the state has already, and they change nothing.
struct RepositoryFile: Sendable {
    private let path: String
    private let journal: String
    /// Where whole lines end; what a write that failed left behind this is no part of the journal.
    private var end = 0
    private var stateBytes = 0

    /// Bytes of journal that are always kept before the state is written anew: about a second of reading at a start.
    static let journalKept = 4 << 20

    /// - Parameter folder: Where the repository's organisation lies.
    init(_ repo: String, in folder: String) {
        path = "\(folder)/\(repo).json"
        journal = "\(folder)/\(repo).journal"
    }

    /// The state as the last whole change left it; nil where there is none. A line that was cut off by the end of its
    /// process was never answered, and is dropped.
    mutating func read() throws -> RepositoryState? {
        guard let bytes = try AtomicFile.read(path) else { return nil }
        var state: RepositoryState
        do {
            state = try JSONDecoder().decode(RepositoryState.self, from: Data(bytes))
        } catch {
            throw UnreadableState(path: path, line: nil, reason: "\(error)")
        }
        stateBytes = bytes.count
        let lines = try AtomicFile.read(journal) ?? []
        end = lines.lastIndex(of: Self.newline).map { $0 + 1 } ?? 0
        for (position, line) in lines[..<end].split(separator: Self.newline).enumerated() {
            do {
                try JSONDecoder().decode(RepositoryChange.self, from: Data(line)).apply(to: &state)
            } catch {
                throw UnreadableState(path: journal, line: position + 1, reason: "\(error)")
            }
        }
        return state
    }

    /// Writes the whole state, which begins its journal anew.
    mutating func write(_ state: RepositoryState) throws {
        let bytes = Array(try JSONEncoder.forge.encode(state))
        try AtomicFile.write(bytes, to: path)
        stateBytes = bytes.count
        end = 0
    }

    /// Makes a change durable.
    ///
    /// - Parameter isFlushed: Whether it has to outlive the machine, too, and not only the process.
    mutating func append(_ old: RepositoryState, _ new: RepositoryState, isFlushed: Bool) throws {
        let line = Array(try JSONEncoder.forge.encode(RepositoryChange(from: old, to: new))) + [Self.newline]
        try AppendedFile.write(line, to: journal, at: end, isFlushed: isFlushed)
        end += line.count
        // The change is on disk already; a state that cannot be written is tried again at the next one.
        if end > max(Self.journalKept, stateBytes) { try? write(new) }
    }

    private static let newline = UInt8(ascii: "\n")
}

/// A file of the forge's that says nothing that can be understood.
package struct UnreadableState: Error, CustomStringConvertible, Sendable {
    let path: String
    let line: Int?
    let reason: String

    package var description: String {
        let place = line.map { "\(path), line \($0)," } ?? path
        let remedy =
            line == nil
            ? "Restore the file, or move it away together with its .journal and .git to begin that repository anew."
            : "Restore the file, or delete that line and those after it to go back to what was before them."
        return "the forge's file \(place) holds no state of a repository: \(reason). \(remedy)"
    }
}
