import JobConfig
import Testing

/// Files of a configuration from their text.
func load(_ files: (String, String)...) -> LoadedConfiguration {
    JobConfiguration.load(files: files.map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) })
}

/// The one job of a file that must be sound.
func onlyJob(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> ConfiguredJob {
    let loaded = load(("jobs.yaml", text))
    #expect(loaded.errors.isEmpty, sourceLocation: sourceLocation)
    #expect(loaded.jobs.count == 1, sourceLocation: sourceLocation)
    return try #require(loaded.jobs.first, sourceLocation: sourceLocation)
}

/// A presubmit of lantern/engine with further keys, each line indented as a key of the job.
func presubmit(
    _ keys: String..., name: String = "unit", spec: String = "{containers: [{image: tools, command: [make]}]}"
) -> String {
    let lines = ["- name: \(name)"] + keys.map { "  \($0)" } + ["  spec: \(spec)"]
    return "presubmits:\n  lantern/engine:\n" + lines.map { "  \($0)\n" }.joined()
}

func periodic(
    _ keys: String..., name: String = "nightly", spec: String = "{containers: [{image: tools, command: [make]}]}"
) -> String {
    let lines = ["- name: \(name)"] + keys.map { "  \($0)" } + ["  spec: \(spec)"]
    return "periodics:\n" + lines.map { "\($0)\n" }.joined()
}
