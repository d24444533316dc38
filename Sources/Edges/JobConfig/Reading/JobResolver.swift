import Patterns
import SlipwayModel

/// What a job takes from outside its own file.
struct ResolutionContext: Sendable, Hashable {
    var presets: [Preset] = []
    var decoratesAllJobs = false
    var prow = ProwSettings()
}

/// The jobs of one file that came out sound, each with the draft it came from, and what is wrong with the others.
struct ResolvedFile: Sendable {
    var jobs: [(draft: JobDraft, job: ConfiguredJob)] = []
    var errors: [ConfigProblem] = []
    var warnings: [ConfigProblem] = []
}

/// Makes drafts into jobs: defaults, presets, decoration, compiled expressions; and every rule that one job alone
/// can break.
struct JobResolver {
    private let context: ResolutionContext
    private var result = ResolvedFile()

    static func resolve(_ drafts: [JobDraft], _ context: ResolutionContext) -> ResolvedFile {
        var resolver = JobResolver(context: context)
        resolver.result.jobs.reserveCapacity(drafts.count)
        for draft in drafts { resolver.resolve(draft) }
        return resolver.result
    }

    private init(context: ResolutionContext) { self.context = context }

    private mutating func resolve(_ draft: JobDraft) {
        let before = result.errors.count
        var job = draft.job
        if draft.decorate ?? context.decoratesAllJobs {
            let decoration = draft.decoration.over(context.prow.decoration(for: job))
            job.decoration = decoration.decoration
            if decoration.lacksPathDefaults, let strategy = decoration.pathStrategy {
                refuse(
                    draft, draft.line,
                    "path_strategy \(strategy.rawValue) needs a repository to leave out; add default_org and"
                        + " default_repo to gcs_configuration")
            }
        }
        resolveSpec(draft, &job)
        checkQueue(draft, job)
        checkLabels(draft)
        checkRefs(draft)
        let runIfChanged = pattern(draft, draft.runIfChanged, "run_if_changed")
        let skipIfOnlyChanged = pattern(draft, draft.skipIfOnlyChanged, "skip_if_only_changed")
        checkChangeRules(draft)
        let branches = brancher(draft)
        let trigger = job.kind == .presubmit ? trigger(draft, &job) : nil
        let schedule = job.kind == .periodic ? schedule(draft) : nil
        guard result.errors.count == before else { return }
        let hasChangeRule = runIfChanged != nil || skipIfOnlyChanged != nil
        let configured = ConfiguredJob(
            job: job, alwaysRun: draft.alwaysRun ?? (job.kind == .postsubmit && !hasChangeRule),
            runBeforeMerge: draft.runBeforeMerge, runIfChanged: runIfChanged, skipIfOnlyChanged: skipIfOnlyChanged,
            branches: branches, trigger: trigger, schedule: schedule, retry: draft.retry,
            rerun: draft.rerun)
        result.jobs.append((draft, configured))
    }

    private mutating func pattern(_ draft: JobDraft, _ text: JobDraft.Text?, _ key: String) -> Pattern? {
        guard let text else { return nil }
        do throws(PatternError) {
            return try Pattern(text.value)
        } catch {
            refuse(draft, text.line, "\(key) \(error); correct it")
            return nil
        }
    }

    private mutating func checkQueue(_ draft: JobDraft, _ job: ResolvedJob) {
        guard let queue = job.jobQueueName, let capacities = context.prow.jobQueueCapacities, capacities[queue] == nil
        else { return }
        refuse(
            draft, draft.line,
            "job_queue_name '\(queue)' is not among plank.job_queue_capacities; add it there or correct the name")
    }

    /// What Prow itself sets on a run's pod.
    private static let ownLabels: Set<String> = ["created-by-prow", "prow.k8s.io/type", "prow.k8s.io/id"]

    private mutating func checkLabels(_ draft: JobDraft) {
        for (label, value) in draft.job.labels.sorted(by: { $0.key < $1.key }) {
            if JobResolver.ownLabels.contains(label) {
                refuse(draft, draft.labelsLine, "the label '\(label)' is set by itself; remove it")
            } else if !JobResolver.isLabelValue(value) {
                refuse(
                    draft, draft.labelsLine,
                    "the label '\(label.prefix(60))' has the value '\(value.prefix(60))'; write at most 63 of A-Z a-z 0-9"
                        + " - _ . that begin and end with a letter or digit")
            }
        }
    }

