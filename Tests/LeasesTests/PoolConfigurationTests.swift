import JobConfig
import Testing

/// Boskos's rules (`common/config.go`) and ours about a file of pools.
@Suite("Configurations of pools")
struct PoolConfigurationTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var yaml: String
        /// Begins of the errors, with their lines.
        var errors: [String]
    }

    static let cases: [Case] = [
        Case(testDescription: "static", yaml: "resources:\n- type: a\n  state: free\n  names: [x, y]\n", errors: []),
        Case(
            testDescription: "dynamic, with all that Boskos knows",
            yaml: """
                resources:
                - {type: project, state: dirty, names: [p-1, p-2, p-3, p-4]}
                - type: cluster
                  state: free
                  min-count: 1
                  max-count: 2
                  lifespan: 12h
                  needs: {project: 2}
                  config:
                    type: GCPResourceConfig
                    content: |
                      a: b
                """, errors: []),
        Case(testDescription: "nothing", yaml: "", errors: ["boskos.yaml: the file is empty"]),
        Case(
            testDescription: "no resources", yaml: "resources: []\n", errors: ["boskos.yaml:1: there are no resources"]),
        Case(testDescription: "a list at the top", yaml: "- a\n", errors: ["boskos.yaml:1: the file is a list"]),
        Case(
            testDescription: "no type", yaml: "resources:\n- names: [a]\n",
            errors: ["boskos.yaml:2: an entry of resources has no type"]),
        Case(
            testDescription: "a type twice",
            yaml: "resources:\n- {type: a, names: [x]}\n- {type: a, names: [y]}\n",
            errors: ["boskos.yaml:3: the type 'a' stands in line 2 already"]),
        Case(
            testDescription: "a name twice", yaml: "resources:\n- {type: a, names: [x]}\n- {type: b, names: [x]}\n",
            errors: ["boskos.yaml:3: the resource 'x' stands in line 2 already"]),
        Case(
            testDescription: "a name that is none", yaml: "resources:\n- {type: a, names: [X_1]}\n",
            errors: ["boskos.yaml:2: 'X_1' is no name for a resource"]),
        Case(
            testDescription: "dynamic without a greatest number", yaml: "resources:\n- {type: a, min-count: 1}\n",
            errors: ["boskos.yaml:2: 'a' has neither names nor a max-count", "boskos.yaml:2: min-count 1 of 'a'"]),
        Case(
            testDescription: "least above greatest", yaml: "resources:\n- {type: a, min-count: 3, max-count: 2}\n",
            errors: ["boskos.yaml:2: min-count 3 of 'a' is not from 0 to its max-count, 2"]),
        Case(
            testDescription: "needs that nothing meets",
            yaml: "resources:\n- {type: a, max-count: 2, needs: {b: 1}}\n",
            errors: ["boskos.yaml:2: there is no type 'b'"]),
        Case(
            testDescription: "needs that cannot be met",
            yaml: "resources:\n- {type: b, names: [x]}\n- {type: a, max-count: 2, needs: {b: 1}}\n",
            errors: ["boskos.yaml:3: 2 resources of type 'b' are needed"]),
        Case(
            testDescription: "a negative lifespan", yaml: "resources:\n- {type: a, max-count: 2, lifespan: -1h}\n",
            errors: ["boskos.yaml:2: lifespan '-1h' is not a time that can pass"]),
        Case(
            testDescription: "an enormous lifespan",
            yaml: "resources:\n- {type: a, max-count: 2, lifespan: 99999999999h}\n",
            errors: ["boskos.yaml:2: lifespan '99999999999h' is not a duration"]),
        Case(
            testDescription: "a janitor without a command",
            yaml: "resources:\n- {type: a, names: [x], janitor: {timeout: 1m}}\n",
            errors: ["boskos.yaml:2: janitor has no command"]),
    ]

    @Test("are read by Boskos's rules", arguments: cases)
    func read(_ test: Case) {
        let loaded = LeasesHarness.load(test.yaml)
        let errors = loaded.errors.map(\.description)
        #expect(errors.count == test.errors.count, "\(errors)")
        for (error, beginning) in zip(errors, test.errors) { #expect(error.hasPrefix(beginning), "\(error)") }
    }

    @Test("keys of Boskos and ours have their values")
    func values() throws {
        let loaded = LeasesHarness.load(
            """
            resources:
            - type: a
              names: [x, "1"]
              cost-per-hour: 1.5
              quota: 3
              quotas: {ci: 10}
              reservations: {release: 1}
              patience: 5m
              janitor: {command: [clean, --all], timeout: 10m, workers: 2}
            - {type: b, state: dirty, max-count: 5, lifespan: 3600000000000}
            """)
        #expect(loaded.isValid && loaded.warnings.isEmpty)
        let pool = loaded.pools[0]
        #expect(pool.names == ["x", "1"] && pool.state == "free" && pool.costPerHour == 1.5 && pool.patience == 300)
        #expect(pool.quota(of: "ci") == 10 && pool.quota(of: "somebody") == 3 && pool.reservations == ["release": 1])
        #expect(pool.janitor?.command == ["clean", "--all"] && pool.janitor?.timeout == 600)
        #expect(loaded.pools[1].isDynamic && loaded.pools[1].lifespan == 3600 && loaded.pools[1].size == 5)
    }
}
