import Postgres
package import SlipwayModel

/// A test that failed in several runs of a job.
package struct FailureCluster: Sendable, Hashable {
    package var suite: String
    package var name: String
    /// Runs in which it failed for good, of those that were looked at.
    package var failed: Int
    /// Runs in which it failed and then passed.
    package var flaky: Int
    package var lastBuild: BuildID
    /// Of its last failure.
    package var message: String
}

extension ResultsStore {
    /// Which tests failed in some attempts, most often first.
    package func failureClusters(of builds: [BuildID], limit: Int) async throws -> [FailureCluster] {
        guard !builds.isEmpty else { return [] }
        let numbers = builds.map(\.number)
        return try await database.execute(
            Self.listFailureClusters, numbers, numbers.min(), numbers.max(), limit
        ).map { row throws(PostgresError) in
            let (suite, name, failed, flaky, build, message) = try row.decode(
                (String, String, Int, Int, BuildID, String).self)
            return FailureCluster(
                suite: suite, name: name, failed: failed, flaky: flaky, lastBuild: build, message: message)
        }
    }

    static let failureStatements = [listFailureClusters]

    private static let listFailureClusters = Statement(
        "results.list_failure_clusters",
        """
        select min(suite), min(name), count(*) filter (where kind = 'failed'), count(*) filter (where kind = 'flaky'),
               max(build_id), (array_agg(left(message, 300) order by build_id desc))[1]
          from results.failures where build_id = any ($1::bigint[]) and build_id >= $2 and build_id <= $3
         group by test_id
         order by 3 desc, 4 desc, max(build_id) desc limit $4
        """)
}
