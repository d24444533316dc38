import Fleet
import FoundationEssentials
import JobConfig
import Postgres
import SlipwayModel

/// Notes for each delivery which external plugins get it; sending is `PluginSender`'s.
struct PluginWorker: Worker {
    let name = "external-plugins"
    let topics = [DeliveryReceived.type]
    let table: PluginTable
    let wake: WakeUp

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        let plugins: [ExternalPlugin]
        do {
            plugins = try table.plugins()
        } catch {
            throw RetryLater("\(error)", after: .seconds(30))
        }
        var forwards: [(delivery: String, plugin: ExternalPlugin)] = []
        for message in messages {
            let delivery = try message.decode(DeliveryReceived.self)
            guard let repository = delivery.repository else { continue }
            for plugin in plugins where plugin.wants(delivery.event, of: repository) {
                forwards.append((delivery.deliveryID, plugin))
            }
        }
        return { [forwards, wake] effects in
            guard !forwards.isEmpty else { return }
            try await effects.database.execute(
                PluginStore.insert, forwards.map(\.delivery), forwards.map(\.plugin.endpoint),
                forwards.map(\.plugin.name))
            effects.afterCommit { wake.signal() }
        }
    }
}
