import ArtifactStore
import Glibc
import SlipwayModel

/// Clones one repository and merges its pull requests onto the base, one after the other.
///
/// The commands are Prow's (pod-utils `clone`), so are the dates of the merges: seconds after the base's commit, which
/// makes the merged commit the same wherever and whenever it is made.
struct GitClone {
    /// Runs `git` with arguments and further variables in a folder. Throws what ends the whole run.
    typealias Runner = (_ arguments: [String], _ environment: [String: String], _ folder: String) throws(GitStopped) ->
        Answer

    struct Answer {
        var code: Int
        /// Standard output and error together.
        var output: String
        var seconds: Double
    }

    static let userName = "ci-robot"
    static let userMail = "ci-robot@slipway.invalid"

    /// Pauses before a fetch that failed for reasons of the network is tried again, in seconds.
    static let retries: [Double] = [0.2, 1, 3]

    let clone: Instruction.Clone
    let run: Runner
    let sleep: (Double) -> Void
    private(set) var record: CloneRecord
    private(set) var tree: String?

    init(_ clone: Instruction.Clone, sleep: @escaping (Double) -> Void, run: @escaping Runner) {
        self.clone = clone
        self.run = run
        self.sleep = sleep
        record = CloneRecord(refs: clone.refs)
    }

    /// The settings that every command needs, through git's environment so that submodules see them too.
    static func environment(_ base: [String: String]) -> [String: String] {
        base.merging([
            "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_HTTP_LOW_SPEED_LIMIT": "1000",
            "GIT_HTTP_LOW_SPEED_TIME": "60", "GIT_SSH_COMMAND": "ssh -oBatchMode=yes", "GIT_TEMPLATE_DIR": "",
        ]) { $1 }
    }

    /// What stands in the run's own `~/.gitconfig`. The folder of a local repository belongs to somebody else.
    static let globalSettings = """
        [safe]
            directory = *
        [advice]
            detachedHead = false
        [init]
            defaultBranch = main
        [gc]
            auto = 0
        [maintenance]
            auto = false

        """

    mutating func perform() throws(GitFailure) {
        let started = ContinuousClock.now
        do {
            try check()
            try fetchBase()
            try mergePulls()
            if clone.refs.skipSubmodules != true { try updateSubmodules() }
            let hashes = try git(["rev-parse", "HEAD", "HEAD^{tree}"], recorded: false)
            let lines = hashes.output.split(separator: "\n")
            record.finalSHA = lines.first.map(String.init)
            tree = lines.count > 1 ? String(lines[1]) : nil
            record.duration = nanoseconds((ContinuousClock.now - started) / .seconds(1))
        } catch {
            record.failed = true
            record.duration = nanoseconds((ContinuousClock.now - started) / .seconds(1))
            throw error
        }
    }

    // MARK: Steps

    private var name: String { "\(clone.refs.org)/\(clone.refs.repo)" }
    private var baseRef: String { clone.refs.baseRef ?? "" }

    /// Names and hashes end up as arguments of git: none may look like an option or a second revision.
    private func check() throws(GitFailure) {
        for ref in [clone.refs.baseRef].compactMap(\.self) + (clone.refs.pulls ?? []).compactMap(\.ref)
        where !GitName.isRef(ref) {
            throw .refused("'\(ref.prefix(80))' is no name of a git ref; correct the refs of \(name)")
        }
        for sha in [clone.refs.baseSHA].compactMap(\.self) + (clone.refs.pulls ?? []).map(\.sha)
        where !sha.isEmpty && !GitName.isCommit(sha) {
            throw .refused("'\(sha.prefix(80))' is no git commit hash; correct the refs of \(name)")
        }
        guard !clone.address.hasPrefix("-"), !clone.address.contains("::") else {
            throw .refused(
                "'\(clone.address.prefix(80))' is no address git may fetch from; correct clone_uri of \(name)")
        }
    }

