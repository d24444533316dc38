package import JobConfig
package import SlipwayModel

extension LoadedConfiguration {
    /// Reads a repository's own configuration from this machine and puts what it gives beside the rest.
    ///
    /// - Parameter isDecided: a `config.yaml` says which repositories may have one; without it all may.
    package mutating func add(inRepository repository: RepositoryName, path: String, isDecided: Bool) {
        let (found, unreadable) = InRepositoryFiles.read(path: path)
        let own = JobConfiguration.load(
            inRepository: repository, files: found, rules: isDecided ? inRepository : inRepository.unrestricted,
            central: jobs.filter { $0.job.repository == repository })
        files += own.files
        errors = (errors + unreadable + own.errors).sorted()
        warnings = (warnings + own.warnings).sorted()
        if !isDecided || inRepository.isEnabled(repository) {
            jobs += own.jobs
        } else {
            warnings.append(
                ConfigProblem(
                    file: path, line: 0,
                    message: "in_repo_config.enabled does not name \(repository), so nothing of this runs; enable it"))
        }
    }
}
