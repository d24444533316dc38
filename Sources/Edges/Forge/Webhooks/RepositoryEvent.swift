package import SlipwayModel

/// `repository`: it was created, renamed, transferred …
package struct RepositoryEvent: Hashable, Sendable, Codable {
    package struct Changes: Hashable, Sendable, Codable {
        package struct Renaming: Hashable, Sendable, Codable {
            package struct Name: Hashable, Sendable, Codable {
                package var from: String
            }

            package var name: Name?
        }

        package struct Transfer: Hashable, Sendable, Codable {
            package struct Owner: Hashable, Sendable, Codable {
                package var user: Account?
                package var organization: Account?
            }

            package var from: Owner?
        }

        package var repository: Renaming?
        package var owner: Transfer?
    }

    package var action: String
    package var changes: Changes?
    /// As it is called now.
    package var repository: Repository
    package var sender: Account?

    /// The name it had before, where it has another one now.
    package var formerName: RepositoryName? {
        guard let now = repository.repositoryName else { return nil }
        let owner = changes?.owner?.from
        let former = RepositoryName(
            org: (owner?.organization ?? owner?.user)?.login ?? now.org,
            repo: changes?.repository?.name?.from ?? now.repo)
        return former == now ? nil : former
    }
}
