package import ArgumentParser
package import JobConfig

/// Prow's own files beside a folder of jobs, under Prow's names for them.
package struct ProwFileOptions: ParsableArguments {
    @Option(help: "Prow's own config.yaml: presets, decoration defaults, queue capacities.", completion: .file())
    package var prowConfig: String?
    @Option(
        help: ArgumentHelp(
            "A folder whose files named *_prowconfig.yaml bring the rest of config.yaml; may be repeated.",
            valueName: "dir"), completion: .directory)
    package var supplementalProwConfigDir: [String] = []
    @Option(help: "Prow's plugins.yaml: which rules about pull requests hold where.", completion: .file())
    package var pluginConfig: String?
    @Option(
        help: ArgumentHelp(
            "A folder whose files named *_pluginconfig.yaml bring the rest of plugins.yaml; may be repeated.",
            valueName: "dir"), completion: .directory)
    package var supplementalPluginConfigDir: [String] = []

    package init() {}

    package func validate() throws {
        guard supplementalProwConfigDir.isEmpty || prowConfig != nil else {
            throw ValidationError("--supplemental-prow-config-dir adds to a --prow-config, which is missing.")
        }
        guard supplementalPluginConfigDir.isEmpty || pluginConfig != nil else {
            throw ValidationError("--supplemental-plugin-config-dir adds to a --plugin-config, which is missing.")
        }
    }

    /// These files together with a folder of jobs.
    package func sources(jobs: String) -> ConfigurationSources {
        ConfigurationSources(
            jobs: jobs, prowConfig: prowConfig, supplementalProwConfig: supplementalProwConfigDir,
            plugins: pluginConfig, supplementalPlugins: supplementalPluginConfigDir)
    }
}
