import ArtifactStore
import FoundationEssentials
import HTTPTypes
import Hummingbird
import SlipwayModel
import Web

/// Pages on runs, jobs and pull requests.
struct ResultsRoutes: Sendable {
    let store: ResultsStore
    let artifacts: any ArtifactStorage
    let pullPart: PullPart
    private let maps = LogMaps()

    init(store: ResultsStore, artifacts: any ArtifactStorage, pullPart: @escaping PullPart) {
        self.store = store
        self.artifacts = artifacts
        self.pullPart = pullPart
    }

    func add(to router: Router<SlipwayContext>) {
        ResultsAssets.set.addRoutes(to: router)
        router.get("/", use: overview)
        router.get("runs", use: runs)
        router.get("runs/:run", use: run)
        router.get("runs/:run/log", use: log)
        router.get("runs/:run/log/lines", use: logLines)
        router.get("runs/:run/log/stream", use: logStream)
        router.get("runs/:run/artifacts", use: artifact)
        router.get("runs/:run/artifacts/**", use: artifact)
        router.get("jobs", use: jobs)
        router.get("jobs/:job", use: job)
        router.get("pulls", use: pulls)
        router.get("pulls/:org/:repo/:number", use: pull)
        router.get("pr", use: myPulls)
        router.get("search", use: search)
        router.get("search/suggestions", use: suggestions)
    }

    // MARK: Lists

    @Sendable private func overview(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        if let runs = DeckBookmark.path(query) { return .redirect(to: runs, type: .found) }
        let span: Trends.Span = try query.choice("span") ?? .day
        let values = try await OverviewPage(store: store).values(span: span, now: Date())
        return ResultsTemplates.set.page(
            "overview", values, head: PageHead(title: "Slipway", section: "/"), context: context)
    }

    @Sendable private func runs(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let filter = try RunsPage.filter(try request.query())
        let values = try await RunsPage(store: store).values(filter, now: Date())
        return ResultsTemplates.set.page(
            "runs", values, head: PageHead(title: "Runs", section: "/runs"), context: context)
    }

    @Sendable private func jobs(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        let values = try await JobPages(store: store).list(
            search: try query.text("q") ?? "", after: try query.text("after", maximum: 300) ?? "")
        return ResultsTemplates.set.page(
            "jobs", values, head: PageHead(title: "Jobs", section: "/jobs"), context: context)
    }

    @Sendable private func job(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let job = try context.pathText("job")
        let before = try Self.run(named: try request.query().text("before"), parameter: "before")
        let values = try await JobPages(store: store).history(job, before: before, now: Date())
        return ResultsTemplates.set.page(
            "job", values, head: PageHead(title: job, section: "/jobs", crumbs: [.init("Jobs", "/jobs"), .init(job)]),
            context: context)
    }

    @Sendable private func pulls(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let values = try await PullPages(store: store).list(now: Date())
        return ResultsTemplates.set.page(
            "pulls", values, head: PageHead(title: "Pull requests", section: "/pulls"), context: context)
    }

    @Sendable private func myPulls(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let author = try request.query().text("author") ?? context.identity?.name
        let values = try await MyPullsPage(store: store).values(author: author, now: Date())
        return ResultsTemplates.set.page(
            "my_pulls", values,
            head: PageHead(title: author.map { "Pull requests of \($0)" } ?? "My pull requests", section: "/pulls"),
            context: context)
    }

    /// An id that names one thing leads there at once.
    @Sendable private func search(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let text = Self.question(try request.query())
        let page = SearchPage(store: store)
        if let exact = try await page.exact(text) { return .redirect(to: exact.path, type: .found) }
        return ResultsTemplates.set.page(
            "search", try await page.values(text), head: PageHead(title: "Search"), context: context)
    }

    @Sendable private func suggestions(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let text = Self.question(try request.query())
        guard !text.isEmpty else { return .json([SearchPage.Suggestion]()) }
        let found = try await SearchPage(store: store).findings(text, limit: SearchPage.suggestions)
        return .json(found.map(SearchPage.Suggestion.init))
    }

    private static func question(_ query: QueryParameters) -> String {
        String((query["q"] ?? "").trimming(while: \.isWhitespace)).prefixOfBytes(200)
    }

    @Sendable private func pull(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let (org, repo) = (try context.pathText("org"), try context.pathText("repo"))
        let text = try context.pathText("number", maximum: 12)
        guard let repository = RepositoryName("\(org)/\(repo)"), let number = Int(text),
            (1...Int(Int32.max)).contains(number)
        else {
            throw WebError.notFound(
                "'\(org)/\(repo)/\(text)' names no pull request; its page is at /pulls/ORG/REPO/NUMBER.")
        }
        var (head, values) = try await PullPages(store: store).pull(repository, number, now: Date())
        values["part"] = .markup(try await pullPart(repository, number))
        return ResultsTemplates.set.page("pull", values, head: head, context: context)
    }