    /// Kubernetes' rule for the value of a label.
    private static func isLabelValue(_ value: String) -> Bool {
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: false
            }
        }
        let bytes = value.utf8
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    /// A presubmit or postsubmit clones each repository once, its own included; two would share a folder.
    private mutating func checkRefs(_ draft: JobDraft) {
        guard let own = draft.job.repository else { return }
        var known: Set<RepositoryName> = [own]
        for refs in draft.job.extraRefs where !known.insert(refs.repository).inserted {
            refuse(
                draft, draft.extraRefsLine,
                "extra_refs names \(refs.repository), which is cloned already; remove the second one")
        }
    }

    private mutating func refuse(_ draft: JobDraft, _ line: Int, _ message: String) {
        result.errors.append(draft.problem(line, message))
    }

    // MARK: When it runs

    private mutating func checkChangeRules(_ draft: JobDraft) {
        if draft.runIfChanged != nil, let second = draft.skipIfOnlyChanged {
            refuse(draft, second.line, "run_if_changed and skip_if_only_changed exclude each other; keep one")
        }
        if draft.alwaysRun == true, let rule = draft.runIfChanged ?? draft.skipIfOnlyChanged {
            let key = draft.runIfChanged == nil ? "skip_if_only_changed" : "run_if_changed"
            refuse(draft, rule.line, "always_run: true and \(key) exclude each other; remove one of them")
        }
    }

    private mutating func brancher(_ draft: JobDraft) -> Brancher {
        do throws(PatternError) {
            return try Brancher(branches: draft.branches, skipBranches: draft.skipBranches)
        } catch {
            // Which of the two, and which entry of it.
            for (key, line, list) in [
                ("branches", draft.branchesLine, draft.branches),
                ("skip_branches", draft.skipBranchesLine, draft.skipBranches),
            ] {
                for expression in list {
                    do throws(PatternError) { _ = try Pattern(expression) } catch {
                        refuse(draft, line, "\(key): \(error); correct it")
                        return Brancher()
                    }
                }
            }
            refuse(draft, draft.branchesLine, "branches or skip_branches: \(error); correct it")
            return Brancher()
        }
    }

    /// Prow's default is `(?m)^/test( | .* )NAME,?($|\s.*)` with the name as it stands. Here the name is escaped: a
    /// dot in a name means a dot, so `/test a.b` no longer starts a job named `axb`.
    static func defaultTrigger(_ name: String) -> String { "(?m)^/test( | .* )\(Pattern.escaped(name)),?($|\\s.*)" }

    private mutating func trigger(_ draft: JobDraft, _ job: inout ResolvedJob) -> Pattern? {
        switch (draft.trigger, draft.rerunCommand) {
        case (nil, nil):
            job.rerunCommand = "/test \(job.name)"
            // The name was checked before: this expression compiles.
            return try? Pattern(JobResolver.defaultTrigger(job.name))
        case (let trigger?, nil):
            refuse(
                draft, trigger.line, "trigger stands without rerun_command; add the comment that people should write")
        case (nil, let command?):
            refuse(draft, command.line, "rerun_command stands without trigger; add the expression that matches it")
        case (let trigger?, let command?):
            do throws(PatternError) {
                let pattern = try Pattern(trigger.value)
                guard pattern.matches(command.value) else {
                    refuse(
                        draft, command.line,
                        "rerun_command '\(command.value)' does not match trigger '\(trigger.value)'; make them agree")
                    return nil
                }
                job.rerunCommand = command.value
                return pattern
            } catch {
                refuse(draft, trigger.line, "trigger \(error); correct it")
            }
        }
        return nil
    }

    private mutating func schedule(_ draft: JobDraft) -> Schedule? {
        let given = [("cron", draft.cron), ("interval", draft.interval), ("minimum_interval", draft.minimumInterval)]
            .compactMap { pair in pair.1.map { (key: pair.0, text: $0) } }
        guard let first = given.first else {
            refuse(draft, draft.line, "it never runs; add one of cron, interval or minimum_interval")
            return nil
        }
        guard given.count == 1 else {
            let keys = given.map(\.key).joined(separator: " and ")
            refuse(draft, given[1].text.line, "\(keys) are both set; a periodic takes exactly one, remove the other")
            return nil
        }
        if first.key == "cron" {
            do throws(CronError) {
                return .cron(try CronExpression(first.text.value))
            } catch {
                refuse(draft, first.text.line, "cron \(error)")
                return nil
            }
        }
        guard let seconds = GoDuration.seconds(first.text.value), seconds >= 1 else {
            refuse(
                draft, first.text.line,
                "\(first.key) '\(first.text.value.prefix(60))' is not a duration of a second or more; write e.g. 30m or 1h20m"
            )
            return nil
        }
        return first.key == "interval" ? .interval(seconds) : .minimumInterval(seconds)
    }

    // MARK: What it runs

    private mutating func resolveSpec(_ draft: JobDraft, _ job: inout ResolvedJob) {
        guard job.agent == "kubernetes" else {
            guard ["jenkins", "tekton", "tekton-pipeline"].contains(job.agent) else {
                return refuse(draft, draft.line, "agent '\(job.agent.prefix(60))' does not exist; write kubernetes")
            }
            result.warnings.append(
                draft.problem(draft.line, "agent '\(job.agent)' is not served, its runs end in error; use kubernetes"))
            return
        }
        guard let spec = job.spec, var pod = PodSpec(spec) else {
            return refuse(
                draft, draft.line, "it has no spec; add a pod's spec with a container that has an image and a command")
        }
        guard let containers = pod.containers(), !containers.isEmpty else {
            return refuse(draft, draft.specLine, "its spec has no container; add one below spec.containers")
        }
        guard containers.allSatisfy({ $0.objectValue != nil }) else {
            return refuse(
                draft, draft.specLine, "an entry of spec.containers is not a mapping; write name, image, command")
        }
        pod.writeTexts()
        for preset in context.presets where preset.applies(to: job) {
            if let clash = pod.add(preset) {
                refuse(
                    draft, draft.specLine,
                    "\(clash) is set in its spec and again by the preset at \(preset.file):\(preset.line); remove one")
            }
        }
        checkContainers(pod, draft, isDecorated: job.decoration != nil)
        job.spec = pod.json
    }

    private mutating func checkContainers(_ pod: PodSpec, _ draft: JobDraft, isDecorated: Bool) {
        let containers = pod.containers() ?? []
        if containers.count > 1, !isDecorated {
            refuse(
                draft, draft.specLine,
                "it has \(containers.count) containers, for which it must be decorated; set decorate: true")
        }
        let names = containers.map { $0["name"]?.stringValue ?? "" }
        if isDecorated, containers.count > 1, names.contains("") || Set(names).count < names.count {
            refuse(draft, draft.specLine, "several containers need a name each; give each one of its own")
        }
        for (index, container) in containers.enumerated() {
            let name = container["name"]?.stringValue ?? String(index)
            for key in ["command", "args"] where container[key] != nil && container[key] != .null {
                guard let items = container[key]?.arrayValue, items.allSatisfy({ $0.stringValue != nil }) else {
                    refuse(
                        draft, draft.specLine,
                        "\(key) of container \(name) is not a list of texts; write e.g. [make, test]")
                    continue
                }
            }
            let words = (container["command"]?.arrayValue ?? []) + (container["args"]?.arrayValue ?? [])
            if isDecorated, (words.first?.stringValue ?? "").isEmpty {
                refuse(
                    draft, draft.specLine,
                    "its decorated container \(name) has neither command nor args; add what it runs")
            }
            for variable in container["env"]?.arrayValue ?? [] {
                guard let variable = variable["name"]?.stringValue, JobResolver.reservedVariables.contains(variable)
                else { continue }
                refuse(
                    draft, draft.specLine,
                    "container \(name) sets \(variable), which every run gets by itself; remove it")
            }
        }
    }

    /// Prow's environment of a job.
    private static let reservedVariables: Set<String> = [
        "CI", "JOB_NAME", "JOB_TYPE", "JOB_SPEC", "BUILD_ID", "BUILD_NUMBER", "PROW_JOB_ID", "REPO_OWNER", "REPO_NAME",
        "PULL_BASE_REF", "PULL_BASE_SHA", "PULL_REFS", "PULL_NUMBER", "PULL_PULL_SHA", "PULL_HEAD_REF", "PULL_TITLE",
    ]
}

extension JobDraft {
    func problem(_ line: Int, _ message: String) -> ConfigProblem {
        ConfigProblem(file: file, line: line > 0 ? line : self.line, job: job.name, message: message)
    }
}
