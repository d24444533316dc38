import Foundation
import Subprocess
import SystemPackage
import Testing

/// The program as shells and scripts meet it.
@Suite struct CommandLineTests {
    /// The compiled program beside the test bundle.
    private static let slipway =
        URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path + "/slipway"

    private struct Answer {
        var status: Int
        var output: String
        var error: String
    }

    private static func run(_ program: String, _ arguments: [String]) async throws -> Answer {
        let result = try await Subprocess.run(
            .path(FilePath(program)), arguments: Arguments(arguments), output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            case .signaled(let signal): -Int(signal)
            }
        return Answer(status: status, output: result.standardOutput, error: result.standardError)
    }

    /// A folder with one presubmit, for the length of `body`.
    private static func withJobs(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/slipway-line-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/jobs", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let jobs = "presubmits: {lantern/engine: [{name: unit, run_if_changed: '\\.c$', spec: {containers: [{}]}}]}\n"
        try Data(jobs.utf8).write(to: URL(filePath: folder + "/jobs/jobs.yaml"))
        try await body(folder)
    }

    /// What bash offers behind the words of a line, by the script that the program writes.
    @Test(arguments: [
        ("ru", ["runs"], []), ("runs l", ["list", "logs", "ledger"], []), ("runs list --st", ["--state"], []),
        ("runs list --state f", ["failure"], []), ("runs rerun --mode ", ["current", "latest", "original"], []),
        ("runs list --format ", ["table", "json"], []), ("check-config --executor p", ["process"], ["kubernetes"]),
        ("check-config --job-config FOLDER/jo", ["FOLDER/jobs"], ["FOLDER/job.txt"]),
        ("which-jobs --batch FOLDER/jo", ["FOLDER/job.txt"], []), ("config apply FOLDER/jo", ["FOLDER/jobs"], []),
        ("dead-letters ", ["list", "show", "replay", "discard"], ["runs"]),
        ("runs list --job x --state e", ["error"], ["list"]), ("nonsense ", [], ["list"]),
    ])
    func bash(line: String, offers: [String], not others: [String]) async throws {
        try await Self.withJobs { folder in
            try Data("{}".utf8).write(to: URL(filePath: folder + "/job.txt"))
            let words = "slipway " + line.replacing("FOLDER", with: folder)
            let answer = try await Self.run(
                "/bin/bash",
                [
                    "--norc", "-c",
                    """
                    source <("$1" --generate-completion-script bash)
                    read -ra COMP_WORDS <<< "$2"
                    [[ "$2" == *' ' ]] && COMP_WORDS+=('')
                    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2}
                    complete -p slipway > /dev/null
                    _slipway slipway "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
                    printf '%s\\n' "${COMPREPLY[@]}"
                    """, "bash", Self.slipway, words,
                ])
            let offered = answer.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(answer.status == 0 && answer.error.isEmpty, "\(answer.error)")
            for word in offers { #expect(offered.contains(word.replacing("FOLDER", with: folder)), "\(offered)") }
            for word in others { #expect(!offered.contains(word.replacing("FOLDER", with: folder)), "\(offered)") }
        }
    }

    @Test(arguments: ["zsh", "fish"])
    func otherShells(shell: String) async throws {
        let answer = try await Self.run(Self.slipway, ["--generate-completion-script", shell])
        #expect(answer.status == 0)
        for word in ["which-jobs", "rerun", "original"] { #expect(answer.output.contains(word)) }
    }

    /// A question a line, an answer a line, in order; what is no question is answered in its place.
    @Test func batch() async throws {
        try await Self.withJobs { folder in
            let lines: [(question: String, answer: String)] = [
                (#"{"repo":"lantern/engine","branch":"main","changed":["a.c"]}"#, #"{"run":[{"name":"unit""#),
                (
                    #"{"repo":"lantern/engine","branch":"main","changed":["a.md"],"comment":null}"#,
                    #"{"run":[],"skip":[{"#
                ),
                (#"{"repo":"lantern/engine","branch":"main","comment":"/test unit"}"#, #"{"run":[{"name":"unit""#),
                (#"{"repo":"nobody/nothing","branch":"main"}"#, #"{"run":[],"skip":[]}"#),
                (#"{"repo":"lantern/engine"}"#, "This question has no 'branch'"),
                (#"{"repo":"lantern/engine","branch":""}"#, "The branch is empty"),
                (#"{"repo":"engine","branch":"main"}"#, "'engine' is not a repository; write ORG/REPO."),
                (
                    #"{"repo":"lantern/engine","branch":"main","changed":[1]}"#,
                    "'changed[0]' of this question is of another"
                ),
                (#"{"repo":7,"branch":"main"}"#, "'repo' of this question is of another type"),
                ("null", "This line is no question"), ("[]", "This line is no question"),
                ("# a comment", "This line is no question"), ("  ", ""),
                (#"  {"repo":"lantern/engine","branch":"main","more":1}  "#, #"{"run":[],"skip":[{"#),
            ]
            let file = folder + "/questions"
            try Data(lines.map(\.question).joined(separator: "\n").utf8).write(to: URL(filePath: file))
            let answer = try await Self.run(
                Self.slipway, ["which-jobs", "--job-config", folder + "/jobs", "--batch", file])
            let answers = answer.output.split(separator: "\n")
            let expected = lines.map(\.answer).filter { !$0.isEmpty }
            #expect(answer.status == 1 && answers.count == expected.count)
            for (line, text) in zip(answers, expected) { #expect(line.contains(text), "\(line)") }
        }
    }

    @Test(arguments: [
        (["which-jobs", "--job-config", "JOBS", "--batch", "JOBS"], 1, "cannot be read"),
        (["which-jobs", "--job-config", "JOBS", "--batch", "-", "--branch", "main"], 64, "leave the options"),
        (["which-jobs", "--job-config", "JOBS", "--repo", "lantern/engine"], 64, "--branch"),
        (["which-jobs", "--job-config", "JOBS", "--repo", "engine", "--branch", "main"], 1, "write ORG/REPO"),
        (["which-jobs", "--job-config", "/nonexistent", "--repo", "a/b", "--branch", "main"], 1, "no such folder"),
        (["check-config", "--job-config", "JOBS", "--format", "xml"], 64, "'table' and 'json'"),
        (["runs", "list", "--state", "lost"], 64, "waiting"), (["runs", "list", "--pull", "x"], 64, "--pull"),
        (["runs", "list", "--repo", "engine"], 64, "ORG/REPO"), (["no-such-command"], 64, "no-such-command"),
    ])
    func refusals(arguments: [String], status: Int, sentence: String) async throws {
        try await Self.withJobs { folder in
            let answer = try await Self.run(
                Self.slipway, arguments.map { $0.replacing("JOBS", with: folder + "/jobs") })
            #expect(answer.status == status && answer.output.isEmpty)
            #expect(answer.error.contains(sentence), "\(answer.error)")
        }
    }
}
