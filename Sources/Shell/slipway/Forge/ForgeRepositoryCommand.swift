import ArgumentParser
import Forge
import FoundationEssentials
import LocalForge
import RoomKit
import SlipwayModel
import Subprocess

struct ForgeRepositoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repo", abstract: "Repositories of the forge.", subcommands: [Create.self, List.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a repository, empty or filled from a folder.",
            discussion: """
                A folder with a .git of its own gives all its branches and tags; any other becomes one commit on main.
                """)

        @Argument(help: "ORG/REPO; the organization comes to be with its first repository.")
        var repository: RepositoryArgument

        @Option(name: .customLong("from"), help: "The folder to fill it from.", completion: .directory)
        var folder: String?

        @Option(help: "Who pushes what is in the folder.")
        var author = LocalForgeConfiguration.adminLogin

        @OptionGroup var forge: ForgeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = try forge.client()
            if let folder { try checkFolder(folder) }
            let made = try await client.createRepository(repository.name)
            if let folder {
                let source = SourceFolder(path: folder, author: author)
                try await source.push(to: client.address.cloneURL(repository.name))
            }
            if output.format == .json {
                try output.printJSON(made)
            } else {
                print("made \(repository.name); git clone \(client.address.cloneURL(repository.name))")
            }
        }

        private func checkFolder(_ folder: String) throws {
            var isFolder = false
            guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder else {
                throw ValidationError("there is no folder \(folder) to fill \(repository.name) from")
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List an organization's repositories.")

        @Argument(help: "The organization.") var org: String
        @OptionGroup var forge: ForgeOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.print(
                try await forge.client().repositories(of: org),
                columns: [
                    ("REPOSITORY", { $0.fullName }), ("BRANCH", { $0.defaultBranch ?? "" }),
                    ("CLONE", { $0.cloneURL ?? "" }),
                ],
                empty: "\(org) has no repositories.")
        }
    }
}

/// A folder whose content becomes that of a repository.
struct SourceFolder {
    let path: String
    let author: String

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    func push(to url: String) async throws {
        let url = url.replacing("://", with: "://\(author):local@", maxReplacements: 1)
        if FileManager.default.fileExists(atPath: "\(path)/.git") {
            try await git(["-C", path, "push", "--quiet", url, "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"])
            return
        }
        // The folder itself stays as it is: git keeps its things elsewhere.
        let scratch = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        try await git(["init", "--quiet", "--bare", "--initial-branch=main", scratch])
        let tree = ["--git-dir=\(scratch)", "--work-tree=\(path)"]
        try await git(tree + ["add", "--all", "."])
        try await git(tree + ["commit", "--quiet", "--allow-empty", "--message", "Begin"])
        try await git(["--git-dir=\(scratch)", "push", "--quiet", url, "main"])
    }

    private func git(_ arguments: [String]) async throws {
        let result = try await Subprocess.run(
            .name("git"), arguments: Arguments(arguments),
            environment: .inherit.updating([
                "GIT_AUTHOR_NAME": author, "GIT_AUTHOR_EMAIL": "\(author)@localhost", "GIT_COMMITTER_NAME": author,
                "GIT_COMMITTER_EMAIL": "\(author)@localhost", "GIT_TERMINAL_PROMPT": "0", "GIT_DIR": nil,
                "GIT_WORK_TREE": nil, "GIT_INDEX_FILE": nil,
            ]), output: .discarded, error: .string(limit: 64 << 10))
        guard result.terminationStatus.isSuccess else {
            throw Failure(
                description: "\(path) could not be pushed: \(result.standardError)")
        }
    }
}
