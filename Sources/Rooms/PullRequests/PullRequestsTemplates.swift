import Web

/// The room's templates.
enum PullRequestsTemplates {
    static let set = TemplateSet([
        "owners": PackageResources.owners_mustache,
        "owners_index": PackageResources.owners_index_mustache,
    ])
}
