import Forge
import ForgeTesting

extension ForgeFixture {
    /// Pushes a branch with one change and opens its pull request as noor.
    func openPull(_ branch: String = "feature") async throws -> PullRequest {
        _ = try await push(branch, ["\(branch).txt": "x\n"])
        return try await user("noor").openPull(Self.repository, title: "Add \(branch)", head: branch, base: "main")
    }

    /// A pull request by somebody who is no member.
    func strangersPull(files: [String: String] = ["gift.txt": "x\n"]) async throws -> PullRequest {
        try await ForgeClient(address: address, token: Self.adminToken).createUser("stranger")
        _ = try await push("gift", files)
        return try await user("stranger").openPull(Self.repository, title: "Gift", head: "gift", base: "main")
    }
}
