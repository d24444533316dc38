package import SlipwayModel

/// One file of a configuration.
package struct SourceFile: Sendable, Hashable {
    /// Relative to the configured folder.
    package var path: String
    package var bytes: [UInt8]

    package init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }
}

/// A configuration, read as a whole. Where `errors` is not empty nothing of it may be applied.
package struct LoadedConfiguration: Sendable {
    /// The files that were read, ordered by path.
    package var files: [SourceFile] = []
    /// The jobs that are sound, in the order of files and lines.
    package var jobs: [ConfiguredJob] = []
    package var presets: [Preset] = []
    /// Prow's defaults where no `config.yaml` was read.
    package var settings = VersionSettings()
    /// What jobs in repositories' own files may do.
    package var inRepository = InRepositoryRules()
    /// Ordered by file and line.
    package var errors: [ConfigProblem] = []
    package var warnings: [ConfigProblem] = []

    package init() {}

    package var isValid: Bool { errors.isEmpty }

    package func count(of kind: JobKind) -> Int { jobs.count { $0.job.kind == kind } }

    /// Repositories that have a presubmit or a postsubmit, in alphabetical order.
    package var repositories: [RepositoryName] {
        Set(jobs.compactMap(\.job.repository)).sorted { $0.description < $1.description }
    }

    /// SHA-256 over every path and content: two loads with one hash are one configuration.
    package var hash: String { ConfigurationFolder.hash(of: files) }
}

/// Reads Prow's job configuration, unmodified.
package enum JobConfiguration {
    /// Reads every `.yaml` and `.yml` below the folder. Never throws: what cannot be read is among the errors.
    package static func load(folder: String, prowSettings: LoadedProwSettings? = nil) -> LoadedConfiguration {
        ConfigurationLoader().load(folder: folder, prowSettings: prowSettings)
    }

    /// Reads the given files.
    package static func load(files: [SourceFile], prowSettings: LoadedProwSettings? = nil) -> LoadedConfiguration {
        ConfigurationLoader().load(files: files, prowSettings: prowSettings)
    }

    /// Reads Prow's own `config.yaml`.
    package static func prowSettings(_ file: SourceFile) -> LoadedProwSettings { ProwSettingsReader.read(file) }

    /// The same with the supplemental files that bring the rest of it.
    package static func prowSettings(_ file: SourceFile, supplements: [SourceFile]) -> LoadedProwSettings {
        var result = prowSettings(file)
        for supplement in supplements { SupplementalProwConfig.add(supplement, to: &result) }
        result.giveProtectionToTide()
        return result
    }

    /// Reads Prow's own `config.yaml` from a path; what cannot be read is among the errors.
    ///
    /// - Parameter supplementalFolders: each `_prowconfig.yaml` below them brings a part of it.
    package static func prowSettings(path: String, supplementalFolders: [String] = []) -> LoadedProwSettings {
        let (file, error) = ConfigurationFolder.file(path)
        guard let file else {
            var result = LoadedProwSettings(file: ConfiguredFile(path: path))
            // Where there is no file, its name alone says too little.
            result.errors = error.map { [ConfigProblem(file: path, line: 0, message: $0.message)] } ?? []
            return result
        }
        let folders = supplementalFolders.map {
            ConfigurationFolder.read($0, suffixes: [SupplementalProwConfig.suffix])
        }
        var result = prowSettings(file, supplements: folders.flatMap(\.files))
        result.errors += folders.flatMap(\.errors)
        return result
    }
}

extension LoadedConfiguration {
    /// Puts together what files gave, and compares their jobs with each other and with those that stand beside them.
    init(
        files: [SourceFile], parts: [ConfiguredFile], resolved: [ResolvedFile], presets: [Preset],
        central: [(draft: JobDraft, job: ConfiguredJob)] = [], errors: [ConfigProblem]
    ) {
        self.init()
        self.files = files
        self.presets = presets
        jobs = resolved.flatMap { $0.jobs.map(\.job) }
        self.errors =
            (errors + parts.flatMap(\.errors) + resolved.flatMap(\.errors)
            + JobConflicts.find(central + resolved.flatMap(\.jobs)))
            .sorted()
        warnings = (parts.flatMap(\.warnings) + resolved.flatMap(\.warnings)).sorted()
    }
}
