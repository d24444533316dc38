import Web

/// The room's templates.
enum PullRequestsTemplates {
    static let set = TemplateSet([
        "pull_part": PackageResources.pull_part_mustache,
        "approvals": PackageResources.approvals_mustache,
        "commands": PackageResources.commands_mustache,
        "owners": PackageResources.owners_mustache,
        "owners_missing": PackageResources.owners_missing_mustache,
        "owners_index": PackageResources.owners_index_mustache,
    ])
}
