import ArtifactStore
import FoundationEssentials
import HTTPTypes
import Hummingbird
import JobConfig
import SlipwayModel
import Web

/// What other tools read from Prow's deck, at its addresses and in its shapes.
struct ProwRoutes: Sendable {
    let store: ResultsStore
    let artifacts: any ArtifactStorage
    let pageURL: String
    private let cache = ProwJobCache()

    init(store: ResultsStore, artifacts: any ArtifactStorage, pageURL: String) {
        self.store = store
        self.artifacts = artifacts
        self.pageURL = pageURL
    }

    private var prowJobs: ProwJobs { ProwJobs(store: store, pageURL: pageURL, cache: cache) }

    func add(to router: Router<SlipwayContext>) {
        router.get("prowjobs.js") { request, _ in
            try prowJobs.response(try request.query())
        }
        router.get("data.js") { request, _ in
            try DeckJobs(store: store, pageURL: pageURL).response(try request.query())
        }
        router.get("prowjob", use: prowJob)
        router.get("rerun", use: rerunDocument)
        router.get("log", use: log)
        router.get("view/**", use: view)
        router.get("job-history/**", use: jobHistory)
        router.get("pr-history", use: pullHistory)
        router.get("badge.svg", use: badge)
        for path in ["plugins", "plugin-help"] {
            router.get(RouterPath(path)) { _, _ in Response.redirect(to: "/command-help", type: .found) }
        }
    }

    /// `/prowjob?prowjob=<run id>`: one ProwJob as YAML.
    @Sendable private func prowJob(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        guard let name = try request.query().text("prowjob") else {
            throw WebError.badRequest("Name the run: /prowjob?prowjob=<run id>.")
        }
        guard let run = RunID(name), let row = try await store.prowJob(run) else {
            throw WebError.notFound(ResultsText.noSuchRun(name))
        }
        return try Self.yaml(prowJobs.document(row))
    }

    /// `GET /rerun?prowjob=<run id>&mode=`: the ProwJob that a rerun would be, as YAML; nothing is started. With
    /// `mode=latest` by the job's definition in force, otherwise by the run's own.
    @Sendable private func rerunDocument(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        guard let name = try query.text("prowjob") ?? query.text("run") else {
            throw WebError.badRequest("Name the run: /rerun?prowjob=<run id>.")
        }
        guard let run = RunID(name), var row = try await store.prowJob(run) else {
            throw WebError.notFound(ResultsText.noSuchRun(name))
        }
        if query["mode"] == "latest" {
            let definitions = try await store.definitions(of: row.jobName, limit: 10_000)
            guard let current = definitions.first(where: { $0.wouldRun(row) }) else {
                throw WebError.badRequest(ResultsText.noLongerConfigured(row.jobName))
            }
            row.job = current.job
        }
        return try Self.yaml(prowJobs.rerun(row, at: Date()))
    }

    private static func yaml(_ document: ProwJobDocument) throws -> Response {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(try ArtifactDocument.encode(document)))
        return .content(ByteBuffer(string: try YAMLText.of(value)), type: "text/plain; charset=utf-8")
    }

    /// `/log?job=&id=<build id>`: the log as text. `container` is of no matter: an attempt has one log.
    @Sendable private func log(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        guard let job = try query.text("job"), let id = try query.text("id") else {
            throw WebError.badRequest("Name the job and the build: /log?job=<name>&id=<build id>.")
        }
        guard let build = BuildID(id), let run = try await store.run(ofBuild: build),
            case let attempt = try await RunPage.attempt(run, build: build, store: store),
            attempt.detail.summary.job == job,
            let content = try await RunLog(artifacts, folder: attempt.folder).open()
        else { throw WebError.notFound(ResultsText.noSuchLog(job, id)) }
        var response = FileResponse.make(content.file, type: .text, name: "build-log.txt", request)
        // Logs are read by scripts in other sites' pages, as deck's are.
        response.headers[.accessControlAllowOrigin] = "*"
        response.headers[.crossOriginResourcePolicy] = "cross-origin"
        return response
    }

    /// `/view/<provider>/<path of an attempt's folder>`: leads to the run's page here.
    @Sendable private func view(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let path = try context.pathRest()
        guard let build = path.reversed().lazy.compactMap({ BuildID($0) }).first,
            let run = try await store.run(ofBuild: build), let now = try await store.state(of: run)
        else { throw WebError.notFound(ResultsText.noSuchView(path.joined(separator: "/"))) }
        return .redirect(
            to: "/runs/\(run)" + (now.build == build ? "" : Link.query([("build", build.description)])), type: .found)
    }

    @Sendable private func jobHistory(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        var build: BuildID?
        if let text = query["buildId"] {
            build = BuildID(text)
            guard build != nil else {
                throw WebError.badRequest("The parameter 'buildId' must be a build id, not '\(text.prefix(40))'.")
            }
        }
        let path = try context.pathRest()
        let values = try await JobHistory(store: store).values(path, build: build, now: Date())
        let job = path.last ?? ""
        return ResultsTemplates.set.page(
            "job_history", values,
            head: PageHead(title: job, section: "/jobs", crumbs: [.init("Jobs", "/jobs"), .init(job)]),
            context: context)
    }

    @Sendable private func pullHistory(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let query = try request.query()
        guard let org = try query.text("org"), let repo = try query.text("repo"),
            let repository = RepositoryName("\(org)/\(repo)"),
            let number = try query.integer("pr", in: 1...Int64(Int32.max))
        else {
            throw WebError.badRequest("Name the pull request: /pr-history?org=<org>&repo=<repo>&pr=<number>.")
        }
        let values = try await PullHistoryPage(store: store).values(repository, Int(number), now: Date())
        return ResultsTemplates.set.page(
            "pull_history", values,
            head: PageHead(
                title: "History of \(repository)#\(number)", section: "/pulls",
                crumbs: [
                    .init("Pull requests", "/pulls"),
                    .init("\(repository)#\(number)", RunRow.pullPath(repository, Int(number))), .init("History"),
                ]), context: context)
    }

    @Sendable private func badge(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let globs = (try request.query().text("jobs", maximum: 2000) ?? "").split(separator: ",").map(String.init)
        guard !globs.isEmpty, globs.count <= 50 else {
            throw WebError.badRequest(
                "A badge needs 1 to 50 jobs, by name or pattern: /badge.svg?jobs=ci-unit,ci-e2e-*")
        }
        let badge = Badge(try await store.lastStates(matching: globs))
        var response = Response.content(ByteBuffer(string: badge.svg.html), type: "image/svg+xml")
        // Badges stand in other sites' pages.
        response.headers[.crossOriginResourcePolicy] = "cross-origin"
        response.headers[.cacheControl] = "public, max-age=30"
        return response
    }
}

extension ConfiguredJob {
    /// Whether this is what a run of that name, kind, repository and branch is made from.
    fileprivate func wouldRun(_ row: ProwJobRow) -> Bool {
        let kind = row.kind == .batch ? JobKind.presubmit : row.kind
        guard job.kind == kind else { return false }
        guard kind != .periodic else { return true }
        guard let refs = row.refs, job.repository == refs.repository else { return false }
        return runsAgainst(branch: refs.baseRef ?? "")
    }
}