    // MARK: One run

    @Sendable private func run(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        let page = RunPage(store: store, artifacts: artifacts, maps: maps)
        let (head, values) = try await page.values(
            RunPage.Request(
                run: try Self.run(of: context), build: try Self.build(query),
                line: try query.integer("line", in: 1...Int64(Int32.max)).map { Int($0) },
                showsAllTests: query["tests"] == "all"),
            context: context, now: Date())
        return ResultsTemplates.set.page("run", values, head: head, context: context)
    }

    @Sendable private func log(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let attempt = try await attempt(request, context)
        guard let content = try await RunLog(artifacts, folder: attempt.folder).open() else {
            throw WebError.notFound(attempt.detail.summary.state.isFinished ? ResultsText.noLog : ResultsText.noLogYet)
        }
        return FileResponse.make(content.file, type: .text, name: "build-log.txt", request)
    }

    @Sendable private func logLines(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        let attempt = try await attempt(request, context)
        let first = Int(try query.integer("from", in: 1...Int64(Int32.max)) ?? 1)
        let count = Int(try query.integer("count", in: 1...Int64(LogWindow.maximumLines)) ?? 200)
        let log = RunLog(artifacts, folder: attempt.folder)
        guard let content = try await log.open() else { throw WebError.notFound(ResultsText.noLog) }
        let map = try await maps.map(of: attempt.build, content: content, findsFailure: false)
        guard first <= map.lines else { return Response.content(ByteBuffer(), type: "text/html; charset=utf-8") }
        let window = try await LogWindow.read(content.file, map: map, first: first, count: count)
        let html = part(attempt, log).lines(window.lines, first: window.first, marked: nil)
        return .content(ByteBuffer(string: html.html), type: "text/html; charset=utf-8")
    }

    @Sendable private func logStream(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let attempt = try await attempt(request, context)
        let log = RunLog(artifacts, folder: attempt.folder)
        let query = try request.query()
        let asked = try request.headers[.lastEventID] ?? query.text("position", maximum: 50) ?? ""
        let isText = try query.choice("format") ?? LogTail.Form.html == .text
        let tail = LogTail(
            log: log, part: isText ? nil : part(attempt, log), position: LogTail.Position(asked) ?? .start,
            state: { [store] in
                guard let now = try await store.state(of: attempt.detail.summary.runID) else { return nil }
                // A new attempt has a log of its own; this one has ended.
                let isLatest = now.build == attempt.build
                return LogTail.Standing(
                    state: isLatest ? now.state : .aborted, description: now.description, continues: !isLatest)
            })
        return .events(to: request) { events in try await tail.run(&events) }
    }

    @Sendable private func artifact(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let attempt = try await attempt(request, context)
        let pages = ArtifactPages(artifacts: artifacts)
        let after = try request.query().text("after", maximum: 300)
        switch try await pages.answer(attempt, path: try context.pathRest(), after: after, request: request) {
        case .file(let response): return response
        case .folder(let values):
            let summary = attempt.detail.summary
            let crumbs = RunPage.crumbs(summary) + [.init("Run", "/runs/\(summary.runID)"), .init("Artifacts")]
            return ResultsTemplates.set.page(
                "artifacts", values,
                head: PageHead(title: "Artifacts of \(summary.job)", section: "/runs", crumbs: crumbs), context: context
            )
        }
    }

    private func part(_ attempt: RunPage.Attempt, _ log: RunLog) -> LogPart {
        LogPart(
            log: log, maps: maps, run: attempt.detail.summary.runID, build: attempt.build,
            state: attempt.detail.summary.state, isEarlier: attempt.isEarlier)
    }

    // MARK: What the URL names

    private func attempt(_ request: Request, _ context: SlipwayContext) async throws -> RunPage.Attempt {
        try await RunPage.attempt(
            try Self.run(of: context), build: try Self.build(try request.query()), store: store)
    }

    private static func run(of context: SlipwayContext) throws(WebError) -> RunID {
        let text = try context.pathText("run")
        guard let run = RunID(text) else { throw .notFound(ResultsText.noSuchRun(text)) }
        return run
    }

    private static func run(named text: String?, parameter: String) throws(WebError) -> RunID? {
        guard let text else { return nil }
        guard let run = RunID(text) else {
            throw .badRequest("The parameter '\(parameter)' must be a run's UUID, not '\(text)'.")
        }
        return run
    }

    private static func build(_ query: QueryParameters) throws(WebError) -> BuildID? {
        guard let text = query["build"] else { return nil }
        guard let build = BuildID(text) else {
            throw .badRequest("The parameter 'build' must be a build id, not '\(text.prefix(40))'.")
        }
        return build
    }
}

extension HTTPField.Name {
    static let lastEventID = HTTPField.Name("Last-Event-ID") ?? .ifNoneMatch
}
