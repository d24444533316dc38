import Foundation
import JobConfig
import SlipwayModel
import Testing
import slipway

/// `check-config --in-repo-config`: a repository's own file beside the configuration.
@Suite struct InRepositoryCheckTests {
    private static let repository = RepositoryName(org: "lantern", repo: "engine")
    private static let spec = "spec: {containers: [{command: [x]}]}"

    private func check(_ own: String, prowConfig: String?) throws -> LoadedConfiguration {
        let file = FileManager.default.temporaryDirectory.path + "/slipway-own-\(UUID().uuidString).yaml"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(own.utf8).write(to: URL(filePath: file))
        let settings = prowConfig.map {
            JobConfiguration.prowSettings(SourceFile(path: "config.yaml", bytes: Array($0.utf8)))
        }
        var loaded = JobConfiguration.load(
            files: [
                SourceFile(
                    path: "jobs.yaml", bytes: Array("presubmits: {lantern/engine: [{name: unit, \(Self.spec)}]}".utf8))
            ], prowSettings: settings)
        loaded.add(inRepository: Self.repository, path: file, isDecided: prowConfig != nil)
        return loaded
    }

    @Test(
        arguments: [
            (nil, ["unit", "own"], 0), ("in_repo_config: {enabled: {lantern: true}}", ["unit", "own"], 0),
            ("in_repo_config: {enabled: {lantern: true, lantern/engine: false}}", ["unit"], 1), ("{}", ["unit"], 1),
        ] as [(String?, [String], Int)])
    func jobsCountWhereTheyAreEnabled(prowConfig: String?, jobs: [String], warnings: Int) throws {
        let loaded = try check("presubmits: [{name: own, \(Self.spec)}]", prowConfig: prowConfig)
        #expect(loaded.isValid && loaded.jobs.map(\.job.name) == jobs)
        #expect(loaded.warnings.count { $0.message.contains("in_repo_config.enabled") } == warnings)
    }

    @Test(arguments: [nil, "in_repo_config: {enabled: {'*': true}}"])
    func aNameOfTheConfigurationIsAnError(prowConfig: String?) throws {
        let loaded = try check("presubmits: [{name: unit, \(Self.spec)}]", prowConfig: prowConfig)
        #expect(loaded.errors.map(\.line) == [1])
        #expect(loaded.errors.first?.message.contains("another presubmit of this name stands at jobs.yaml:1") == true)
    }

    @Test func whatIsNotThereIsAnError() {
        var loaded = LoadedConfiguration()
        loaded.add(inRepository: Self.repository, path: "/nonexistent/.prow.yaml", isDecided: false)
        #expect(loaded.errors.first?.message.contains("it cannot be read") == true)
    }
}
