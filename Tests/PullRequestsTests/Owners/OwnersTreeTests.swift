import JobConfig
import Patterns
import PullRequests
import Testing

@Suite("Who owns what")
struct OwnersTreeTests {
    @Test(arguments: [
        ("README", ["maria"], ["maria", "otto"], []),
        ("cranes/arm.c", ["dora", "li", "maria"], ["nils", "maria", "otto"], ["area/cranes"]),
        ("cranes/deep/er/arm.c", ["dora", "li", "maria"], ["nils", "maria", "otto"], ["area/cranes"]),
        ("cranes/tall/top.c", ["tove", "dora", "li", "maria"], ["nils", "maria", "otto"], ["area/cranes"]),
        ("docks/one.c", ["bert"], ["bert"], []), ("docks/dry/two.c", ["bert"], ["ines", "bert"], []),
        ("papers/a.md", ["paul", "maria"], ["maria", "otto"], ["kind/documentation"]),
        ("papers/a.txt", ["maria"], ["maria", "otto"], []),
        ("papers/secret/a.md", ["paul", "vera", "maria"], ["maria", "otto"], ["kind/documentation"]),
        ("papers/open/secret/a.txt", ["maria"], ["maria", "otto"], []),
        ("craneslike/a.c", ["maria"], ["maria", "otto"], []),
    ])
    func inherits(path: String, approvers: [String], reviewers: [String], labels: [String]) {
        let ownership = OwnersFixture.harbour.ownership(of: path)
        #expect(ownership.approvers.flatMap(\.names) == approvers)
        #expect(ownership.reviewers.flatMap(\.names) == reviewers)
        #expect(ownership.labels == labels)
        // Many files at once give the same answers as each alone.
        let groups = OwnersFixture.harbour.groups(of: ["x", path, "cranes/y", path])
        let group = groups.first { $0.paths.contains(path) }
        #expect(group?.ownership == ownership)
        #expect(group?.paths.filter { $0 == path }.count == 2)
    }

    @Test("each name is told with the file it comes from")
    func provenance() {
        let layers = OwnersFixture.harbour.ownership(of: "cranes/tall/top.c").approvers
        #expect(layers.map(\.file) == ["cranes/tall/OWNERS", "cranes/OWNERS", "OWNERS"])
        #expect(layers.map(\.folder) == ["cranes/tall", "cranes", ""])
    }

    @Test("no_parent_owners without people of its own stops nothing, as in Prow")
    func emptyStop() {
        let tree = OwnersFixture.tree([
            "OWNERS": "approvers: [maria]", "a/OWNERS": "reviewers: [nils]\noptions: {no_parent_owners: true}",
        ])
        #expect(tree.ownership(of: "a/x").allApprovers == ["maria"])
        #expect(tree.ownership(of: "a/x").allReviewers == ["nils"])
    }

    @Test("only collaborators count, where they are known")
    func collaborators() {
        let tree = OwnersFixture.harbour.restricted(to: ["Maria", "LI"])
        #expect(tree.ownership(of: "cranes/arm.c").approvers.flatMap(\.names) == ["li", "maria"])
        #expect(tree.ownership(of: "cranes/tall/a").approvers.map(\.folder) == ["cranes", ""])
        #expect(tree.ownership(of: "cranes/arm.c").labels == ["area/cranes"])
    }

    @Test(arguments: [
        ("a/x", 2, "a/OWNERS"), ("a/b/x", 3, "a/b/OWNERS"), ("a/c/x", 2, "a/OWNERS"), ("a/d/x", 1, nil), ("x", 1, nil),
    ])
    func minimum(path: String, count: Int, file: String?) {
        let tree = OwnersFixture.tree([
            "OWNERS": "approvers: [maria]", "a/OWNERS": "approvers: [dora]\noptions: {min_approvers: 2}",
            "a/b/OWNERS": "approvers: [li]\noptions: {min_approvers: 3}",
            "a/d/OWNERS": "approvers: [tove]\noptions: {no_parent_owners: true}",
        ])
        #expect(tree.ownership(of: path).minimum == count)
        #expect(tree.ownership(of: path).minimumFile == file)
    }

    @Test(arguments: [
        ("a/x", false), ("a/b/x", true), ("a/b/c/x", true), ("a/owned/x", false), ("x", false), ("other/x", false),
    ])
    func unowned(path: String, passes: Bool) {
        let tree = OwnersFixture.tree([
            "OWNERS": "approvers: [maria]",
            "a/OWNERS": "approvers: [dora]\noptions: {auto_approve_unowned_subfolders: true}",
            "a/owned/OWNERS": "approvers: [li]",
        ])
        #expect(tree.ownership(of: path).needsNoApproval == passes)
    }

    @Test("a file of the root is not let pass by the root's own option")
    func unownedRoot() {
        let tree = OwnersFixture.tree([
            "OWNERS": "approvers: [maria]\noptions: {auto_approve_unowned_subfolders: true}"
        ])
        #expect(!tree.ownership(of: "x").needsNoApproval)
        #expect(tree.ownership(of: "a/x").needsNoApproval)
    }

    @Test("folders that are not looked into")
    func ignored() throws {
        var layout = OwnersLayout()
        let files = [
            "OWNERS": "approvers: [maria]", "vendor/a/b/OWNERS": "approvers: [dora]",
            "vendor/OWNERS": "approvers: [li]",
            "x_output/OWNERS": "approvers: [dora]", "tests/data/OWNERS": "approvers: [dora]",
            "tests/data/deep/OWNERS": "approvers: [dora]",
        ]
        layout.ignoredFolders.append(try Pattern("^tests/data$"))
        let tree = OwnersFixture.tree(files, layout: layout)
        #expect(tree.folders(below: "") == ["vendor"])
        layout.ignoredFolders = []
        #expect(OwnersFixture.tree(files, layout: layout).folders(below: "").count == 5)
    }

    @Test("files of other names, and Markdown that speaks for itself")
    func layouts() {
        var layout = OwnersLayout()
        layout.fileName = "PEOPLE"
        layout.readsMarkdown = true
        let tree = OwnersFixture.tree(
            ["PEOPLE": "approvers: [maria]", "OWNERS": "approvers: [dora]"], layout: layout
        ).adding(markdown: [
            OwnersFixture.source("docs/a.md", "---\ntitle: A\napprovers:\n- paul\nreviewers: [ines]\n---\n# A\n"),
            OwnersFixture.source("docs/b.md", "# B\n---\napprovers: [paul]\n---\n"),
            OwnersFixture.source("docs/c.md", "---\napprovers: [\n---\n"),
        ])
        #expect(tree.ownership(of: "docs/a.md").approvers.flatMap(\.names) == ["paul", "maria"])
        #expect(tree.ownership(of: "docs/a.md").approvers.first?.folder == "docs/a.md")
        #expect(tree.ownership(of: "docs/b.md").allApprovers == ["maria"])
        #expect(tree.ownership(of: "docs/x.md").allApprovers == ["maria"])
        #expect(tree.errors.map(\.file) == ["docs/c.md"])
        let groups = tree.groups(of: ["docs/x.md", "docs/a.md", "docs/y.md"])
        #expect(groups.map(\.paths) == [["docs/x.md", "docs/y.md"], ["docs/a.md"]])
    }

    @Test("nothing but an empty tree")
    func empty() {
        let tree = OwnersFixture.tree([:])
        #expect(tree.isEmpty)
        #expect(tree.ownership(of: "a/b").approvers.isEmpty)
        #expect(tree.ownership(of: "a/b").minimum == 1)
    }
}
