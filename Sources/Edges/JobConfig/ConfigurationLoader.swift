import Dispatch
import Synchronization

/// Loads configurations and remembers the last one, so that loading it again costs what changed in between.
package final class ConfigurationLoader: Sendable {
    /// What one file gave, with all it depended on.
    private struct Entry: Sendable {
        var source: SourceFile
        var part: ConfiguredFile
        var context: ResolutionContext?
        var resolved = ResolvedFile()
    }

    private let known = Mutex<[String: Entry]>([:])

    package init() {}

    /// See `JobConfiguration.load(folder:)`.
    package func load(folder: String, prowSettings: LoadedProwSettings? = nil) -> LoadedConfiguration {
        let (files, errors) = ConfigurationFolder.read(folder)
        return load(files: files, prowSettings: prowSettings, errors: errors)
    }

    /// See `JobConfiguration.load(files:)`.
    package func load(files: [SourceFile], prowSettings: LoadedProwSettings? = nil) -> LoadedConfiguration {
        load(files: files, prowSettings: prowSettings, errors: [])
    }

    private func load(
        files: [SourceFile], prowSettings: LoadedProwSettings?, errors: [ConfigProblem]
    ) -> LoadedConfiguration {
        let files = files.sorted { $0.path < $1.path }
        let before = known.withLock { $0 }
        var entries = ConfigurationLoader.onAllCores(files) { source in
            if let entry = before[source.path], entry.source == source { return entry }
            return Entry(source: source, part: JobFileReader.read(source))
        }
        // Jobs may stand in config.yaml as well; its presets come first, as they did when Prow read them.
        if let prowSettings {
            entries.insert(
                Entry(source: SourceFile(path: prowSettings.file.path, bytes: []), part: prowSettings.file), at: 0)
        }
        let context = ResolutionContext(
            presets: entries.flatMap(\.part.presets),
            decoratesAllJobs: entries.contains(where: \.part.decoratesAllJobs),
            prow: prowSettings?.settings ?? ProwSettings())
        entries = ConfigurationLoader.onAllCores(entries) { entry in
            guard entry.context != context else { return entry }
            var entry = entry
            entry.resolved = JobResolver.resolve(entry.part.jobs, context)
            entry.context = context
            return entry
        }
        let remembered = Dictionary(
            entries.dropFirst(prowSettings == nil ? 0 : 1).map { ($0.source.path, $0) }, uniquingKeysWith: { $1 })
        known.withLock { $0 = remembered }
        var result = LoadedConfiguration(
            files: files, parts: entries.map(\.part), resolved: entries.map(\.resolved), presets: context.presets,
            errors: errors + ConfigurationLoader.sameBaseNames(files) + Preset.sharingALabel(context.presets)
                + (prowSettings?.errors ?? []))
        result.settings = context.prow.version
        result.inRepository = (prowSettings?.settings.inRepository ?? InRepositoryRules()).taking(context)
        result.warnings = (result.warnings + (prowSettings?.warnings ?? [])).sorted()
        return result
    }

    /// Prow's rule: its files travel in config maps, which know no folders.
    private static func sameBaseNames(_ files: [SourceFile]) -> [ConfigProblem] {
        var known: [Substring: String] = [:]
        return files.compactMap { file in
            let name = file.path.split(separator: "/").last ?? ""
            guard let first = known[name] else {
                known[name] = file.path
                return nil
            }
            return ConfigProblem(
                file: file.path, line: 0,
                message: "\(first) has the same file name; rename one of them, Prow tells files by it")
        }
    }

    private static func onAllCores<Value: Sendable, Result: Sendable>(
        _ values: [Value], _ transform: @Sendable (Value) -> Result
    ) -> [Result] {
        let results = Mutex([Result?](repeating: nil, count: values.count))
        DispatchQueue.concurrentPerform(iterations: values.count) { index in
            let result = transform(values[index])
            results.withLock { $0[index] = result }
        }
        return results.withLock { $0.compactMap { $0 } }
    }
}
