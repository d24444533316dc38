import Web

/// The room's templates.
enum ResultsTemplates {
    static let set = TemplateSet([
        "artifacts": PackageResources.artifacts_mustache,
        "clusters": PackageResources.clusters_mustache,
        "config": PackageResources.config_mustache,
        "config_version": PackageResources.config_version_mustache,
        "configured": PackageResources.configured_mustache,
        "configured_repository": PackageResources.configured_repository_mustache,
        "dead_letter": PackageResources.dead_letter_mustache,
        "dead_letters": PackageResources.dead_letters_mustache,
        "fleet": PackageResources.fleet_mustache,
        "job": PackageResources.job_mustache,
        "job_history": PackageResources.job_history_mustache,
        "jobs": PackageResources.jobs_mustache,
        "log": PackageResources.log_mustache,
        "my_pulls": PackageResources.my_pulls_mustache,
        "overview": PackageResources.overview_mustache,
        "pull": PackageResources.pull_mustache,
        "pull_history": PackageResources.pull_history_mustache,
        "pulls": PackageResources.pulls_mustache,
        "run": PackageResources.run_mustache,
        "run_head": PackageResources.run_head_mustache,
        "run_row": PackageResources.run_row_mustache,
        "runs": PackageResources.runs_mustache,
        "search": PackageResources.search_mustache,
        "tabs": PackageResources.tabs_mustache,
        "tests": PackageResources.tests_mustache,
        "which_jobs": PackageResources.which_jobs_mustache,
    ])
}
