import SlipwayModel

/// Which jobs an entry of `config.yaml` holds for.
package struct JobScope: Sendable, Hashable, Codable {
    /// `*`, an organisation or `org/repo`; nil: every repository.
    var repository: String?
    /// `*` or a cluster; nil: every cluster.
    var cluster: String?

    func matches(_ repository: RepositoryName?, cluster: String) -> Bool {
        if let own = self.cluster, own != "*", own != cluster { return false }
        guard let own = self.repository, own != "*" else { return true }
        return own == repository?.org || own == repository?.description
    }

    /// Entries by repository as a list that goes from the general to the particular, as Prow orders the older form.
    static func ordered<Value>(_ entries: [(repository: String, value: Value)]) -> [(scope: JobScope, value: Value)] {
        let rank = { (key: String) in key.isEmpty ? 0 : key == "*" ? 1 : key.contains("/") ? 3 : 2 }
        return entries.sorted { rank($0.repository) < rank($1.repository) }.map {
            (JobScope(repository: $0.repository.isEmpty ? nil : $0.repository), $0.value)
        }
    }
}
