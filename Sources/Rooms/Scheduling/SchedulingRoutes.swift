import Hummingbird
import SlipwayModel
import Web

/// `/rerun` and `/abort`. The run is named by `run`, or as Prow's clients do by `prowjob`: in the query or in the form.
/// Who may, `RerunVerdict` tells. Browsers are led to the run's page, scripts get JSON.
struct SchedulingRoutes: Sendable {
    let runs: RunOperations
    let authorization: RunAuthorization

    func add(to router: Router<SlipwayContext>) {
        router.post("/rerun", use: rerun)
        router.post("/abort", use: abort)
        router.get("/abort") { _, _ -> Response in throw WebError(.methodNotAllowed, SchedulingText.abortIsPosted) }
    }

    @Sendable private func rerun(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let run = try await run(request, context)
        let mode = try Self.mode(request)
        _ = try await authorization.require(run, try await runs.rerunRules(of: run), context)
        switch try await runs.rerun(run.runID, mode) {
        case .started(let new): return answer(Answer(run: new, state: .waiting), context)
        case .noSuchJob: throw WebError.badRequest(SchedulingText.noLongerConfigured(run.job))
        case .noSuchRun: throw Self.unknown(run.runID.description)
        }
    }

    /// What is repeated. Prow's clients, who name a `prowjob`, get it as it was where they name no mode.
    private static func mode(_ request: Request) throws(WebError) -> RerunMode {
        let query = try request.query()
        return try query.choice("mode") ?? (query["prowjob"] == nil ? .current : .original)
    }

    @Sendable private func abort(_ request: Request, _ context: SlipwayContext) async throws -> Response {
        let run = try await run(request, context)
        let name = try await authorization.require(run, try await runs.rerunRules(of: run), context)
        switch try await runs.abort(run.runID, by: name) {
        case .aborted: return answer(Answer(run: run.runID, state: .aborted), context)
        case .stopping: return answer(Answer(run: run.runID, state: .running), context)
        case .alreadyEnded(let state):
            throw WebError.badRequest(SchedulingText.alreadyFinished(run.runID, state))
        case .unknown: throw Self.unknown(run.runID.description)
        }
    }

    private struct Answer: Encodable {
        var run: RunID
        var state: RunState
    }

    private func answer(_ answer: Answer, _ context: SlipwayContext) -> Response {
        context.prefersHTML ? .redirect(to: Link.path("runs", answer.run.description)) : .json(answer)
    }

    /// The run that is named. Somebody unknown is not told which there are.
    private func run(_ request: Request, _ context: SlipwayContext) async throws -> RunSummary {
        let query = try request.query()
        var name = try query.text("run") ?? query.text("prowjob")
        if name == nil {
            let form = try await request.form()
            name = try form.text("run") ?? form.text("prowjob")
        }
        guard let name else {
            throw WebError.badRequest("Name the run: /rerun?run=<run id> or /abort?run=<run id>.")
        }
        if let run = try await runs.find(name) { return run }
        if context.identity == nil { try context.require(.runsWrite) }
        throw Self.unknown(name)
    }

    private static func unknown(_ name: String) -> WebError { .notFound(SchedulingText.noSuchRun(name)) }
}
