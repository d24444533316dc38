import ArtifactStore
import Execution
import ForgeTesting
import FoundationEssentials
import SlipwayModel
import Testing

/// A bare repository with a base and pull requests, as a forge keeps them.
struct RepositoryFixture {
    static let name = RepositoryName(org: "lantern", repo: "engine")

    let folder: String
    /// The repository's address.
    var address: String { "file://\(folder)/engine.git" }

    /// - Parameter script: runs in a clone on branch `main`; `pull N` pushes HEAD as the head of pull request N.
    init(_ bench: ExecutionBench, _ script: String) async throws {
        folder = bench.folder + "/forge"
        _ = try await ExecutionBench.bash(
            """
            mkdir -p '\(folder)'; cd '\(folder)'
            git init -q --bare -b main engine.git
            git init -q -b main work; cd work; git remote add origin ../engine.git
            commit() { git add -A; git commit -q -m "$1"; }
            pull() { git push -q -f origin HEAD:refs/pull/$1/head; }
            echo glow > lamp; commit base; git push -q origin main
            \(script)
            """)
    }

    func hash(_ ref: String) async throws -> String {
        try await ExecutionBench.bash("git -C '\(folder)/engine.git' rev-parse '\(ref)'").filter { !$0.isWhitespace }
    }

    func git(_ command: String) async throws {
        _ = try await ExecutionBench.bash("git \(command)", in: folder + "/work")
    }

    func refs(_ numbers: [Int], base: String? = nil) async throws -> Refs {
        var pulls: [Pull] = []
        for number in numbers {
            pulls.append(
                Pull(
                    number: number, author: "ada", sha: try await hash("refs/pull/\(number)/head"), title: "Glow",
                    headRef: "glow"))
        }
        var refs = Refs(
            repository: Self.name, baseRef: "main", baseSHA: try await hash(base ?? "main"),
            pulls: pulls.isEmpty ? nil : pulls)
        refs.cloneURI = address
        return refs
    }
}

