import FoundationEssentials

/// Building and testing.
extension MergeTrain {
    /// Where a trial is.
    enum Place {
        case line(Int)
        case lane(Int)
    }

    func place(of trial: Int) -> Place? {
        if let index = line.firstIndex(where: { $0.id == trial }) { return .line(index) }
        return lanes.firstIndex { $0.trial?.id == trial }.map(Place.lane)
    }

    subscript(_ place: Place) -> Trial? {
        get {
            switch place {
            case .line(let index): line[index]
            case .lane(let index): lanes[index].trial
            }
        }
        set {
            switch place {
            case .line(let index): if let newValue { line[index] = newValue }
            case .lane(let index): lanes[index].trial = newValue
            }
        }
    }

    mutating func start(_ members: [TrainMember], _ step: inout Step) -> Trial {
        let trial = Trial(id: newID(), base: base, members: members, startedAt: step.now)
        step.actions.append(.build(trial: trial.id, base: base, members: members))
        return trial
    }

    func cancel(_ trial: Trial?, _ step: inout Step) {
        guard let runs = trial?.openRuns, !runs.isEmpty else { return }
        step.actions.append(.cancel(runs: runs))
    }

    mutating func build(_ id: Int, _ commit: String, _ tree: String, _ jobs: [TrainJob], _ step: inout Step) {
        guard let place = place(of: id), var trial = self[place], trial.state == .building else { return }
        trial.state = .testing
        trial.commit = commit
        trial.tree = tree
        for job in jobs where !isSatisfied(job, trial, at: step.now) {
            let run = TrainRun(id: newID(), job: job, requestedAt: step.now, errors: 0, isRetry: false)
            trial.runs.append(run)
            step.actions.append(.request(run, trial: id))
        }
        self[place] = trial
        if trial.runs.isEmpty { pass(place, &step) }
    }

    private func isSatisfied(_ job: TrainJob, _ trial: Trial, at now: Date) -> Bool {
        switch job.freshness {
        case .always: false
        case .tree: trial.tree.map { results.contains(tree: $0, job: job.hash) } ?? false
        case .age(let seconds):
            trial.members.allSatisfy { $0.passes[job.hash].map { now.timeIntervalSince($0) <= seconds } ?? false }
        }
    }

    mutating func conflict(_ id: Int, _ number: Int, withBase: Bool, _ files: [String], _ step: inout Step) {
        guard let trial = place(of: id).flatMap({ self[$0] }), trial.state == .building,
            var member = trial.members.first(where: { $0.number == number })
        else { return }
        if withBase || member.number == trial.members.first?.number {
            refuseBuild(id, number, .conflict(files: files), &step)
        } else {
            leave(number, &step)
            member.conflictedOn = base.commit
            wait(member)
            step.actions.append(.note(.waitsBehind(number: number, files: files)))
        }
    }

    mutating func refuseBuild(_ id: Int, _ number: Int, _ ejection: Ejection, _ step: inout Step) {
        guard let trial = place(of: id).flatMap({ self[$0] }), trial.state == .building,
            let member = trial.members.first(where: { $0.number == number })
        else { return }
        leave(number, &step)
        eject(member, ejection, &step)
    }

    mutating func finish(_ run: Int, _ verdict: TrainVerdict, _ step: inout Step) {
        for index in line.indices {
            if let at = line[index].runs.firstIndex(where: { $0.id == run && $0.isOpen }) {
                return finish(.line(index), at, verdict, &step)
            }
        }
        for index in lanes.indices {
            if let at = lanes[index].trial?.runs.firstIndex(where: { $0.id == run && $0.isOpen }) {
                return finish(.lane(index), at, verdict, &step)
            }
        }
    }

