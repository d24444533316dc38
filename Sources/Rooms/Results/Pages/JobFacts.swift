import FoundationEssentials
import JobConfig
import SlipwayModel
import Web

/// What the configuration says of a job, in words. Pure.
enum JobFacts {
    /// When it runs by itself.
    static func trigger(_ job: ConfiguredJob) -> String {
        if let schedule = job.schedule { return "\(schedule)" }
        if let pattern = job.runIfChanged { return "when a changed file matches \(pattern)" }
        if let pattern = job.skipIfOnlyChanged { return "unless every changed file matches \(pattern)" }
        if job.alwaysRun { return job.job.kind == .postsubmit ? "at every push" : "always" }
        return "only when asked for"
    }

    static func branches(_ job: ConfiguredJob) -> String {
        let skipped = job.branches.skipBranches.joined(separator: ", ")
        let included = job.branches.branches.joined(separator: ", ")
        switch (included.isEmpty, skipped.isEmpty) {
        case (true, true): return job.job.kind == .periodic ? "" : "all branches"
        case (false, true): return included
        case (true, false): return "all but \(skipped)"
        case (false, false): return "\(included), not \(skipped)"
        }
    }

    /// A row of the browser of configured jobs.
    static func row(_ job: ConfiguredJob) -> [String: PageValue] {
        [
            "name": .text(job.job.name), "path": .text(RunRow.jobPath(job.job.name)),
            "kind": .text(ResultsText.kind(job.job.kind)), "trigger": .text(trigger(job)),
            "branches": .text(branches(job)), "isOptional": .flag(job.job.optional),
            "context": job.job.context == job.job.name ? .nothing : .optional(job.job.context),
            "cluster": job.job.cluster == "default" ? .nothing : .text(job.job.cluster),
            "command": .optional(job.job.rerunCommand),
            "source": job.job.source.map { .markup(RunFacts.place($0)) } ?? .nothing,
        ]
    }

    /// A definition in the keys of a job file, and where it stands.
    static func text(of job: ConfiguredJob) -> String {
        (job.job.source.map { "# \($0)\n" } ?? "") + ((try? YAMLText.of(job.document)) ?? "")
    }

    /// A definition on the job's own page, with the document that is run.
    static func definition(_ job: ConfiguredJob) -> [String: PageValue] {
        row(job).merging([
            "repository": .optional(job.job.repository?.description),
            "yaml": .text(text(of: job)),
            "timeout": .optional(job.job.decoration.map { HumanTime.duration($0.timeout) }),
            "concurrency": job.job.maxConcurrency == 0 ? .nothing : .number(job.job.maxConcurrency),
            "hash": .markup(RunFacts.commit(job.hash, link: nil)),
        ]) { $1 }
    }
}

/// Codable values as documents.
enum JSONDocument {
    static func value(of encodable: some Encodable) throws -> JSONValue {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        return try JSONDecoder().decode(JSONValue.self, from: encoder.encode(encodable))
    }
}
