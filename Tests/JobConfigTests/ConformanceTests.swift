import FoundationEssentials
import JobConfig
import SlipwayModel
import Testing

/// Reads a real configuration of Prow's where one lies beside the project (or where SLIPWAY_SHARED_DATA points).
@Suite struct ConformanceTests {
    static let folder: String? = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data =
            ProcessInfo.processInfo.environment["SLIPWAY_SHARED_DATA"] ?? root.appending(path: "../shared/data").path
        let folder = "\(data)/prow-config/jobs"
        return FileManager.default.fileExists(atPath: folder) ? folder : nil
    }()

    @Test("A part of kubernetes/test-infra loads unmodified", .enabled(if: folder != nil, "no prow-config found"))
    func prowConfiguration() throws {
        let loaded = JobConfiguration.load(folder: try #require(Self.folder))
        #expect(loaded.errors.isEmpty, "\(loaded.errors.prefix(5))")
        #expect(loaded.files.count == 186)
        #expect(loaded.count(of: .presubmit) == 817)
        #expect(loaded.count(of: .postsubmit) == 21)
        #expect(loaded.count(of: .periodic) == 399)
        #expect(loaded.presets.count == 8)
        #expect(loaded.repositories.count == 70)
        let isKnown = loaded.warnings.allSatisfy { $0.message.contains("has no effect") }
        #expect(isKnown, "\(loaded.warnings)")
        // With Prow's own settings.
        let prow = JobConfiguration.prowSettings(path: "\(try #require(Self.folder))/../config.yaml")
        let whole = JobConfiguration.load(folder: try #require(Self.folder), prowSettings: prow)
        #expect(whole.errors.isEmpty, "\(whole.errors.prefix(5))")
        #expect(whole.presets.count == 23)
        let tide = try #require(whole.settings.tide)
        #expect(tide.queries.count == 9)
        #expect(tide.queries.first?.excludedRepos.count == 37)
        let krew = RepositoryName(org: "kubernetes-sigs", repo: "krew")
        #expect(tide.mergeMethods.method(of: krew, branch: "master") == .squash)
        #expect(tide.batchSizeLimit(of: RepositoryName(org: "kubernetes", repo: "kubernetes")) == 15)
        #expect(tide.priorities.count == 3)
        let hasDefault = whole.jobs.allSatisfy { ($0.job.decoration?.gracePeriod ?? 900) == 900 }
        #expect(hasDefault)
        // Each job tells what it would do, and survives being stored.
        let decisions = loaded.jobs.map { $0.decision(branch: "main", changedFiles: { ["go.mod"] }) }
        #expect(Set(decisions.map(\.runs)).count == 2)
        let stored = try JSONDecoder().decode([ConfiguredJob].self, from: JSONEncoder().encode(loaded.jobs))
        let isSame = stored == loaded.jobs
        #expect(isSame)
    }
}
