import FoundationEssentials
import Patterns
package import SlipwayModel

extension ConfiguredJob {
    /// The job in the keys of a job file, for people: presets and defaults are merged in, what says nothing is left out.
    package var document: JSONValue {
        var members: [String: JSONValue] = ["name": .string(job.name)]
        func set(_ key: String, _ value: JSONValue?) { members[key] = value }
        func set(_ key: String, _ text: String?) { members[key] = text.map { .string($0) } }
        func set(_ key: String, _ texts: [String]) {
            members[key] = texts.isEmpty ? nil : .array(texts.map { .string($0) })
        }
        func set(_ key: String, _ number: Int?) { members[key] = number.map { .integer(Int64($0)) } }
        func flag(_ key: String, _ value: Bool) { members[key] = value ? .bool(true) : nil }

        set("agent", job.agent == "kubernetes" ? nil : job.agent)
        set("cluster", job.cluster == "default" ? nil : job.cluster)
        set("namespace", job.namespace)
        set("context", job.context == job.name ? nil : job.context)
        flag("optional", job.optional)
        flag("skip_report", job.skipReport)
        set("max_concurrency", job.maxConcurrency == 0 ? nil : job.maxConcurrency)
        set("job_queue_name", job.jobQueueName)
        set("labels", job.labels.isEmpty ? nil : .object(job.labels.mapValues { .string($0) }))
        set("annotations", job.annotations.isEmpty ? nil : .object(job.annotations.mapValues { .string($0) }))
        set("extra_refs", job.extraRefs.isEmpty ? nil : JobDocument.value(of: job.extraRefs))
        set("leases", job.leases.flatMap { JobDocument.value(of: $0) })
        set("spec", job.spec)
        flag("decorate", job.decoration != nil)
        set("decoration_config", job.decoration.map(JobDocument.decoration))
        set("path_alias", job.pathAlias)
        set("clone_uri", job.cloneURI)
        set("clone_depth", job.cloneDepth)
        flag("skip_submodules", job.skipSubmodules ?? false)
        // A postsubmit without a change rule says so only where it does not always run.
        let isUsual = job.kind == .postsubmit && alwaysRun == (runIfChanged == nil && skipIfOnlyChanged == nil)
        set("always_run", isUsual || !alwaysRun && job.kind != .postsubmit ? nil : .bool(alwaysRun))
        flag("run_before_merge", runBeforeMerge)
        set("run_if_changed", runIfChanged?.expression)
        set("skip_if_only_changed", skipIfOnlyChanged?.expression)
        set("branches", branches.branches)
        set("skip_branches", branches.skipBranches)
        if let trigger, trigger.expression != JobResolver.defaultTrigger(job.name) {
            set("trigger", trigger.expression)
            set("rerun_command", job.rerunCommand)
        }
        switch schedule {
        case .cron(let expression): set("cron", expression.description)
        case .interval(let seconds): set("interval", GoDuration.text(seconds))
        case .minimumInterval(let seconds): set("minimum_interval", GoDuration.text(seconds))
        case nil: break
        }
        set("retry", retry.map(JobDocument.retry))
        set("rerun_auth_config", rerun.map(JobDocument.rerun))
        return .object(members)
    }
}

/// Parts of a job's document.
private enum JobDocument {
    /// A value whose own keys are those of a job file.
    static func value(of value: some Encodable) -> JSONValue? {
        try? JSONDecoder().decode(JSONValue.self, from: JSONEncoder().encode(value))
    }

    static func decoration(_ decoration: Decoration) -> JSONValue {
        var members = decoration.censoring?.objectValue ?? [:]
        members["timeout"] = .string(GoDuration.text(decoration.timeout))
        members["grace_period"] = .string(GoDuration.text(decoration.gracePeriod))
        if decoration.skipCloning { members["skip_cloning"] = .bool(true) }
        if let strategy = decoration.pathStrategy {
            var places: [String: JSONValue] = ["path_strategy": .string(strategy.name.rawValue)]
            switch strategy {
            case .explicit: break
            case .legacy(let org, let repo), .single(let org, let repo):
                places["default_org"] = .string(org)
                places["default_repo"] = .string(repo)
            }
            members["gcs_configuration"] = .object(places)
        }
        return .object(members)
    }

    static func retry(_ retry: PeriodicRetry) -> JSONValue {
        var members: [String: JSONValue] = ["attempts": .integer(Int64(retry.attempts))]
        if retry.interval > 0 { members["interval"] = .string(GoDuration.text(retry.interval)) }
        if retry.runsAll { members["run_all"] = .bool(true) }
        return .object(members)
    }

    static func rerun(_ rule: RerunAuthorization) -> JSONValue {
        var members: [String: JSONValue] = [:]
        if rule.allowsAnyone { members["allow_anyone"] = .bool(true) }
        if !rule.users.isEmpty { members["github_users"] = .array(rule.users.map { .string($0) }) }
        if !rule.orgs.isEmpty { members["github_orgs"] = .array(rule.orgs.map { .string($0) }) }
        if !rule.teamIDs.isEmpty { members["github_team_ids"] = .array(rule.teamIDs.map { .integer($0) }) }
        if !rule.teams.isEmpty {
            members["github_team_slugs"] = .array(
                rule.teams.map { .object(["org": .string($0.org), "slug": .string($0.slug)]) })
        }
        return .object(members)
    }
}