@Suite(.timeLimit(.minutes(15))) struct ExecutionCloneTests {
    private func execute(
        _ bench: ExecutionBench, _ refs: Refs, _ script: String = "cat lamp; git log --format=%s | head -3; pwd",
        extra: [Refs] = []
    ) async throws -> (executed: ExecutedRun, log: String, records: [CloneRecord]) {
        let run = ExecutionBench.run(
            script, refs: refs, kind: refs.pulls == nil ? .postsubmit : .presubmit, extraRefs: extra)
        let executed = await bench.executor.execute(run, agent: "bench", control: RunControl())
        let records = try? ArtifactDocument.decode(
            [CloneRecord].self, from: try await bench.store.get(bench.layout(run).cloneRecords))
        return (executed, try await bench.log(run), records ?? [])
    }

    @Test func pullRequestsAreMergedInOrder() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(
            bench,
            """
            git checkout -q -b one; echo 1 > one; commit one; pull 1
            git checkout -q -b two main; echo 2 > two; commit two; pull 2
            git checkout -q main; echo more >> lamp; commit more; git push -q origin main; git tag v1; git push -q origin v1
            """)
        let refs = try await forge.refs([1, 2])
        let (first, log, records) = try await execute(
            bench, refs,
            "cat lamp one two; git rev-parse --abbrev-ref HEAD; git describe --tags main~2; pwd; git config user.name")
        #expect(first.outcome.state == .success, "\(first.outcome.message)\n\(log)")
        let lines = log.split(separator: "\n").map(String.init)
        #expect(lines.prefix(6) == ["glow", "more", "1", "2", "main", "v1"])
        #expect(lines[6].hasSuffix("/go/src/github.com/lantern/engine"))
        #expect(lines[7] == "ci-robot")
        // The same base and heads give the same merged commit and tree, always.
        let (second, _, _) = try await execute(bench, refs)
        let sha = try #require(records.first?.finalSHA)
        #expect(sha.utf8.count == 40)
        #expect(second.finalSHA == sha && first.finalSHA == sha)
        #expect(first.outcome.tree?.utf8.count == 40 && first.outcome.tree == second.outcome.tree)
        #expect(first.outcome.tree != sha)
        #expect(first.outcome.phases["clone"] ?? 0 > 0)
        #expect(records.count == 1 && records[0].refs == refs && records[0].failed == nil)
        #expect(records[0].commands.allSatisfy { $0.command.hasPrefix("git ") && $0.error == nil })
        let layout = try bench.layout(first.run)
        let started = try ArtifactDocument.decode(StartedDocument.self, from: try await bench.store.get(layout.started))
        #expect(started.repoCommit == sha && started.pull == "1")
        #expect(layout.folder.description.hasPrefix("pr-logs/pull/batch/unit/"))
        #expect(try await bench.text(layout.cloneLog).contains("$ git fetch"))
    }

    @Test func aConflictNamesPullRequestAndFiles() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(
            bench,
            """
            git checkout -q -b one; echo red > lamp; echo 1 > 'größe x'; commit one; pull 1
            git checkout -q -b two main; echo blue > lamp; echo 2 > 'größe x'; commit two; pull 2
            """)
        let (executed, log, records) = try await execute(bench, try await forge.refs([1, 2]), "echo never")
        // As in Prow: the change is the reason, so the run fails.
        #expect(executed.outcome.state == .failure)
        let message =
            "Pull request #2 of lantern/engine conflicts with 'main' together with #1 in größe x, lamp: rebase it onto"
        #expect(executed.outcome.message.hasPrefix(message), "\(executed.outcome.message)")
        #expect(log.contains(message) && log.contains("CONFLICT") && !log.contains("never\n"))
        #expect(records.first?.failed == true)
        #expect(executed.outcome.tree == nil)
    }

    @Test func whatVanishedIsNamed() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(
            bench,
            """
            git checkout -q -b one; echo 1 > one; commit one; pull 1; git push -q origin HEAD:refs/heads/gone
            """)
        let refs = try await forge.refs([1])
        // Pushed over, and the old commit is collected.
        try await forge.git("commit -q --amend -m again")
        try await forge.git("push -q -f origin HEAD:refs/pull/1/head :refs/heads/gone")
        _ = try await ExecutionBench.bash("git -C '\(forge.folder)/engine.git' -c gc.pruneExpire=now gc -q --prune=now")
        var (executed, _, _) = try await execute(bench, refs)
        #expect(executed.outcome.state == .failure)
        #expect(
            executed.outcome.message.contains(
                "of pull request #1 is not in lantern/engine any more: its branch was pushed over"),
            "\(executed.outcome.message)")
        // The ref as well.
        try await forge.git("push -q origin :refs/pull/1/head")
        (executed, _, _) = try await execute(bench, refs)
        #expect(executed.outcome.message.contains("is gone. Push it again, or close the pull request."))
        // The base branch.
        var base = refs
        base.baseRef = "release-9"
        (executed, _, _) = try await execute(bench, base)
        #expect(executed.outcome.state == .failure)
        #expect(executed.outcome.message.contains("The base 'release-9' does not exist in lantern/engine any more"))
        // The base commit.
        base.baseRef = "main"
        base.baseSHA = String(repeating: "d", count: 40)
        (executed, _, _) = try await execute(bench, base)
        #expect(
            executed.outcome.message.contains(
                "Commit dddddddddddd is not in lantern/engine any more: 'main' was rewritten"))
    }

    /// A head that moved on does not change what is tested.
    @Test func theCommitOfTheRunIsTested() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(bench, "git checkout -q -b one; echo 1 > one; commit one; pull 1")
        let refs = try await forge.refs([1])
        try await forge.git("commit -q --allow-empty -m later")
        try await forge.git("push -q -f origin HEAD:refs/pull/1/head")
        let (executed, log, _) = try await execute(bench, refs, "git log --format=%s -2")
        #expect(executed.outcome.state == .success, "\(executed.outcome.message)")
        #expect(!log.contains("later"))
    }

    @Test(arguments: [
        ("file:///nonexistent/engine.git", RunState.failure, "does not exist or needs a login"),
        ("http://127.0.0.1:1/engine.git", .error, "cannot be reached"),
        ("--upload-pack=touch /tmp/owned", .failure, "is no address git may fetch from"),
        ("ext::sh -c true", .failure, "is no address git may fetch from"),
    ])
    func anUnreachableRepositoryIsNamed(address: String, state: RunState, message: String) async throws {
        let bench = try ExecutionBench()
        var refs = Refs(repository: RepositoryFixture.name, baseRef: "main")
        refs.cloneURI = address
        let (executed, log, _) = try await execute(bench, refs)
        #expect(executed.outcome.state == state)
        #expect(executed.outcome.message.contains(message), "\(executed.outcome.message)")
        #expect(log.contains(message))
    }

    @Test(arguments: [
        ("-h", nil as String?), ("a..b", nil), ("a b", nil), ("x.lock", nil), ("main", "HEAD"), ("main", "-n1"),
        ("main", String(repeating: "A", count: 40)),
    ])
    func namesThatAreNoRefsAreRefused(ref: String, sha: String?) async throws {
        let bench = try ExecutionBench()
        var refs = Refs(repository: RepositoryFixture.name, baseRef: ref, baseSHA: sha)
        refs.cloneURI = "file:///nonexistent/engine.git"
        let (executed, _, _) = try await execute(bench, refs)
        #expect(executed.outcome.state == .failure)
        #expect(executed.outcome.message.contains("correct the refs of lantern/engine"))
    }

    @Test func aShallowCloneDeepensWhereAMergeNeedsIt() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(
            bench,
            """
            git checkout -q -b one; echo 1 > one; commit one; pull 1
            git checkout -q main; for i in 1 2 3 4 5; do echo $i >> lamp; commit "$i"; done; git push -q origin main
            """)
        var refs = try await forge.refs([1])
        refs.cloneDepth = 1
        let (merged, log, _) = try await execute(bench, refs, "cat one; git rev-list --count HEAD")
        #expect(merged.outcome.state == .success, "\(merged.outcome.message)")
        #expect(log.hasPrefix("1\n"))
        refs.pulls = nil
        let (executed, depth, _) = try await execute(bench, refs, "git rev-list --count HEAD")
        #expect(executed.outcome.state == .success && depth == "1\n")
    }

    @Test func extraRefsAndWorkdir() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(bench, "")
        let refs = try await forge.refs([])
        var extra = refs
        extra.repo = "config"
        extra.pathAlias = "lantern.example/config"
        extra.workdir = true
        extra.baseSHA = nil
        let (executed, log, records) = try await execute(
            bench, refs, "pwd; ls $GOPATH/src/github.com/lantern/engine; pwd > $ARTIFACTS/folder", extra: [extra])
        #expect(executed.outcome.state == .success, "\(executed.outcome.message)")
        #expect(log.contains("/go/src/lantern.example/config\nlamp\n"))
        #expect(records.map(\.refs.repo) == ["engine", "config"])
        // The merged tree is that of the tested repository.
        #expect(executed.outcome.tree == (try await forge.hash("main^{tree}")))
    }

    @Test func submodulesComeAlong() async throws {
        let bench = try ExecutionBench()
        let forge = try await RepositoryFixture(
            bench,
            """
            git init -q --bare -b main ../glass.git; git init -q -b main ../glass; (cd ../glass; echo clear > glass
            git add -A; git commit -q -m glass; git push -q ../glass.git main)
            git -c protocol.file.allow=always submodule --quiet add "file://$PWD/../glass.git" glass; commit submodule
            git push -q origin main
            """)
        let (executed, log, _) = try await execute(bench, try await forge.refs([]), "cat glass/glass")
        #expect(executed.outcome.state == .success, "\(executed.outcome.message)")
        #expect(log == "clear\n")
        var skipped = try await forge.refs([])
        skipped.skipSubmodules = true
        let (_, empty, _) = try await execute(bench, skipped, "ls glass | wc -l")
        #expect(empty == "0\n")
    }

    @Test func cloningCanBeSkipped() async throws {
        let bench = try ExecutionBench()
        var run = ExecutionBench.run(
            "ls | wc -l", refs: Refs(repository: RepositoryFixture.name, baseRef: "main"), kind: .postsubmit)
        run.job.decoration?.skipCloning = true
        #expect(await bench.execute(run).state == .success)
        #expect(try await bench.log(run) == "0\n")
    }
}
