import Foundation
import JobConfig
import SlipwayModel
import Testing

/// `config.yaml` in several files, as Prow puts it together (pkg/config, `mergeFrom`).
@Suite struct SupplementalProwConfigTests {
    private static let crane = RepositoryName(org: "harbor", repo: "crane")

    private static func load(_ config: String, _ supplements: String...) -> LoadedProwSettings {
        JobConfiguration.prowSettings(
            SourceFile(path: "config.yaml", bytes: Array(config.utf8)),
            supplements: supplements.enumerated().map {
                SourceFile(path: "\($0)/_prowconfig.yaml", bytes: Array($1.utf8))
            })
    }

    @Test func queriesAreAppended() throws {
        let loaded = Self.load(
            "tide: {queries: [{orgs: [sea], labels: [lgtm]}], blocker_label: blocker}",
            "tide:\n  queries:\n  - {repos: [harbor/crane], labels: [approved]}\n",
            "tide:\n  queries:\n  - {repos: [harbor/crane], labels: [skip-review]}\n  merge_method: {harbor/crane: squash}\n"
        )
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let tide = try #require(loaded.settings.version.tide)
        #expect(tide.queries(of: Self.crane).map(\.labels) == [["approved"], ["skip-review"]])
        #expect(tide.queries.count == 3)
        #expect(tide.blockerLabel == "blocker")
        #expect(tide.mergeMethods.method(of: Self.crane, branch: "main") == .squash)
    }

    @Test func theSectionMayStandInSupplementsAlone() throws {
        let loaded = Self.load(
            "branch-protection: {orgs: {harbor: {protect: true, required_status_checks: {contexts: [cla]}}}}",
            "tide: {queries: [{orgs: [harbor]}]}",
            """
            branch-protection:
              orgs:
                harbor:
                  repos:
                    crane: {required_status_checks: {contexts: [security]}}
            slack_reporter_configs: {harbor: {channel: ci}}
            """)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        var tide = try #require(loaded.settings.version.tide)
        tide.contextOptions.policy.fromBranchProtection = true
        let policy = tide.contextPolicy(of: Self.crane, branch: "main", presubmits: [])
        #expect(policy.required == ["cla", "security"])
    }

    @Test(arguments: [
        ("tide: {blocker_label: x}", 1, "blocker_label may not stand in a supplemental file"),
        ("tide:\n  context_options: {}", 2, "context_options may not stand"),
        ("plank: {}", 1, "plank may not stand"), ("presubmits: {}", 1, "presubmits may not stand"),
        ("branch-protection: {protect: true}", 1, "protect may not stand"),
        ("[a]", 1, "the file is a list"),
        ("tide:\n  merge_method:\n    harbor: rebase", 3, "another file has a merge_method of harbor;"),
        ("tide:\n  merge_method:\n    harbor:\n      crane: rebase", 3, "another file has a merge_method of harbor;"),
        ("tide: {merge_method: {harbor/crane: fast}}", 1, "write merge, squash or rebase"),
        ("tide: {queries: [{labels: [x]}]}", 1, "neither orgs nor repos"),
        (
            "branch-protection:\n  orgs:\n    harbor:\n      repos:\n        quay: {protect: false}", 3,
            "another file protects the branches of harbor/quay"
        ),
        (
            "branch-protection:\n  orgs:\n    harbor: {protect: false}", 3,
            "another file protects the branches of harbor;"
        ),
    ])
    func whatIsWrongIsNamedWithItsFile(_ text: String, line: Int, words: String) throws {
        let loaded = Self.load(
            """
            tide: {queries: [{orgs: [harbor]}], merge_method: {harbor: squash}}
            branch-protection: {orgs: {harbor: {protect: true, repos: {quay: {protect: true}}}}}
            """, text)
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        let error = try #require(loaded.errors.first)
        #expect(error.file == "0/_prowconfig.yaml")
        #expect(error.line == line)
        #expect(error.message.contains(words), "\(error)")
    }

    /// A folder holds other files too, which are not ours to read.
    @Test func theFilesAreFoundByTheirNames() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "shards-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        for (path, text) in [
            ("config.yaml", "tide: {queries: [{orgs: [sea]}]}"),
            ("harbor/crane/_prowconfig.yaml", "tide: {queries: [{repos: [harbor/crane]}]}"),
            ("harbor/quay/quay_prowconfig.yaml", "tide: {queries: [{repos: [harbor/quay]}]}"),
            ("harbor/quay/_pluginconfig.yaml", "plugins: {}"), ("..data/old_prowconfig.yaml", "nonsense"),
        ] {
            let file = folder.appending(path: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let loaded = JobConfiguration.prowSettings(
            path: folder.appending(path: "config.yaml").path, supplementalFolders: [folder.path])
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        #expect(
            loaded.settings.version.tide?.queries.flatMap { $0.orgs + $0.repos } == [
                "sea", "harbor/crane", "harbor/quay",
            ])
        let absent = JobConfiguration.prowSettings(
            path: folder.appending(path: "config.yaml").path, supplementalFolders: [folder.path + "/nowhere"])
        #expect(absent.errors.first?.message.contains("there is no such folder") == true)
    }
}
