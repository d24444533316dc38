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
        checkNamespace(draft, job)
        for violation in LabelRules.violations(labels: job.labels) { refuse(draft, draft.labelsLine, violation) }
        if job.skipReport, job.labels[LabelRules.gerritReport]?.isEmpty == false {
            refuse(draft, draft.labelsLine, "skip_report and the label '\(LabelRules.gerritReport)' exclude each other")
        }
        for violation in LabelRules.violations(annotations: job.annotations) {
            refuse(draft, draft.annotationsLine, violation)
        }
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

    private mutating func checkNamespace(_ draft: JobDraft, _ job: ResolvedJob) {
        guard let namespace = job.namespace, let own = context.prow.podNamespace, namespace != own else { return }
        refuse(draft, draft.line, "namespace '\(namespace.prefix(60))' is not pod_namespace (\(own)); remove it")
    }

    /// A presubmit or postsubmit clones each repository once, its own included; two would share a folder.
    private mutating func checkRefs(_ draft: JobDraft) {
        for address in [draft.job.cloneURI] + draft.job.extraRefs.map(\.cloneURI) {
            guard let address, !JobResolver.isAddress(address) else { continue }
            refuse(
                draft, draft.line,
                "clone_uri '\(address.prefix(100))' is no address; write https://HOST/PATH or USER@HOST:PATH")
        }
        guard let own = draft.job.repository else { return }
        var known: Set<RepositoryName> = [own]
        for refs in draft.job.extraRefs where !known.insert(refs.repository).inserted {
            refuse(
                draft, draft.extraRefsLine,
                "extra_refs names \(refs.repository), which is cloned already; remove the second one")
        }
    }

    /// A URL, a path, or what ssh takes; not one whose scheme is missing, as it is where a variable was left empty.
    private static func isAddress(_ text: String) -> Bool {
        !text.hasPrefix(":") && !text.hasPrefix("-") && !text.contains("@:")
            && text.utf8.allSatisfy { $0 > UInt8(ascii: " ") && $0 != 0x7F }
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
                let cron = try CronExpression(first.text.value)
                if !cron.isEverDue {
                    result.warnings.append(
                        draft.problem(
                            first.text.line, "no date ever matches cron '\(cron)'; it runs only when asked for"))
                }
                return .cron(cron)
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

    /// Prow takes any name, and knows a few. What a job of such an agent may not have it refuses.
    private mutating func checkForeignAgent(_ draft: JobDraft, _ job: ResolvedJob) {
        if ["jenkins", "tekton-pipeline"].contains(job.agent) {
            let strange = [("spec", job.spec != nil), ("decorate", job.decoration != nil)].filter(\.1).map(\.0)
            for key in strange {
                refuse(draft, draft.line, "\(key) is for agent kubernetes, not \(job.agent); remove it")
            }
        }
        result.warnings.append(
            draft.problem(
                draft.line, "agent '\(job.agent.prefix(60))' is not served, its runs end in error; use kubernetes"))
    }

    private mutating func resolveSpec(_ draft: JobDraft, _ job: inout ResolvedJob) {
        guard job.agent == "kubernetes" else {
            return checkForeignAgent(draft, job)
        }
        guard let spec = job.spec, var pod = PodSpec(spec) else {
            return refuse(
                draft, draft.line, "it has no spec; add a pod's spec with a container that has an image and a command")
        }
        guard let containers = pod.containers, !containers.isEmpty else {
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
        let secrets = draft.decoration.over(context.prow.decoration(for: job)).secrets
        let rules = PodRules(kind: job.kind, isDecorated: job.decoration != nil, secrets: Set(secrets ?? []))
        for violation in rules.violations(in: pod) {
            refuse(draft, draft.specLine, violation)
        }
        job.spec = pod.json
    }
}

extension JobDraft {
    func problem(_ line: Int, _ message: String) -> ConfigProblem {
        ConfigProblem(file: file, line: line > 0 ? line : self.line, job: job.name, message: message)
    }
}
