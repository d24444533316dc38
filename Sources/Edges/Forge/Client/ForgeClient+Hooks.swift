package import SlipwayModel

/// Webhooks: what was delivered, and having it delivered again.
extension ForgeClient {
    package func hooks(_ repository: RepositoryName) async throws(ForgeError) -> [Hook] {
        try await list("\(repository.path)/hooks")
    }

    /// The attempts of a hook, newest first.
    package func deliveries(_ repository: RepositoryName, hook: Int64) async throws(ForgeError) -> [HookDelivery] {
        try await list("\(repository.path)/hooks/\(hook)/deliveries")
    }

    /// Has an attempt's event delivered once more, under the same GUID.
    package func redeliver(_ repository: RepositoryName, hook: Int64, delivery: Int64) async throws(ForgeError) {
        try await perform("POST", "\(repository.path)/hooks/\(hook)/deliveries/\(delivery)/attempts", idempotent: true)
    }
}
