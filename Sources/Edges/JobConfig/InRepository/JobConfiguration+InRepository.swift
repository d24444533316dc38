package import SlipwayModel

extension JobConfiguration {
    /// Reads a repository's own configuration: presubmits and postsubmits of that repository alone, with the presets and
    /// defaults of the whole.
    ///
    /// - Parameters:
    ///   - central: the jobs that the whole configuration has for the repository; none of its own may take the name or
    ///     the context of one of them on the same branch.
    package static func load(
        inRepository repository: RepositoryName, files: [SourceFile], rules: InRepositoryRules,
        central: [ConfiguredJob] = []
    ) -> LoadedConfiguration {
        let files = files.sorted { $0.path < $1.path }
        let parts = files.map { JobFileReader.read($0, repository: repository) }
        var context = rules.context
        context.presets += parts.flatMap(\.presets)
        let clusters = rules.clusters(of: repository)
        let resolved = parts.map { part in
            var resolved = JobResolver.resolve(part.jobs, context)
            resolved.keep(clusters, of: repository)
            return resolved
        }
        return LoadedConfiguration(
            files: files, parts: parts, resolved: resolved, presets: context.presets,
            central: central.map { (JobDraft(of: $0), $0) }, errors: tooMuch(files))
    }

    private static func tooMuch(_ files: [SourceFile]) -> [ConfigProblem] {
        guard
            files.count > InRepositoryFiles.countLimit
                || files.reduce(0, { $0 + $1.bytes.count }) > InRepositoryFiles.totalLimit
        else { return [] }
        return [
            ConfigProblem(
                file: files[0].path, line: 0,
                message:
                    "the repository's configuration exceeds \(InRepositoryFiles.countLimit) files or"
                    + " \(InRepositoryFiles.totalLimit >> 20) MB; make it smaller")
        ]
    }
}

extension ResolvedFile {
    /// Refuses the jobs that name other clusters.
    fileprivate mutating func keep(_ clusters: Set<String>, of repository: RepositoryName) {
        for (draft, job) in jobs where !clusters.contains(job.job.cluster) {
            let allowed = clusters.isEmpty ? "none" : clusters.sorted().joined(separator: ", ")
            errors.append(
                draft.problem(
                    draft.line,
                    "\(repository) may not use the cluster '\(job.job.cluster)' in its own configuration; name one that"
                        + " in_repo_config.allowed_clusters gives it (\(allowed))"))
        }
        jobs.removeAll { !clusters.contains($0.job.job.cluster) }
    }
}

extension JobDraft {
    /// As much of a job's draft as comparing it with others takes.
    fileprivate init(of job: ConfiguredJob) {
        let place = (job.job.source ?? "the central configuration").split(separator: ":")
        self.init(
            job: job.job, file: place.dropLast(place.count > 1 ? 1 : 0).joined(separator: ":"),
            line: place.count > 1 ? Int(place[place.count - 1]) ?? 0 : 0)
    }
}
