import FoundationEssentials
import JobConfig
import PullRequests
import SlipwayModel

/// OWNERS files as tests write them: paths and texts.
enum OwnersFixture {
    static func tree(_ files: [String: String], layout: OwnersLayout = OwnersLayout()) -> OwnersTree {
        OwnersTree(files.sorted { $0.key < $1.key }.map { source($0.key, $0.value) }, layout: layout)
    }

    static func source(_ path: String, _ text: String) -> SourceFile {
        SourceFile(path: path, bytes: Array(text.utf8))
    }

    /// A harbour: the root, cranes with a folder of their own rules, docks that keep the root out, and papers.
    static let harbour = tree([
        "OWNERS": "approvers: [maria]\nreviewers: [maria, otto]\n",
        "cranes/OWNERS": "approvers: [dora, li]\nreviewers: [nils]\nlabels: [area/cranes]\n",
        "cranes/tall/OWNERS": "approvers: [tove]\n",
        "docks/OWNERS": "approvers: [bert]\nreviewers: [bert]\noptions: {no_parent_owners: true}\n",
        "docks/dry/OWNERS": "reviewers: [ines]\n",
        "papers/OWNERS": """
        filters:
          '\\.md$': {approvers: [paul], labels: [kind/documentation]}
          '^secret/': {approvers: [vera]}
        """,
    ])

    static func remark(
        _ author: String, _ text: String, at second: Int, review: ApprovalRemark.Review? = nil
    ) -> ApprovalRemark {
        let commands = text.split(separator: "\n").compactMap { line -> CommandIssued.Command? in
            guard line.hasPrefix("/") else { return nil }
            let parts = line.dropFirst().split(separator: " ", maxSplits: 1).map(String.init)
            return .init(name: parts[0].lowercased(), arguments: parts.count > 1 ? parts[1] : "")
        }
        return ApprovalRemark(
            author: author, at: Date(timeIntervalSince1970: Double(second)), id: Int64(second),
            link: "https://forge.example/c/\(second)", commands: commands, review: review)
    }
}
