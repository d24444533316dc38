import Forge
import Git
import HTTPTypes
import Hummingbird
import NIOCore
import SlipwayModel

/// Small pages for whoever follows a link: the repositories, a repository's pull requests, one pull request, a commit.
struct ForgePages {
    let directory: RepositoryDirectory
    let site: ForgeSite

    func add(to router: Router<LocalForgeContext>) {
        router.get { _, _ in
            var rows: [HTML] = []
            for host in await directory.all {
                let open = await host.state.pulls.values.count { $0.isOpen }
                rows.append(
                    .item([.link("/\(host.name)", "\(host.name)"), .text(" \(open) open pull requests")]))
            }
            return Self.page("Repositories", [.list(rows)])
        }
        router.get(":org/:repo") { _, context in
            let host = try await directory.host(try context.repository())
            let presenter = await host.presenter
            let pulls = presenter.state.pulls.values.sorted { $0.number > $1.number }.map { pull in
                HTML.item([
                    .link("/\(host.name)/pull/\(pull.number)", "#\(pull.number) \(pull.title)"),
                    .text(" by \(pull.author), \(word(pull))"),
                ])
            }
            return Self.page(
                "\(host.name)",
                [.code("git clone \(site.webURL())/\(host.name).git"), .heading("Pull requests"), .list(pulls)])
        }
        router.get(":org/:repo/pull/:number") { _, context in
            let host = try await directory.host(try context.repository())
            let number = try context.number()
            let pull = try await host.detail(number)
            return Self.page(
                "\(pull.title) #\(number)",
                sections(pull, await host.presenter, try await host.commits(number), try await host.files(number)))
        }
        router.get(":org/:repo/commit/:sha") { _, context in
            let host = try await directory.host(try context.repository())
            guard let sha = try await host.git.resolve(context.parameters.get("sha") ?? ""),
                let commit = try await host.git.commits([sha], limit: 1).first
            else { throw ForgeRefusal.notFound }
            let files = try await host.git.files(of: [sha])[sha] ?? []
            return Self.page(
                commit.title,
                [
                    .paragraph([.text("\(commit.author.name), \(commit.author.date?.description ?? ""), \(sha)")]),
                    .code(commit.message), .heading("Files"),
                    .list(files.map { .item([.text("\($0.status) \($0.path)")]) }), .heading("Statuses"),
                    statuses(await host.presenter.combined(sha)),
                ])
        }
    }

    private func word(_ pull: RepositoryState.Pull) -> String {
        pull.isOpen ? (pull.isDraft ? "draft" : "open") : pull.mergedAt != nil ? "merged" : "closed"
    }

    private func sections(
        _ pull: PullRequest, _ presenter: Presenter, _ commits: [GitCommit], _ files: [ChangedFile]
    ) -> [HTML] {
        let name = presenter.state.name
        let merge =
            switch pull.mergeable {
            case true?: "merges cleanly"
            case false?: "conflicts with \(pull.base.ref)"
            case nil: ""
            }
        let state = pull.wasMerged ? "merged" : pull.state
        var parts: [HTML] = [
            .paragraph([
                .link("/\(name)", "\(name)"),
                .text(" · \(state) · \(pull.author) offers \(pull.head.ref) to \(pull.base.ref) · \(merge)"),
            ])
        ]
        if !pull.labelNames.isEmpty {
            parts.append(.paragraph([.text("Labels: " + pull.labelNames.joined(separator: ", "))]))
        }
        if let body = pull.body, !body.isEmpty { parts.append(.code(body)) }
        parts += [.heading("Statuses of \(pull.head.sha.prefix(10))"), statuses(presenter.combined(pull.head.sha))]
        parts.append(.heading("Commits"))
        parts.append(
            .list(
                commits.map {
                    .item([.link("/\(name)/commit/\($0.sha)", String($0.sha.prefix(10))), .text(" \($0.title)")])
                }))
        parts.append(.heading("Files"))
        parts.append(
            .list(
                files.map {
                    .item([.text("\($0.filename) +\($0.additions ?? 0) −\($0.deletions ?? 0) \($0.status)")])
                }))
        parts.append(.heading("Conversation"))
        for comment in presenter.state.comments where comment.number == pull.number {
            parts.append(.comment(id: comment.id, by: "\(comment.author), \(comment.createdAt)", body: comment.body))
        }
        return parts
    }

    private func statuses(_ combined: CombinedStatus) -> HTML {
        .list(
            combined.statuses.map { status in
                let text = "\(status.context): \(status.state)"
                let name: HTML = status.targetURL.map { .link($0, text) } ?? .text(text)
                return .item([name, .text(" \(status.description ?? "")")])
            })
    }

    static func page(_ title: String, _ parts: [HTML]) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/html; charset=utf-8",
                .contentSecurityPolicy:
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
                .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: HTML.document(title, parts))))
    }
}
