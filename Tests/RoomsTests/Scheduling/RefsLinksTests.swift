import Forge
import Scheduling
import SlipwayModel
import Testing

@Suite("Links of refs")
struct RefsLinksTests {
    private let repository = RepositoryName(org: "harbor", repo: "crane")

    private func forge() throws -> ForgeAddress { try ForgeAddress(url: "http://127.0.0.1:8081") }

    @Test("A push carries the repository's and the commit's page")
    func push() throws {
        let refs = Refs(repository: repository, baseRef: "main", baseSHA: "abc").linked(to: try forge())
        #expect(refs.repoLink == "http://127.0.0.1:8081/harbor/crane")
        #expect(refs.baseLink == "http://127.0.0.1:8081/harbor/crane/commit/abc")
        #expect(refs.pulls == nil)
    }

    @Test("An extra ref without a commit has no link to one")
    func branchOnly() throws {
        let refs = Refs(repository: repository, baseRef: "main").linked(to: try forge())
        #expect(refs.repoLink == "http://127.0.0.1:8081/harbor/crane")
        #expect(refs.baseLink == nil)
    }

    @Test("A pull request carries its page, its commit's and its author's")
    func pull() throws {
        let pulls = [Pull(number: 7, author: "noor", sha: "def"), Pull(number: 8, author: "renovate[bot]", sha: "012")]
        let refs = Refs(repository: repository, baseRef: "main", baseSHA: "abc", pulls: pulls)
            .linked(to: ForgeAddress.gitHub)
        #expect(refs.pulls?.map(\.link) == [7, 8].map { "https://github.com/harbor/crane/pull/\($0)" })
        #expect(refs.pulls?.first?.commitLink == "https://github.com/harbor/crane/pull/7/commits/def")
        #expect(
            refs.pulls?.map(\.authorLink) == ["https://github.com/noor", "https://github.com/apps/renovate"])
    }

    @Test("What is there already stays")
    func kept() throws {
        var refs = Refs(repository: repository, baseRef: "main", baseSHA: "abc")
        refs.repoLink = "https://mirror.example.org/crane"
        #expect(refs.linked(to: try forge()).repoLink == "https://mirror.example.org/crane")
        #expect(refs.linked(to: try forge()).baseLink == "https://mirror.example.org/crane/commit/abc")
    }

    @Test("Refs with an address of their own may lie at another forge")
    func cloneURI() throws {
        var refs = Refs(repository: repository, baseRef: "main", baseSHA: "abc")
        refs.cloneURI = "https://mirror.example.org/crane.git"
        #expect(refs.linked(to: try forge()) == refs)
        refs.pulls = [Pull(number: 7, author: "noor", sha: "def")]
        #expect(refs.linked(to: try forge()).pulls?.first?.link == "http://127.0.0.1:8081/harbor/crane/pull/7")
    }
}