    private mutating func fetchBase() throws(GitFailure) {
        try must(["init", "-q"], "prepared")
        try must(["config", "user.name", GitClone.userName], "prepared")
        try must(["config", "user.email", GitClone.userMail], "prepared")
        let wanted = clone.refs.baseSHA.flatMap { $0.isEmpty ? nil : $0 }
        let ref = clone.refs.baseRef.flatMap { $0.isEmpty ? nil : $0 } ?? "HEAD"
        var arguments = ["fetch"]
        if let depth = clone.refs.cloneDepth, depth > 0 { arguments += ["--depth", String(depth)] }
        arguments += clone.refs.skipFetchHead == true ? ["--no-tags"] : ["--tags"]
        let answer = try fetch(arguments + [clone.address, ref])
        guard answer.code == 0 else {
            if GitTrouble.isMissingRef(answer.output) {
                throw .vanished(
                    "The base '\(ref)' does not exist in \(name) any more: retarget the pull request or correct "
                        + "base_ref.")
            }
            throw unreachable(answer)
        }
        var target = "FETCH_HEAD"
        if let wanted {
            target = wanted
            if try !has(wanted), try fetch(["fetch", "--no-tags", clone.address, wanted]).code != 0 {
                throw .vanished(
                    "Commit \(wanted.prefix(12)) is not in \(name) any more: '\(ref)' was rewritten. Run the job again "
                        + "to test against '\(ref)' as it is now.")
            }
        }
        // On the branch by name, as Prow leaves it: first beside it, for a branch one is on cannot be reset.
        try must(["checkout", "-q", "--detach", target], "checked out")
        if let branch = clone.refs.baseRef, !branch.isEmpty {
            try must(["branch", "-q", "--force", branch, target], "checked out")
            try must(["checkout", "-q", branch], "checked out")
        }
    }

    private mutating func mergePulls() throws(GitFailure) {
        let pulls = clone.refs.pulls ?? []
        guard !pulls.isEmpty else { return }
        let shown = try git(["show", "-s", "--format=%ct", "HEAD"], recorded: false)
        var time = Int64(shown.output.filter(\.isNumber)) ?? 0
        var merged: [Int] = []
        for pull in pulls {
            let commit = try fetch(pull)
            time += 1
            let date = ["GIT_AUTHOR_DATE": "\(time) +0000", "GIT_COMMITTER_DATE": "\(time) +0000"]
            let arguments = ["merge", "--no-ff", "--no-edit", commit]
            var answer = try git(arguments, environment: date)
            if answer.code != 0, answer.output.contains("unrelated histories"), clone.refs.cloneDepth ?? 0 > 0 {
                // The clone is too shallow to know where the two histories meet.
                let ref = clone.refs.baseRef.flatMap { $0.isEmpty ? nil : $0 } ?? "HEAD"
                if try fetch(["fetch", "--no-tags", "--unshallow", clone.address, ref]).code == 0 {
                    answer = try git(arguments, environment: date)
                }
            }
            guard answer.code == 0 else { throw try conflict(pull, merged, answer) }
            merged.append(pull.number)
        }
    }

    /// Makes a pull request's commit available and names it.
    private mutating func fetch(_ pull: Pull) throws(GitFailure) -> String {
        let ref = pull.ref ?? "refs/pull/\(pull.number)/head"
        let answer = try fetch(["fetch", "--no-tags", clone.address, ref])
        if answer.code != 0, !GitTrouble.isMissingRef(answer.output) { throw unreachable(answer) }
        guard !pull.sha.isEmpty else {
            guard answer.code == 0 else {
                throw .vanished(
                    "Pull request #\(pull.number) of \(name) has no head any more (\(ref) is gone): push its branch "
                        + "again, or close it.")
            }
            return try git(["rev-parse", "FETCH_HEAD"], recorded: false).output.filter { !$0.isWhitespace }
        }
        // The head may have moved on; what is tested is the commit the run was made for.
        if try has(pull.sha) { return pull.sha }
        let direct = try fetch(["fetch", "--no-tags", clone.address, pull.sha])
        guard direct.code == 0, try has(pull.sha) else {
            throw .vanished(
                "Commit \(pull.sha.prefix(12)) of pull request #\(pull.number) is not in \(name) any more: its branch "
                    + (answer.code == 0
                        ? "was pushed over. The new head gets runs of its own; nothing needs to be done for this one."
                        : "is gone. Push it again, or close the pull request."))
        }
        return pull.sha
    }

    private mutating func conflict(_ pull: Pull, _ merged: [Int], _ answer: Answer) throws(GitFailure) -> GitFailure {
        let listed = try git(["-c", "core.quotePath=false", "diff", "--name-only", "--diff-filter=U"], recorded: false)
        let files = listed.output.split(separator: "\n").map(String.init)
        let others = merged.isEmpty ? "" : " together with " + merged.map { "#\($0)" }.joined(separator: ", ")
        guard !files.isEmpty else {
            return .conflict(
                "Pull request #\(pull.number) of \(name) cannot be merged onto '\(baseRef)'\(others): "
                    + "\(GitTrouble.lastLine(answer.output)). Rebase it onto '\(baseRef)' and push.")
        }
        let named = files.prefix(10).joined(separator: ", ") + (files.count > 10 ? " and \(files.count - 10) more" : "")
        return .conflict(
            "Pull request #\(pull.number) of \(name) conflicts with '\(baseRef)'\(others) in \(named): rebase it onto "
                + "'\(baseRef)' (or merge '\(baseRef)' into it), resolve the conflicts and push.")
    }

