import FoundationEssentials
import JobConfig
import SlipwayModel
import Web

/// `/owners/<org>/<repo>/<path>`: who may approve and review a path, and from which file that comes.
struct OwnersPage {
    let repository: RepositoryName
    let branch: String
    let path: String
    let tree: OwnersTree
    /// The forge's address.
    let forge: String
    /// Whether somebody has to be a collaborator to count.
    let needsCollaborators: Bool

    static let folderRows = 200
    static let problemRows = 50

    var head: PageHead {
        var crumbs: [PageHead.Crumb] = [
            .init("Owners", "/owners"),
            .init(repository.description, path.isEmpty ? nil : Self.path(repository, branch, "")),
        ]
        let parts = path.split(separator: "/").map(String.init)
        for index in parts.indices {
            let place = parts[...index].joined(separator: "/")
            crumbs.append(.init(parts[index], index == parts.endIndex - 1 ? nil : Self.path(repository, branch, place)))
        }
        return PageHead(title: "Owners of \(name)", section: Self.section, crumbs: crumbs)
    }

    static let section = "/configured-jobs"

    private var name: String { path.isEmpty ? repository.description : path }

    func values() -> [String: PageValue] {
        let ownership = tree.ownership(of: path)
        let below = tree.folders(below: path)
        let problems = (tree.errors + tree.warnings).sorted()
        var values: [String: PageValue] = [
            "name": .text(name), "path": .text(path), "branch": .text(branch),
            "action": .text(Self.base(repository)), "repository": .text(repository.description),
            "approvers": .objects(rows(ownership.approvers)), "hasApprovers": .flag(!ownership.approvers.isEmpty),
            "reviewers": .objects(rows(ownership.reviewers)), "hasReviewers": .flag(!ownership.reviewers.isEmpty),
            "need": .text(need(ownership)),
            "minimumFile": ownership.minimumFile.map { .markup(link(to: $0)) } ?? .nothing,
            "labels": .list(ownership.labels.map { .text($0) }), "hasLabels": .flag(!ownership.labels.isEmpty),
            "required": .list(ownership.requiredReviewers.map { .text($0) }),
            "hasRequired": .flag(!ownership.requiredReviewers.isEmpty),
            "needsCollaborators": .flag(needsCollaborators),
            "isEmpty": .flag(tree.isEmpty && problems.isEmpty),
            "emptyTitle": .text(OwnersText.noFiles(tree.layout.fileName)),
            "emptyText": .text(OwnersText.whatOwnersAre(tree.layout.fileName)),
            "example": .text(OwnersText.example), "nextText": .text(OwnersText.howToBegin(tree.layout.fileName)),
            "fileName": .text(tree.layout.fileName),
            "noApproverText": .text(OwnersText.noApprover(path, tree.layout.fileName)),
            "noReviewerText": .text(OwnersText.noReviewer),
            "folders": .objects(
                below.prefix(Self.folderRows).map { folder in
                    [
                        "name": .text(path.isEmpty ? folder : OwnersPath.relative(folder, to: path)),
                        "path": .text(Self.path(repository, branch, folder)),
                        "approvers": .text(Self.names(tree.ownership(of: folder).approvers.first, of: folder)),
                    ]
                }),
            "hasFolders": .flag(!below.isEmpty),
            "moreFolders": below.count > Self.folderRows
                ? .text("and \(below.count - Self.folderRows) more below them") : .nothing,
            "problems": .objects(
                problems.prefix(Self.problemRows).map { problem in
                    [
                        "file": .markup(link(to: problem.file)),
                        "line": problem.line > 0 ? .text("line \(problem.line)") : .nothing,
                        "message": .text(problem.message), "isError": .flag(tree.errors.contains(problem)),
                    ]
                }),
            "hasProblems": .flag(!problems.isEmpty),
        ]
        if ownership.needsNoApproval { values["passes"] = .text(OwnersText.needsNoApproval) }
        return values
    }

    /// One row per person, the nearest file that names them first.
    private func rows(_ layers: [Ownership.Layer]) -> [[String: PageValue]] {
        var seen: Set<String> = []
        return layers.flatMap { layer in
            layer.names.filter { seen.insert($0).inserted }.map { login in
                let aliases = tree.aliases(naming: login, in: layer.folder)
                return [
                    "login": .text(login), "link": .text("\(forge)/\(Link.encode(login))"),
                    "file": .markup(link(to: layer.file)),
                    "alias": aliases.isEmpty ? .nothing : .text(aliases.joined(separator: ", ")),
                ]
            }
        }
    }

    private func need(_ ownership: Ownership) -> String {
        ownership.minimum == 1 ? "one approval" : "approvals of \(ownership.minimum) different people"
    }

    private func link(to file: String) -> Markup {
        let address = file.split(separator: "/").map { Link.encode(String($0)) }.joined(separator: "/")
        return
            "<a href=\"\(forge)/\(repository.description)/blob/\(Link.encode(branch))/\(address)\" rel=\"noreferrer\">\(file)</a>"
    }

    private static func names(_ layer: Ownership.Layer?, of folder: String) -> String {
        guard let layer, layer.folder == folder else { return "" }
        let more = layer.names.count - 6
        return layer.names.prefix(6).joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
    }

    static func base(_ repository: RepositoryName) -> String { Link.path("owners", repository.org, repository.repo) }

    static func path(_ repository: RepositoryName, _ branch: String?, _ path: String) -> String {
        path.split(separator: "/").reduce(base(repository)) { $0 + "/" + Link.encode(String($1)) }
            + Link.query([("branch", branch)])
    }
}
