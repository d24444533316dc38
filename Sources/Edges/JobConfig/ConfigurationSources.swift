/// Where a configuration stands: the folder of its jobs, and Prow's own files beside it.
package struct ConfigurationSources: Sendable {
    /// Every `.yaml` and `.yml` below it is read.
    package var jobs: String
    /// The path of Prow's `config.yaml`.
    package var prowConfig: String?
    /// Folders whose `_prowconfig.yaml` bring the rest of it.
    package var supplementalProwConfig: [String]
    /// The path of Prow's `plugins.yaml`.
    package var plugins: String?
    /// Folders whose `_pluginconfig.yaml` bring the rest of it.
    package var supplementalPlugins: [String]

    package init(
        jobs: String, prowConfig: String? = nil, supplementalProwConfig: [String] = [], plugins: String? = nil,
        supplementalPlugins: [String] = []
    ) {
        self.jobs = jobs
        self.prowConfig = prowConfig
        self.supplementalProwConfig = supplementalProwConfig
        self.plugins = plugins
        self.supplementalPlugins = supplementalPlugins
    }

    package var folders: [String] { [jobs] + supplementalProwConfig + supplementalPlugins }

    /// Files that are named by themselves.
    package var files: [String] { [prowConfig, plugins].compactMap(\.self) }

    /// Reads all of it. Never throws: what cannot be read is among the errors.
    package func load(by loader: ConfigurationLoader = ConfigurationLoader()) -> LoadedConfiguration {
        let loaded = loader.load(
            folder: jobs,
            prowSettings: prowConfig.map {
                JobConfiguration.prowSettings(path: $0, supplementalFolders: supplementalProwConfig)
            })
        guard let plugins else { return loaded }
        return loaded.with(JobConfiguration.plugins(path: plugins, supplementalFolders: supplementalPlugins))
    }
}
