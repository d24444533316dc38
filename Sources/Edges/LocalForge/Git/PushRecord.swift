import FoundationEssentials

/// Which refs one push moved, and who pushed: written by the repository's post-receive hook, read by the forge.
struct PushRecord: Sendable {
    struct Update: Sendable {
        var old: String
        var new: String
        var ref: String
    }

    var path: String
    /// Empty where somebody wrote into the folder without asking the forge.
    var pusher: String
    var updates: [Update]

    private static let hook = """
        #!/bin/sh
        # Tells the forge which refs this push moved, and who pushed.
        file="pushes/$(date +%s%N)-$$"
        { printf '%s\\n' "$REMOTE_USER"; cat; } > "$file.part" && mv "$file.part" "$file"

        """

    private static let guardHook = """
        #!/bin/sh
        # Refuses pushes to branches whose changes come by pull requests only.
        [ -s protected ] || exit 0
        while read -r old new ref; do
            if grep -qxF "$ref" protected; then
                echo "error: GH006: Protected branch update failed for $ref." >&2
                echo "error: Changes must be made through a pull request." >&2
                exit 1
            fi
        done

        """

    /// Says which branches take no push.
    static func protect(_ branches: [String], in folder: String) throws {
        try install(in: folder)
        let text = branches.sorted().map { "refs/heads/\($0)\n" }.joined()
        try AtomicFile.write(Array(text.utf8), to: "\(folder)/protected")
    }

    static func install(in folder: String) throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/pushes", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: "\(folder)/hooks", withIntermediateDirectories: true)
        try AtomicFile.write(Array(hook.utf8), to: "\(folder)/hooks/post-receive", mode: 0o755)
        try AtomicFile.write(Array(guardHook.utf8), to: "\(folder)/hooks/pre-receive", mode: 0o755)
    }

    /// Every record that was not taken yet, oldest first.
    static func waiting(in folder: String) throws -> [PushRecord] {
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/pushes")
        return try names.filter { !$0.hasSuffix(".part") }.sorted().compactMap { name in
            let path = "\(folder)/pushes/\(name)"
            guard let bytes = try AtomicFile.read(path) else { return nil }
            var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            let pusher = lines.isEmpty ? "" : String(lines.removeFirst())
            let updates = lines.compactMap { line -> Update? in
                let parts = line.split(separator: " ", maxSplits: 2)
                guard parts.count == 3 else { return nil }
                return Update(old: String(parts[0]), new: String(parts[1]), ref: String(parts[2]))
            }
            return PushRecord(path: path, pusher: pusher, updates: updates)
        }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
