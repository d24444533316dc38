package import Patterns
package import SlipwayModel

/// A job as configuration describes it: what is run (`job`) and when. Codable, so that a version of the
/// configuration can be stored with a row per job.
///
/// Several jobs of one repository may share a name as long as no branch runs two of them.
package struct ConfiguredJob: Sendable, Hashable {
    /// Presets, defaults and decoration merged in.
    package var job: ResolvedJob
    /// Presubmits and postsubmits: runs whatever changed. A postsubmit without change rules always does.
    package var alwaysRun: Bool
    /// Forced by the merger before it lands a pull request.
    package var runBeforeMerge: Bool
    /// Runs where any changed file matches.
    package var runIfChanged: Pattern?
    /// Runs where any changed file does not match.
    package var skipIfOnlyChanged: Pattern?
    package var branches: Brancher
    /// Presubmits: the comment that asks for the job.
    package var trigger: Pattern?
    /// Periodics: when it falls due.
    package var schedule: Schedule?
    /// Periodics: whether a run that failed is tried again.
    package var retry: PeriodicRetry?
    /// Who may run it again, beside those who may run anything.
    package var rerun: RerunAuthorization?
    /// SHA-256 of the resolved job's canonical JSON, its source left out; 64 hexadecimal digits.
    package var hash: String

    package init(
        job: ResolvedJob, alwaysRun: Bool = false, runBeforeMerge: Bool = false, runIfChanged: Pattern? = nil,
        skipIfOnlyChanged: Pattern? = nil, branches: Brancher = Brancher(), trigger: Pattern? = nil,
        schedule: Schedule? = nil, retry: PeriodicRetry? = nil, rerun: RerunAuthorization? = nil
    ) {
        self.job = job
        self.alwaysRun = alwaysRun
        self.runBeforeMerge = runBeforeMerge
        self.runIfChanged = runIfChanged
        self.skipIfOnlyChanged = skipIfOnlyChanged
        self.branches = branches
        self.trigger = trigger
        self.schedule = schedule
        self.retry = retry
        self.rerun = rerun
        hash = CanonicalJSON.hash(of: job)
    }
}

extension ConfiguredJob: Codable {
    enum CodingKeys: String, CodingKey {
        case job, alwaysRun, runBeforeMerge, runIfChanged, skipIfOnlyChanged, branches, trigger, schedule, retry, rerun,
            hash
    }

    /// Tolerant of what an older version did not write.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        job = try container.decode(ResolvedJob.self, forKey: .job)
        alwaysRun = try container.decodeIfPresent(Bool.self, forKey: .alwaysRun) ?? false
        runBeforeMerge = try container.decodeIfPresent(Bool.self, forKey: .runBeforeMerge) ?? false
        runIfChanged = try container.decodeIfPresent(Pattern.self, forKey: .runIfChanged)
        skipIfOnlyChanged = try container.decodeIfPresent(Pattern.self, forKey: .skipIfOnlyChanged)
        branches = try container.decodeIfPresent(Brancher.self, forKey: .branches) ?? Brancher()
        trigger = try container.decodeIfPresent(Pattern.self, forKey: .trigger)
        schedule = try container.decodeIfPresent(Schedule.self, forKey: .schedule)
        retry = try container.decodeIfPresent(PeriodicRetry.self, forKey: .retry)
        rerun = try container.decodeIfPresent(RerunAuthorization.self, forKey: .rerun)
        hash = try container.decode(String.self, forKey: .hash)
    }
}
