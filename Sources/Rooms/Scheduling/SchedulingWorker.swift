import Fleet
import FoundationEssentials
import Postgres
import SlipwayModel

/// Messages in: changes of pull requests, pushes, commands, requests, aborts, other configurations.
///
/// `plan` asks the forge for what decisions need; they are taken in the transaction, with the configuration that it
/// sees, so that no run is ever made by a configuration that is not in force any more.
struct SchedulingWorker: Worker {
    let name = "scheduling"
    let topics = [
        PullChanged.type, RefPushed.type, CommandIssued.type, RunRequested.type, RunCancel.type,
        ConfigurationApplied.type, PullReconcile.type, LeaseGranted.type, LeaseLost.type,
        LeaseWaiting.type,
    ]

    let bus: FleetBus
    let configuration: ConfigurationCache
    let reader: ForgeReader
    let decider: Decider

    /// Questions to the forge at once, over all pull requests of a batch.
    private static let parallelQuestions = 8

    func plan(_ messages: [Message]) async throws -> CommitPlan {
        let catalog = try await configuration.current(bus.database)
        let items = try await items(of: messages, catalog)
        return { [decider] effects in try await decider.commit(items, effects) }
    }

    private func items(of messages: [Message], _ catalog: JobCatalog) async throws -> [WorkItem] {
        try await withThrowingTaskGroup(of: (Int, WorkItem).self) { group in
            var items = [WorkItem?](repeating: nil, count: messages.count)
            for (position, message) in messages.enumerated() {
                if position >= Self.parallelQuestions, let (done, item) = try await group.next() { items[done] = item }
                group.addTask { (position, try await item(of: message, catalog)) }
            }
            for try await (done, item) in group { items[done] = item }
            return items.compactMap(\.self)
        }
    }

    private func item(of message: Message, _ catalog: JobCatalog) async throws -> WorkItem {
        let content: WorkItem.Content
        switch message.envelope.type {
        case PullChanged.type:
            let event = try message.decode(PullChanged.self)
            content = .pull(event, try await reader.facts(for: event, catalog))
        case RefPushed.type:
            let push = try message.decode(RefPushed.self)
            content = .push(push, try await reader.own(push, catalog), before: try await reader.before(push, catalog))
        case CommandIssued.type:
            let issued = try message.decode(CommandIssued.self)
            content = .command(issued, try await reader.facts(for: issued, catalog))
        case RunRequested.type:
            let request = try message.decode(RunRequested.self)
            content = .request(request, try await reader.own(request, catalog))
        case ConfigurationApplied.type:
            content = .configuration(try message.decode(ConfigurationApplied.self))
        case PullReconcile.type:
            let reconcile = try message.decode(PullReconcile.self)
            content = .reconcile(
                reconcile, try await reader.facts(for: reconcile, catalog),
                before: try await reader.before(reconcile, catalog))
        case LeaseWaiting.type: content = .leaseWaiting(try message.decode(LeaseWaiting.self))
        case LeaseGranted.type: content = .leased(try message.decode(LeaseGranted.self))
        case LeaseLost.type:
            let lost = try message.decode(LeaseLost.self)
            content = .cancel(RunCancel(runID: lost.runID, by: "slipway", reason: lost.reason))
        default:
            content = .cancel(try message.decode(RunCancel.self))
        }
        return WorkItem(content: content, traceparent: message.envelope.traceparent)
    }
}

/// One message, with what the forge and the repository said about it.
struct WorkItem: Sendable {
    enum Content: Sendable {
        case pull(PullChanged, ForgeFacts?)
        case push(RefPushed, RepositoryJobs?, before: RepositoryJobs?)
        case command(CommandIssued, ForgeFacts?)
        case request(RunRequested, RepositoryJobs?)
        case cancel(RunCancel)
        case configuration(ConfigurationApplied)
        case reconcile(PullReconcile, ForgeFacts?, before: RepositoryJobs?)
        case leased(LeaseGranted)
        case leaseWaiting(LeaseWaiting)
    }

    var content: Content
    var traceparent: String?

    /// The pull request it is about; items of one are handled one after the other.
    var pull: PullKey? {
        switch content {
        case .pull(let event, _): PullKey(event.repository, event.number)
        case .command(let issued, _): PullKey(issued.repository, issued.number)
        case .request(let request, _):
            request.kind == .presubmit
                ? request.refs.flatMap { refs in refs.pulls?.first.map { PullKey(refs.repository, $0.number) } } : nil
        case .reconcile(let reconcile, _, _): PullKey(reconcile.repository, reconcile.number)
        case .push, .cancel, .configuration, .leased, .leaseWaiting: nil
        }
    }

    /// What it tells of its pull request.
    var state: PullState? {
        switch content {
        case .pull(let event, let facts): facts?.pull ?? PullState(event)
        case .command(_, let facts), .reconcile(_, let facts, _): facts?.pull
        case .push, .request, .cancel, .configuration, .leased, .leaseWaiting: nil
        }
    }
}

extension [WorkItem] {
    /// The items in as few rounds as possible, each with at most one item of a pull request, in their order.
    var rounds: [[WorkItem]] {
        var rounds: [[WorkItem]] = []
        var next: [PullKey: Int] = [:]
        for item in self {
            var round = 0
            if let pull = item.pull {
                round = next[pull, default: 0]
                next[pull] = round + 1
            }
            if round == rounds.count { rounds.append([]) }
            rounds[round].append(item)
        }
        return rounds
    }
}
