import Foundation
import JobConfig
import SlipwayModel
import Testing

/// `plugins.yaml` in several files, as Prow puts it together (pkg/plugins, `mergeFrom`).
@Suite struct SupplementalPluginConfigTests {
    private static func load(_ plugins: String, _ supplements: String...) -> LoadedPlugins {
        JobConfiguration.plugins(
            SourceFile(path: "plugins.yaml", bytes: Array(plugins.utf8)),
            supplements: supplements.enumerated().map {
                SourceFile(path: "\($0)/_pluginconfig.yaml", bytes: Array($1.utf8))
            })
    }

    @Test func eachFileAddsItsRepositories() {
        let loaded = Self.load(
            """
            plugins: {harbor: {plugins: [trigger, lgtm]}}
            external_plugins: {harbor: [{name: cherrypick}]}
            approve: [{repos: [harbor], require_self_approval: true}]
            label: {additional_labels: [urgent], restricted_labels: {harbor: [{label: freeze, allowed_users: [ada]}]}}
            """,
            """
            plugins: {harbor/crane: {plugins: [approve]}, sea: [hold]}
            external_plugins: {harbor/crane: [{name: refresh, endpoint: "http://refresh"}]}
            triggers: [{repos: [harbor/crane], trusted_org: sea}]
            """,
            """
            plugins: {harbor/quay: {plugins: [wip]}}
            approve: [{repos: [harbor/quay], lgtm_acts_as_approve: true}]
            lgtm: [{repos: [harbor/quay], store_tree_hash: true}]
            label: {restricted_labels: {harbor: [{label: thaw, allowed_users: [bob]}]}}
            bugzilla: {default: {}}
            """)
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        let settings = loaded.settings
        #expect(settings.plugins["harbor"]?.names.prefix(2) == ["trigger", "lgtm"])
        #expect(settings.plugins["harbor/crane"]?.names == ["approve"])
        #expect(settings.plugins["sea"]?.names == ["hold"])
        #expect(settings.plugins["harbor/quay"]?.names == ["wip"])
        #expect(settings.externalPlugins["harbor/crane"] == ["refresh"])
        #expect(settings.approve.map(\.repos) == [["harbor"], ["harbor/quay"]])
        #expect(settings.triggers.map(\.trustedOrg) == ["sea"])
        #expect(settings.lgtm.map(\.storesTreeHash) == [true])
        #expect(settings.label.additional == ["urgent"])
        #expect(settings.label.restricted["harbor"]?.map(\.label) == ["freeze", "thaw"])
        #expect(loaded.warnings.map(\.file) == ["1/_pluginconfig.yaml"])
    }

    @Test(arguments: [
        ("owners: {skip_collaborators: [harbor]}", 1, "owners may not stand in a supplemental file"),
        ("blockades: []", 1, "blockades may not stand"),
        ("label:\n  additional_labels: [x]", 2, "additional_labels may not stand"),
        ("- a", 1, "plugins.yaml is a list"),
        ("plugins:\n  sea: [wip]\n  harbor: [hold]", 3, "another file has plugins of harbor;"),
        ("external_plugins:\n  harbor: [{name: x}]", 2, "another file has external_plugins of harbor;"),
    ])
    func whatMayNotStandThereIsRefused(_ supplement: String, _ line: Int, _ message: String) throws {
        let loaded = Self.load(
            "plugins: {harbor: {plugins: [trigger]}}\nexternal_plugins: {harbor: [{name: refresh}]}", supplement)
        let error = try #require(loaded.errors.first)
        #expect(loaded.errors.count == 1, "\(loaded.errors)")
        #expect(error.file == "0/_pluginconfig.yaml" && error.line == line)
        #expect(error.message.contains(message), "\(error.message)")
        #expect(loaded.settings.plugins["harbor"]?.names == ["trigger"])
    }

    @Test func externalPluginsOfAllFilesGetDeliveries() throws {
        let sources = [
            ("plugins.yaml", "external_plugins: {harbor: [{name: refresh}]}"),
            (
                "a/_pluginconfig.yaml",
                "external_plugins: {sea/buoy: [{name: bell, endpoint: 'https://bell', events: [push]}]}"
            ),
        ].map { SourceFile(path: $0, bytes: Array($1.utf8)) }
        let (plugins, problems) = ExternalPlugin.read(sources)
        #expect(problems.isEmpty)
        #expect(plugins.map(\.name) == ["refresh", "bell"])
        #expect(plugins.map(\.endpoint) == ["http://refresh", "https://bell"])
    }

    @Test func aFolderIsSearchedForThem() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "supplements-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let below = folder.appending(path: "harbor/crane")
        try FileManager.default.createDirectory(at: below, withIntermediateDirectories: true)
        try Data("plugins: {harbor: [wip]}".utf8).write(to: folder.appending(path: "_plugins.yaml"))
        try Data("plugins: {harbor/crane: [hold]}".utf8).write(to: below.appending(path: "_pluginconfig.yaml"))
        try Data("tide: {}".utf8).write(to: below.appending(path: "_prowconfig.yaml"))
        let loaded = JobConfiguration.plugins(
            path: folder.appending(path: "_plugins.yaml").path, supplementalFolders: [folder.path])
        #expect(loaded.errors.isEmpty, "\(loaded.errors)")
        #expect(Set(loaded.settings.plugins.keys) == ["harbor", "harbor/crane"])
    }
}
