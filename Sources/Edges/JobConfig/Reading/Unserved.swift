/// Keys that Prow knows and Slipway reads past, each with what follows from that.
enum Unserved {
    static let jobKeys: [String: String] = [
        "reporter_config": "nothing is reported to Slack",
        "hidden": "the job and its results are shown like any other",
        "tags": "they are not searched",
        "error_on_eviction": "an evicted run is tried again",
        "prowjob_defaults": "defaults are those of the installation",
        "skip_fetch_head": "HEAD is fetched",
        "jenkins_spec": "Jenkins is not driven",
        "pipeline_run_spec": "Tekton is not driven",
        "tekton_pipeline_run_spec": "Tekton is not driven",
    ]

    static let refsKeys: [String: String] = [
        "auxiliary": "the repository counts like any other of the job",
        "blobless_fetch": "the fetch is whole",
        "pulls": "extra refs are cloned at their base",
    ]

    private static let ownTools = "the agent clones, runs and uploads with tools of its own"

    static let decorationKeys: [String: String] = [
        "utility_images": ownTools, "resources": ownTools, "set_limit_equals_memory_request": ownTools,
        "default_memory_request": ownTools, "blobless_fetch": ownTools, "upload_ignores_interrupts": ownTools,
        "gcs_credentials_secret": "artifacts go to the configured artifact store",
        "s3_credentials_secret": "artifacts go to the configured artifact store",
        "default_service_account_name": "the agent decides whose account a run uses",
        "fs_group": "the agent decides whose account a run uses",
        "run_as_user": "the agent decides whose account a run uses",
        "run_as_group": "the agent decides whose account a run uses",
        "ssh_key_secrets": "the agent's own credentials clone",
        "ssh_host_fingerprints": "the agent's own credentials clone",
        "cookiefile_secret": "the agent's own credentials clone",
        "oauth_token_secret": "the agent's own credentials clone",
        "github_api_endpoints": "the agent's own credentials clone",
        "github_app_id": "the agent's own credentials clone",
        "github_app_private_key_secret": "the agent's own credentials clone",
        "pod_pending_timeout": "the installation's limits hold",
        "pod_running_timeout": "the installation's limits hold",
        "pod_unscheduled_timeout": "the installation's limits hold",
        "scheduling_options": "a job's own spec says where its pod may be",
    ]
}

extension Unserved {
    /// Keys of `gcs_configuration`.
    static let storageKeys: [String: String] = [
        "bucket": "artifacts go to the configured artifact store",
        "path_prefix": "artifacts lie at the root of the configured artifact store",
        "job_url_prefix": "links lead to Slipway's pages",
        "mediaTypes": "media types follow from the names of files",
        "compress_file_types": "files are stored as they are",
        "local_output_dir": "artifacts go to the configured artifact store",
    ]

    /// Sections of `config.yaml`.
    static let sections: [String: String] = [
        "sinker": "finished runs are kept by the installation's own rules",
        "slack_reporter_configs": "nothing is reported to Slack",
        "gerrit": "Gerrit is not served",
        "jenkins_operators": "Jenkins is not driven",
        "moonraker": "Slipway has no need of it",
        "horologium": "periodics are looked at each second",
        "scheduler": "clusters are those that jobs name",
        "pubsub_subscriptions": "runs are asked for by webhook, comment or command",
        "pubsub_triggers": "runs are asked for by webhook, comment or command",
        "push_gateway": "metrics are scraped at /metrics",
        "managed_webhooks": "webhooks are set up at the forge",
        "manager": "rooms share one database",
        "github": "the forge is named by forge.url in the settings",
        "status_error_link": "statuses link to Slipway's pages",
        "log_level": "it is set by log.level in the settings",
        "prowjob_namespace": "runs are kept in the database",
        "prowjob_default_entries": "defaults are those of the installation",
        "disabled_clusters": "a cluster without agents runs nothing",
        "default_job_timeout": "a job's decoration bounds it",
        "gangway": "runs are asked for by webhook, comment or command",
        "config_version_sha": "versions are numbered when they are applied",
    ]

    static let tideKeys: [String: String] = [
        "sync_period": "pools are looked at whenever something in them changes",
        "status_update_period": "statuses are written when they change",
        "max_goroutines": "any number of workers share the pools",
        "max_query_concurrency": "pull requests are known from their deliveries, not searched for",
        "gerrit": "Gerrit is not served",
    ]

    static let plankKeys: [String: String] = [
        "job_url_template": "links lead to Slipway's pages",
        "job_url_prefix_config": "links lead to Slipway's pages",
        "jobURLPrefixDisableAppendStorageProvider": "links lead to Slipway's pages",
        "pod_pending_timeout": "the installation's limits hold",
        "pod_running_timeout": "the installation's limits hold",
        "pod_unscheduled_timeout": "the installation's limits hold",
        "allow_cancellations": "older runs of a pull request are always aborted",
        "build_cluster_status_file": "clusters show on a page",
        "max_goroutines": "Slipway has no need of it",
        "job_queue_capacities_config": "capacities are read from job_queue_capacities",
        "max_revivals": "a run whose agent was lost is tried 3 times",
    ]
}
