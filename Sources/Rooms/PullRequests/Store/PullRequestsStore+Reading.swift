import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

extension PullRequestsStore {
    static let readingStatements = [payloads, currentVersion, currentSettings, presubmits]

    /// What deliveries said, where they are still kept.
    static let payloads = Statement(
        "pull_requests.payloads",
        """
        select delivery_id, event, payload::text
          from triggers.deliveries_v1
         where delivery_id = any($1::text[])
        """)

    /// 0 where nothing was ever applied.
    static let currentVersion = Statement(
        "pull_requests.current_version",
        "select coalesce(max(version), 0) from scheduling.config_versions_v1")

    static let currentSettings = Statement(
        "pull_requests.current_settings",
        "select version, settings from scheduling.config_versions_v1 order by version desc limit 1")

    static let presubmits = Statement(
        "pull_requests.presubmits",
        """
        select definition
          from scheduling.current_jobs_v1
         where kind = 'presubmit' and org = $1 and repo = $2
         order by name
        """)
}
