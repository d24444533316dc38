import ArgumentParser
import Forge
import FoundationEssentials
import RoomKit
import SlipwayModel

struct ForgeDeliveriesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "deliveries", abstract: "List what a repository's hook was sent, newest first.")

    @Argument(help: "ORG/REPO.") var repository: RepositoryArgument
    @OptionGroup var forge: ForgeOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let deliveries = try await forge.looking(for: "\(repository.name)", in: repository.name) { client in
            var deliveries: [HookDelivery] = []
            for hook in try await client.hooks(repository.name) {
                deliveries += try await client.deliveries(repository.name, hook: hook.id)
            }
            return deliveries
        }
        try output.print(
            deliveries,
            columns: [
                ("ID", { "\($0.id)" }), ("EVENT", { [$0.event, $0.action].compactMap(\.self).joined(separator: ".") }),
                ("SENT", { $0.deliveredAt?.description ?? "waiting" }), ("ANSWER", { "\($0.statusCode)" }),
                ("AGAIN", { $0.isRedelivery ? "yes" : "" }), ("GUID", { $0.guid }),
            ],
            empty: "Nothing was sent: the repository has no hook, or nothing happened in it.")
    }
}

struct ForgeRedeliverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redeliver", abstract: "Have a delivery sent once more, under the same GUID.")

    @Argument(help: "ORG/REPO.") var repository: RepositoryArgument
    @Argument(help: "The id that 'deliveries' prints.") var delivery: Int64
    @OptionGroup var forge: ForgeOptions

    func run() async throws {
        try await forge.looking(for: "delivery \(delivery) of \(repository.name)", in: repository.name) { client in
            guard let hook = try await client.hooks(repository.name).first else {
                throw ValidationError("\(repository.name) has no hook")
            }
            try await client.redeliver(repository.name, hook: hook.id, delivery: delivery)
        }
        print("delivery \(delivery) of \(repository.name) is sent once more")
    }
}
