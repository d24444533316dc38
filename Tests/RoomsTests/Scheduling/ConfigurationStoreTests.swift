import FoundationEssentials
import JobConfig
import Scheduling
import SlipwayModel
import Testing

@Suite("Versions of the configuration")
struct ConfigurationStoreTests {
    private func postsubmit(_ name: String, _ keys: String = "") -> String {
        "postsubmits:\n  harbor/crane:\n  - {name: \(name), \(keys)\(SchedulingHarness.spec)}\n"
    }

    @Test("each change is a version; the same content is not applied again")
    func versions() async throws {
        try await SchedulingHarness.run { harness in
            let first = try await harness.apply(("a.yaml", postsubmit("image")), ("b.yaml", postsubmit("docs")))
            #expect(first.changed && first.jobs == 2 && first.added == 2)
            let same = try await harness.apply(("a.yaml", postsubmit("image")), ("b.yaml", postsubmit("docs")))
            #expect(!same.changed && same.version == first.version)
            let second = try await harness.apply(
                ("a.yaml", postsubmit("image", "max_concurrency: 1, ")), ("c.yaml", SchedulingHarness.periodic("sweep"))
            )
            #expect(second.version == first.version + 1)
            #expect(second.added == 1 && second.modified == 1 && second.removed == 1)
            let history = try await harness.configuration.history(limit: 10)
            #expect(history.map(\.version) == [second.version, first.version])
            #expect(history.first?.appliedBy == "maria" && history.first?.jobs == 2)
            #expect(try await harness.configuration.jobs(of: first.version).map(\.job.name) == ["docs", "image"])
            #expect(try await harness.configuration.jobs().map(\.job.name) == ["sweep", "image"])
        }
    }

    @Test("the difference of two versions names what changed")
    func differences() async throws {
        try await SchedulingHarness.run { harness in
            let first = try await harness.apply(("a.yaml", postsubmit("image")), ("b.yaml", postsubmit("docs")))
            let second = try await harness.apply(
                ("a.yaml", postsubmit("image", "max_concurrency: 1, cluster: lab, ")),
                ("c.yaml", SchedulingHarness.periodic("sweep")))
            let found = try await harness.configuration.differences(from: first.version, to: second.version)
            #expect(found.map(\.job) == ["sweep", "docs", "image"])
            #expect(found.map(\.kind) == [.added, .removed, .modified])
            #expect(found.last?.fields == ["cluster", "maxConcurrency"])
            let back = try await harness.configuration.differences(from: second.version, to: first.version)
            #expect(back.map(\.kind) == [.removed, .added, .modified])
            #expect(try await harness.configuration.differences(from: 1, to: 1).isEmpty)
            #expect(try await harness.configuration.differences(from: 0, to: 1).map(\.kind) == [.added, .added])
            let unknown = NoSuchVersion(version: 3, current: 2)
            await #expect(throws: unknown) { try await harness.configuration.differences(from: 1, to: 3) }
            await #expect(throws: unknown) { try await harness.configuration.jobs(of: 3) }
            await #expect(throws: NoSuchVersion(version: -1, current: 2)) {
                try await harness.configuration.differences(from: -1, to: 2)
            }
        }
    }

    @Test("a configuration with an error changes nothing and says all that is wrong")
    func refused() async throws {
        try await SchedulingHarness.run { harness in
            let first = try await harness.apply(("a.yaml", postsubmit("image")))
            let error = await #expect(throws: ConfigurationRefused.self) {
                try await harness.apply(
                    ("a.yaml", postsubmit("image", "run_if_changed: '(', ")), ("b.yaml", postsubmit("docs")),
                    ("c.yaml", "periodics:\n- {name: sweep, \(SchedulingHarness.spec)}\n"))
            }
            #expect(error?.problems.count == 2)
            #expect(error?.description.contains("nothing was applied") == true)
            #expect(try await harness.configuration.history(limit: 10).map(\.version) == [first.version])
            #expect(try await harness.configuration.jobs().map(\.job.name) == ["image"])
        }
    }

    @Test("two that apply at once make two versions, one after the other")
    func concurrent() async throws {
        try await SchedulingHarness.run { harness in
            let versions = try await withThrowingTaskGroup(of: Int64.self) { group in
                for number in 1...6 {
                    group.addTask { [text = postsubmit("image-\(number)")] in
                        try await harness.apply(("a.yaml", text)).version
                    }
                }
                return try await group.reduce(into: Set<Int64>()) { $0.insert($1) }
            }
            #expect(versions.count == 6)
            #expect(try await harness.configuration.jobs().count == 1)
        }
    }

    @Test("a decision is taken by the version that its own transaction sees, and says which")
    func inForce() async throws {
        try await SchedulingHarness.run { harness in
            try await harness.apply(("a.yaml", postsubmit("image")))
            let push = { (id: String) in
                RefPushed(
                    repository: SchedulingHarness.repository, ref: "main", isTag: false, before: "a", after: "b",
                    changedFiles: ["x"], sender: "maria", deliveryID: id)
            }
            try await harness.deliver(push("1"))
            try await harness.apply(("a.yaml", postsubmit("image", "cluster: lab, ")))
            try await harness.deliver(push("2"))
            #expect(try await harness.runs().map(\.cluster) == ["lab", "default"])
        }
    }
}