    private mutating func updateSubmodules() throws(GitFailure) {
        guard access("\(clone.folder)/.gitmodules", F_OK) == 0 else { return }
        let answer = try retrying(["submodule", "update", "--init", "--recursive"])
        guard answer.code == 0 else {
            throw .vanished(
                "A submodule of \(name) cannot be fetched: \(GitTrouble.lastLine(answer.output)). Correct .gitmodules, "
                    + "or set skip_submodules.")
        }
    }

    private func unreachable(_ answer: Answer) -> GitFailure {
        let line = GitTrouble.lastLine(answer.output)
        if GitTrouble.isFullDisk(answer.output) {
            return .machine("There is no space left to clone \(name): \(line). The run may be repeated.")
        }
        if GitTrouble.isRefusal(answer.output) {
            return .vanished(
                "The repository \(name) does not exist or needs a login (\(line)): correct its name or clone_uri, or "
                    + "let the agents read it.")
        }
        return .machine("The repository \(name) cannot be reached: \(line). Run the job again once it can.")
    }

    // MARK: Commands

    private mutating func must(_ arguments: [String], _ verb: String) throws(GitFailure) {
        let answer = try git(arguments)
        guard answer.code == 0 else {
            throw .machine("\(name) could not be \(verb): \(GitTrouble.lastLine(answer.output)).")
        }
    }

    private mutating func has(_ commit: String) throws(GitFailure) -> Bool {
        try git(["cat-file", "-e", "\(commit)^{commit}"], recorded: false).code == 0
    }

    private mutating func fetch(_ arguments: [String]) throws(GitFailure) -> Answer {
        try retrying(arguments)
    }

    private mutating func retrying(_ arguments: [String]) throws(GitFailure) -> Answer {
        var answer = try git(arguments)
        for pause in GitClone.retries where answer.code != 0 && GitTrouble.isPassing(answer.output) {
            sleep(pause)
            answer = try git(arguments)
        }
        return answer
    }

    @discardableResult
    private mutating func git(
        _ arguments: [String], environment: [String: String] = [:], recorded: Bool = true
    ) throws(GitFailure) -> Answer {
        let answer: Answer
        do {
            answer = try run(arguments, environment, clone.folder)
        } catch {
            throw .stopped(error)
        }
        if recorded {
            record.commands.append(
                .init(
                    command: (["git"] + arguments).joined(separator: " "),
                    output: answer.output.isEmpty ? nil : answer.output,
                    error: answer.code == 0 ? nil : "exit status \(answer.code)",
                    duration: nanoseconds(answer.seconds)))
        }
        return answer
    }

    private func nanoseconds(_ seconds: Double) -> Int64 { Int64(max(0, seconds) * 1e9) }
}

/// A git command could not be run to its end; the supervisor knows why.
struct GitStopped: Error {
    /// Set where the command could not even be started.
    var reason: String?
}

/// Why a clone failed.
enum GitFailure: Error {
    /// The change, or what it names, is the reason: a run fails, as in Prow.
    case conflict(String)
    case vanished(String)
    case refused(String)
    /// The machine or the network is: a run ends in error, which says that the change is not to blame.
    case machine(String)
    case stopped(GitStopped)
}

/// What git's words mean. They are git's own under LC_ALL=C.
enum GitTrouble {
    static func isMissingRef(_ output: String) -> Bool {
        output.contains("couldn't find remote ref") || output.contains("not our ref")
            || output.contains("unadvertised object")
    }

    static func isRefusal(_ output: String) -> Bool {
        [
            "Authentication failed", "could not read Username", "does not appear to be a git repository",
            "Permission denied",
            "returned error: 40", "Repository not found", "does not exist",
        ].contains { output.contains($0) } || output.contains("repository '") && output.contains("not found")
    }

    static func isFullDisk(_ output: String) -> Bool {
        output.contains("No space left") || output.contains("Disk quota exceeded") || output.contains("File too large")
    }

    /// Worth another try: the network's troubles, not a refusal.
    static func isPassing(_ output: String) -> Bool {
        !isMissingRef(output) && !isRefusal(output) && !isFullDisk(output)
    }

    /// The last line that says something, without git's prefix.
    static func lastLine(_ output: String) -> String {
        let lines = output.split(whereSeparator: \.isNewline).map(String.init)
        let line =
            lines.last { $0.hasPrefix("fatal:") || $0.hasPrefix("error:") || $0.hasPrefix("CONFLICT") } ?? lines.last
            ?? "git said nothing"
        for prefix in ["fatal: ", "error: "] where line.hasPrefix(prefix) {
            return String(line.dropFirst(prefix.count).prefix(300))
        }
        return String(line.prefix(300))
    }
}