    private mutating func finish(_ place: Place, _ at: Int, _ verdict: TrainVerdict, _ step: inout Step) {
        guard var trial = self[place], let tree = trial.tree else { return }
        let run = trial.runs[at]
        switch verdict {
        case .passed:
            trial.runs[at].state = .passed
            estimates.finish()
            if run.isRetry { estimates.flake() }
            results.insert(tree: tree, job: run.job.hash)
            if case .age = run.job.freshness {
                for index in trial.members.indices { trial.members[index].passes[run.job.hash] = step.now }
            }
            self[place] = trial
            if trial.runs.allSatisfy({ $0.state == .passed }) { pass(place, &step) }
        case .failed(let failure) where failure.isKnownFlake && !run.isRetry:
            estimates.finish()
            step.actions.append(.note(.flakeRetried(trial: trial.id, failure)))
            trial.runs[at] = again(run, isRetry: true, &step)
            step.actions.append(.request(trial.runs[at], trial: trial.id))
            self[place] = trial
        case .outdated where trial.renewals < policy.maxErrors:
            renew(place, &step)
        case .errored where run.errors + 1 < policy.maxErrors, .outdated where run.errors + 1 < policy.maxErrors:
            trial.runs[at].state = .resting(until: step.now + 60 * Double(1 << run.errors))
            self[place] = trial
        case .failed(let failure):
            fail(place, at, failure, &step)
        case .errored(let reason), .outdated(let reason):
            fail(place, at, TrainFailure(job: run.job.name, lines: [reason]), &step)
        }
    }

    private mutating func fail(_ place: Place, _ at: Int, _ failure: TrainFailure, _ step: inout Step) {
        guard var trial = self[place] else { return }
        estimates.finish()
        trial.runs[at].state = .failed
        trial.failures.append(failure)
        cancel(trial, &step)
        for other in trial.runs.indices where trial.runs[other].state != .passed { trial.runs[other].state = .failed }
        self[place] = trial
        switch place {
        case .line(let index): failPrefix(at: index, &step)
        case .lane(let index): failLane(at: index, &step)
        }
    }

    private mutating func pass(_ place: Place, _ step: inout Step) {
        switch place {
        case .line(let index): passPrefix(at: index, &step)
        case .lane(let index): passLane(at: index, &step)
        }
    }

    /// What it has to pass is another list by now: it is asked for, and what passed on this tree counts.
    mutating func renew(_ place: Place, _ step: inout Step) {
        guard var trial = self[place] else { return }
        cancel(trial, &step)
        trial.renewals += 1
        trial.state = .building
        trial.runs = []
        self[place] = trial
        step.actions.append(.build(trial: trial.id, base: trial.base, members: trial.members))
    }

    /// Jobs of a list that a trial has no pass of.
    func missing(_ jobs: [TrainJob], in trial: Trial, at now: Date) -> [TrainJob] {
        jobs.filter { job in
            let passed = trial.runs.contains { $0.job.hash == job.hash && $0.state == .passed }
            return !passed && !isSatisfied(job, trial, at: now)
        }
    }

    mutating func again(_ run: TrainRun, isRetry: Bool, errors: Int = 0, _ step: inout Step) -> TrainRun {
        TrainRun(id: newID(), job: run.job, requestedAt: step.now, errors: errors, isRetry: isRetry)
    }

    /// The jobs of a trial that failed, on the same tree again.
    mutating func testAgain(_ place: Place, _ step: inout Step) {
        guard var trial = self[place] else { return }
        for at in trial.runs.indices where trial.runs[at].state != .passed {
            trial.runs[at] = again(trial.runs[at], isRetry: true, &step)
            step.actions.append(.request(trial.runs[at], trial: trial.id))
        }
        self[place] = trial
    }

    mutating func requestRested(_ step: inout Step) {
        let places = line.indices.map(Place.line) + lanes.indices.map(Place.lane)
        for place in places {
            guard var trial = self[place] else { continue }
            for at in trial.runs.indices {
                guard case .resting(let until) = trial.runs[at].state, until <= step.now else { continue }
                let run = trial.runs[at]
                trial.runs[at] = again(run, isRetry: run.isRetry, errors: run.errors + 1, &step)
                step.actions.append(.request(trial.runs[at], trial: trial.id))
            }
            self[place] = trial
        }
    }
}
