import FoundationEssentials
import JobConfig
import SlipwayModel
import Web

/// `/merging` and `/merging/<org>/<repo>/<number>`.
struct MergingPages: Sendable {
    static let pools = 30
    static let queueRows = 200
    static let blockedRows = 100
    static let historyRows = 60

    let reader: MergingReader
    let configuration: MergingConfiguration

    func list(_ repository: RepositoryName?, now: Date) async throws -> [String: PageValue] {
        let tide = try await configuration.current(reader.database).tide
        let pools = try await reader.pools(repository, limit: Self.pools)
        let history = try await reader.history(repository, limit: Self.historyRows)
        return [
            "pools": .objects(pools.map { pool($0, tide, now: now) }),
            "isEmpty": .flag(pools.isEmpty),
            "emptyText": .text(tide == nil ? MergingText.noTide : MergingText.noPools),
            "history": .objects(history.map { action($0, now: now, namesPool: repository == nil) }),
            "hasHistory": .flag(!history.isEmpty),
            "repository": .optional(repository?.description),
        ]
    }

    // MARK: A pool

    private func pool(_ shown: ShownPool, _ tide: TideSettings?, now: Date) -> [String: PageValue] {
        let pool = shown.pool
        let places = PoolPlaces(shown.train, pace: shown.pace, now: now)
        let members = Dictionary(shown.members.map { ($0.number, $0) }) { first, _ in first }
        let queue = places.order.prefix(Self.queueRows).map { number in
            row(number, members[number], places.places[number], pool, now: now)
        }
        let blocked = shown.members.filter { !$0.isEligible || $0.ejection != nil }
        let rules = tide.map { MergingText.rules(pool, $0, shown.facts) } ?? []
        return [
            "name": .text(pool.repository.description), "branch": .text(pool.branch),
            "path": .text("/merging" + Link.query([("repo", pool.repository.description)])),
            "problem": .optional(shown.trouble),
            "notice": .optional(shown.facts?.hidesChecks == true ? MergingText.hiddenChecks(pool.repository) : nil),
            "blockers": .objects(
                (shown.facts?.blockers ?? []).map {
                    ["text": .text(MergingText.blocker($0).rule), "link": .optional(Link.external($0.link))]
                }),
            "rules": .list(rules.map { .text($0) }),
            "base": .optional(shown.train.map { String($0.base.commit.prefix(10)) }),
            "landed": .objects(
                shown.landed.reversed().map { ["number": .number($0.number), "path": .text(path(pool, $0.number))] }),
            "trials": .objects(trials(shown, members, now: now)),
            "isIdle": .flag(shown.train?.trials.isEmpty ?? true),
            "summary": .text(MergingText.summary(shown, queue: places.order.count, blocked: blocked.count)),
            "queue": .objects(queue), "hasQueue": .flag(!queue.isEmpty),
            "moreQueue": places.order.count > Self.queueRows
                ? .text("and \(places.order.count - Self.queueRows) more") : .nothing,
            "blocked": .objects(blocked.prefix(Self.blockedRows).map { blockedRow($0, pool) }),
            "hasBlocked": .flag(!blocked.isEmpty),
            "blockedCount": .number(blocked.count),
        ]
    }

    /// Prefixes of the line under each other, then the lanes of suspects.
    private func trials(
        _ shown: ShownPool, _ members: [Int: ShownMember], now: Date
    ) -> [[String: PageValue]] {
        guard let train = shown.train else { return [] }
        let line = train.line.enumerated().map { index, trial in
            self.trial(
                trial, label: MergingText.prefix(index + 1, of: train.line.count), isLane: false,
                isLanding: train.landing == trial.id, known: index == 0 ? 0 : train.line[index - 1].members.count,
                shown,
                members, now: now)
        }
        let lanes = train.lanes.map { lane -> [String: PageValue] in
            if let trial = lane.trial {
                return self.trial(
                    trial, label: MergingText.lane(lane), isLane: true, isLanding: false, known: 0, shown, members,
                    now: now)
            }
            return [
                "label": .text(MergingText.lane(lane)), "state": "waiting", "stateLabel": .text("waits"),
                "cars": .objects(cars(lane.numbers, known: 0, isLane: true, shown.pool, members)), "jobs": .list([]),
            ]
        }
        return line + lanes
    }

    private func trial(
        _ trial: Trial, label: String, isLane: Bool, isLanding: Bool, known: Int, _ shown: ShownPool,
        _ members: [Int: ShownMember], now: Date
    ) -> [String: PageValue] {
        let (state, words) = isLanding ? ("running", "landing") : MergingText.label(trial.state)
        // A job that was tried again shows its newest run.
        var jobs: [String: ShownRun] = [:]
        for run in shown.runs[trial.id] ?? [] { jobs[run.job] = run }
        return [
            "label": .text(label), "state": .text(state), "stateLabel": .text(words),
            "since": .markup(.age(trial.startedAt, now: now)),
            "cars": .objects(cars(trial.numbers, known: known, isLane: isLane, shown.pool, members)),
            "jobs": .objects(
                jobs.values.sorted { $0.job < $1.job }.map { run in
                    [
                        "name": .text(run.job), "state": .text(run.shownState.rawValue),
                        "path": run.runID.map { .text("/runs/\($0.lowercased)") } ?? .nothing,
                    ]
                }),
        ]
    }

