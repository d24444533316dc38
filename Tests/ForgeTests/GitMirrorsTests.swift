import Foundation
import Git
import LocalForge
import SlipwayModel
import Testing

@Suite struct GitMirrorsTests {
    /// A forge with one repository, and a mirror folder for it.
    private func run(_ body: @Sendable @escaping (TestForge, Clone, GitMirrors) async throws -> Void) async throws {
        try await TestForge.run { forge in
            let clone = try await forge.makeRepository()
            let mirrors = GitMirrors(folder: forge.folder + "/mirrors", forge: forge.bot)
            try await body(forge, clone, mirrors)
        }
    }

    @Test func aCopyHasTheFilesOfTheCommitsThatAreAskedFor() async throws {
        try await run { forge, clone, mirrors in
            let head = try await clone.commit(["OWNERS": "approvers: [maria]\n", "lib/a b.txt": "ü\n"], "files")
            try await clone.push("main")
            let copy = try await mirrors.repository(TestForge.repository, having: [head])
            let entries = try await copy.entries(of: head)
            #expect(entries.map(\.path) == ["OWNERS", "README.md", "lib/a b.txt"])
            #expect(entries.filter(\.isFile).count == 3)
            let blobs = try await copy.blobs(entries.map(\.hash))
            #expect(blobs[entries[0].hash] == Array("approvers: [maria]\n".utf8))
            #expect(blobs[entries[2].hash] == Array("ü\n".utf8))
            #expect(try await copy.blobs(entries.map(\.hash), limit: 3).count == 1)
            #expect(try await copy.entries(of: head, paths: ["lib"]).map(\.path) == ["lib/a b.txt"])

            let newer = try await clone.commit(["README.md": "other\n"], "newer")
            try await clone.push("main")
            #expect(try await mirrors.head(of: "main", in: TestForge.repository) == newer)
            #expect(try await copy.missing([head, newer]) == [])
            #expect(try await mirrors.head(of: "absent", in: TestForge.repository) == nil)
        }
    }

    /// A git command that is killed leaves its lock behind.
    @Test func nobodyWaitsForALockThatIsNobodys() async throws {
        try await run { forge, clone, mirrors in
            let first = try await clone.head()
            #expect(try await mirrors.head(of: "main", in: TestForge.repository) == first)
            let copy = try await mirrors.repository(TestForge.repository, having: [first])
            let lock = "\(copy.folder)/refs/slipway/heads/main.lock"
            try Data().write(to: URL(filePath: lock))
            let second = try await clone.commit(["a": "2\n"], "second")
            try await clone.push("main")
            #expect(try await mirrors.head(of: "main", in: TestForge.repository) == second)
            // It may still be somebody's; an old one is not.
            #expect(FileManager.default.fileExists(atPath: lock))
            let old = Date(timeIntervalSinceNow: -3600)
            try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: lock)
            let third = try await clone.commit(["a": "3\n"], "third")
            try await clone.push("main")
            #expect(try await mirrors.head(of: "main", in: TestForge.repository) == third)
            #expect(!FileManager.default.fileExists(atPath: lock))
        }
    }

    @Test func mergesTouchNoBranchAndNameConflicts() async throws {
        try await run { forge, clone, mirrors in
            let base = try await clone.head()
            var heads: [String: String] = [:]
            for (name, path, text) in [("left", "a.txt", "1\n"), ("right", "b.txt", "2\n"), ("clash", "a.txt", "3\n")] {
                try await clone.branch(name)
                heads[name] = try await clone.commit([path: text], name)
                try await clone.push(name)
            }
            let left = try #require(heads["left"])
            let right = try #require(heads["right"])
            let clash = try #require(heads["clash"])
            let copy = try await mirrors.repository(TestForge.repository, having: [base, left, right, clash])
            let tree = try #require(try await copy.merge(left, right).tree)
            #expect(try await copy.entries(of: tree).map(\.path) == ["README.md", "a.txt", "b.txt"])
            #expect(try await copy.merge(left, clash) == .conflict(paths: ["a.txt"]))
            #expect(try await copy.cherryPick(right, of: base, onto: left).tree == tree)
            let commit = try await copy.commitTree(tree, parents: [left, right], message: "Merge", date: 1_700_000_000)
            let again = try await copy.commitTree(tree, parents: [left, right], message: "Merge", date: 1_700_000_000)
            #expect(commit == again)
            #expect(try await copy.tree(of: commit) == tree)
        }
    }

    @Test func aPushLandsOnlyWhereTheBranchIsAsExpected() async throws {
        try await run { forge, clone, mirrors in
            let first = try await clone.head()
            let copy = try await mirrors.repository(TestForge.repository, having: [first])
            let tree = try await copy.tree(of: first)
            let next = try await copy.commitTree(tree, parents: [first], message: "next")
            let other = try await copy.commitTree(tree, parents: [first], message: "other")
            #expect(try await mirrors.push(next, to: "main", of: TestForge.repository, expecting: first) == .landed)
            #expect(try await mirrors.push(other, to: "main", of: TestForge.repository, expecting: first) == .moved)
            #expect(try await mirrors.head(of: "main", in: TestForge.repository) == next)
        }
    }

    @Test func whatCannotBeIsSaidInASentence() async throws {
        try await run { forge, clone, mirrors in
            await #expect(throws: GitMirrorError.self) {
                try await mirrors.repository(TestForge.repository, having: ["--upload-pack=/bin/sh"])
            }
            await #expect(throws: GitMirrorError.self) {
                try await mirrors.head(of: "main:refs/heads/other", in: TestForge.repository)
            }
            let absent = await #expect(throws: GitMirrorError.self) {
                try await mirrors.repository(
                    RepositoryName(org: "harbor", repo: "absent"), having: [String(repeating: "a", count: 40)])
            }
            #expect(absent?.isPermanent == true)
            await #expect(throws: GitMirrorError.self) {
                try await mirrors.repository(RepositoryName(org: "..", repo: ".."), having: [])
            }
        }
    }
}
