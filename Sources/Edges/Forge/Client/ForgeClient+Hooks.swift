package import FoundationEssentials
package import SlipwayModel

/// Webhooks: what was delivered, and having it delivered again.
extension ForgeClient {
    /// Whose deliveries are meant.
    package enum HookOwner: Hashable, Sendable {
        /// The App's own hook, over all of its installations.
        case app
        case organization(String, hook: Int64)
        case repository(RepositoryName, hook: Int64)

        fileprivate var path: String {
            switch self {
            case .app: "/app/hook/deliveries"
            case .organization(let org, let hook): "/orgs/\(segment(org))/hooks/\(hook)/deliveries"
            case .repository(let name, let hook): "\(name.path)/hooks/\(hook)/deliveries"
            }
        }
    }

    /// The attempts of a hook since an instant, newest first, if there are others than at the last reading.
    ///
    /// - Parameter etag: What the last reading gave.
    /// - Returns: nil where nothing was delivered since the last reading.
    package func deliveries(
        of owner: HookOwner, since start: Date, unless etag: String? = nil
    ) async throws(ForgeError) -> (deliveries: [HookDelivery], etag: String?)? {
        let found = try await listIfChanged(owner.path, since: etag, of: HookDelivery.self) { page in
            page.last?.deliveredAt.map { $0.date < start } ?? false
        }
        guard let found else { return nil }
        return (found.elements.filter { ($0.deliveredAt?.date ?? start) >= start }, found.etag)
    }

    /// Has an attempt's event delivered once more, under the same GUID.
    package func redeliver(_ delivery: Int64, of owner: HookOwner) async throws(ForgeError) {
        try await perform("POST", "\(owner.path)/\(delivery)/attempts", idempotent: true)
    }

    package func hooks(_ repository: RepositoryName) async throws(ForgeError) -> [Hook] {
        try await list("\(repository.path)/hooks")
    }

    /// Hooks of an organisation, which hear of all its repositories.
    package func hooks(of org: String) async throws(ForgeError) -> [Hook] {
        try await list("/orgs/\(segment(org))/hooks")
    }

    /// The attempts of a hook, newest first.
    package func deliveries(_ repository: RepositoryName, hook: Int64) async throws(ForgeError) -> [HookDelivery] {
        try await list("\(repository.path)/hooks/\(hook)/deliveries")
    }

    /// Has an attempt's event delivered once more, under the same GUID.
    package func redeliver(_ repository: RepositoryName, hook: Int64, delivery: Int64) async throws(ForgeError) {
        try await redeliver(delivery, of: .repository(repository, hook: hook))
    }
}