    private func cars(
        _ numbers: [Int], known: Int, isLane: Bool, _ pool: PoolName, _ members: [Int: ShownMember]
    ) -> [[String: PageValue]] {
        numbers.enumerated().map { index, number in
            [
                "number": .number(number), "path": .text(path(pool, number)),
                "title": .text(members[number]?.title ?? ""),
                "kind": .text(isLane ? "suspect" : index < known ? "before" : "new"),
            ]
        }
    }

    private func row(
        _ number: Int, _ member: ShownMember?, _ place: PoolPlaces.Place?, _ pool: PoolName, now: Date
    ) -> [String: PageValue] {
        [
            "position": .number(place?.position ?? 0), "number": .number(number), "path": .text(path(pool, number)),
            "title": .text(member?.title ?? ""), "author": .text(member?.author ?? ""),
            "method": .optional(member?.method.flatMap { $0 == .merge ? nil : $0.rawValue }),
            "state": .text(place?.isUnderTest == true ? "running" : "waiting"),
            "stateLabel": .text(place?.isUnderTest == true ? "in test" : "waiting"),
            "since": member?.since.map { .markup(.age($0, now: now)) } ?? .nothing,
            "expected": .text(MergingText.expected(place?.expected)),
        ]
    }

    private func blockedRow(_ member: ShownMember, _ pool: PoolName) -> [String: PageValue] {
        [
            "number": .number(member.number), "path": .text(path(pool, member.number)), "title": .text(member.title),
            "author": .text(member.author), "reason": .text(member.text),
            "isEjected": .flag(member.ejection != nil),
        ]
    }

    private func action(_ action: ShownAction, now: Date, namesPool: Bool) -> [String: PageValue] {
        [
            "age": .markup(.age(action.at, now: now)), "action": .text(MergingText.word(of: action.action)),
            "kind": .text(MergingText.kind(of: action.action)), "reason": .text(action.reason),
            "pool": namesPool ? .text(action.pool.description) : .nothing,
        ]
    }

    private func path(_ pool: PoolName, _ number: Int) -> String {
        Link.path("merging", pool.org, pool.repo, String(number))
    }

    // MARK: One pull request

    func pull(
        _ repository: RepositoryName, _ number: Int, now: Date
    ) async throws -> (head: PageHead, values: [String: PageValue]) {
        let found = try await reader.member(repository, number)
        let history = try await reader.history(of: repository, number)
        let name = "\(repository)#\(number)"
        let head = PageHead(
            title: "\(name) in the merge train", section: "/merging",
            crumbs: [
                .init("Merging", "/merging"),
                .init(repository.description, "/merging" + Link.query([("repo", repository.description)])),
                .init("#\(number)"),
            ])
        let explained = try await obstacles(found, repository, number, now: now)
        var values: [String: PageValue] = [
            "name": .text(name), "title": .text(found?.1.title ?? ""),
            "pullPath": .text(Link.path("pulls", repository.org, repository.repo, String(number))),
            "link": .optional(Link.external(found?.link)),
            "answer": .text(explained.answer), "state": .text(explained.state), "label": .text(explained.label),
            "obstacles": .objects(
                explained.obstacles.map {
                    [
                        "rule": .text($0.rule), "remedy": .objects(pieces($0.remedy ?? "")),
                        "link": .optional(Link.external($0.link)),
                    ]
                }),
            "hasObstacles": .flag(!explained.obstacles.isEmpty),
            "history": .objects(history.map { action($0, now: now, namesPool: false) }),
            "hasHistory": .flag(!history.isEmpty),
        ]
        if let member = found?.1 { values["author"] = .text(member.author) }
        return (head, values)
    }

    /// What stands between backticks, which a comment shows as code.
    private func pieces(_ text: String) -> [[String: PageValue]] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { place, piece in
            [place.isMultiple(of: 2) ? "text" : "code": .text(String(piece))]
        }
    }

    /// Why a pull request is not merged yet: the same for its page, for `/why`, and for whoever asks.
    func obstacles(
        _ found: (ShownPool, ShownMember, link: String?)?, _ repository: RepositoryName, _ number: Int, now: Date
    ) async throws -> (answer: String, state: String, label: String, obstacles: [MergeObstacle]) {
        guard let (shown, member, _) = found else {
            let tide = try await configuration.current(reader.database).tide
            let reason =
                tide == nil
                ? MergeObstacle(rule: MergingText.noTide)
                : tide?.queries(of: repository).isEmpty == true
                    ? MergingText.noQueryObstacle(repository) : MergingText.notOpen(number)
            return (reason.rule, "skipped", "not in a pool", [reason])
        }
        if let problem = shown.trouble {
            return (problem, "error", "stuck", member.obstacles + [MergeObstacle(rule: problem)])
        }
        var obstacles = member.obstacles
        if let ejected = member.ejection.map(MergingText.ejectedObstacle), !obstacles.contains(ejected) {
            obstacles.append(ejected)
        }
        if !obstacles.isEmpty {
            return (member.text, member.state == "pending" ? "waiting" : "failure", "not mergeable", obstacles)
        }
        let place = PoolPlaces(shown.train, pace: shown.pace, now: now).places[member.number]
        let state = place?.isUnderTest == true ? "running" : "waiting"
        return (MergingText.whereItIs(place, branch: shown.pool.branch), state, "in the merge pool", [])
    }
}

extension ShownRun {
    fileprivate var shownState: RunState {
        switch verdict {
        case "passed": .success
        case "failed": .failure
        case "errored": .error
        case "cancelled": .aborted
        default: state ?? .waiting
        }
    }
}
