import Forge
import FoundationEssentials
import Git
import SlipwayModel

/// What every repository of the forge shares.
struct ForgeSite: Sendable {
    let accounts: Accounts
    let hook: Hook?
    /// Known once the server listens.
    let webURL: @Sendable () -> String

    struct Hook: Sendable {
        let url: String
        let secret: String
        /// The forge knows one hook; every repository has it.
        static let id: Int64 = 1
    }
}

/// One repository: its git objects, its state, its deliveries. Changes happen one at a time, and are on disk before
/// anybody hears of them.
actor RepositoryHost {
    nonisolated let name: RepositoryName
    nonisolated let git: GitRepository
    nonisolated let site: ForgeSite
    /// Told whenever a delivery waits to be sent.
    nonisolated let wakes: AsyncStream<Void>
    private nonisolated let wake: AsyncStream<Void>.Continuation
    private var file: RepositoryFile

    private(set) var state: RepositoryState
    /// Pushes that run, or ran and are not taken in yet.
    var pushesUnderWay = 0
    /// A push ended without having been taken in.
    private(set) var pushesWereLeft = false
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Parameter folder: Where the repository's organisation lies; the repository is `<repo>.git` in it.
    init(state: RepositoryState, folder: String, site: ForgeSite) {
        self.init(state: state, file: RepositoryFile(state.name.repo, in: folder), folder: folder, site: site)
    }

    private init(state: RepositoryState, file: RepositoryFile, folder: String, site: ForgeSite) {
        self.state = state
        self.file = file
        self.site = site
        name = state.name
        git = GitRepository(folder: "\(folder)/\(state.name.repo).git")
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        wake.yield()
    }

    /// Reads a repository that an earlier process made; nil where the folder holds none of that name.
    static func read(_ repo: String, in folder: String, site: ForgeSite) throws -> RepositoryHost? {
        var file = RepositoryFile(repo, in: folder)
        guard let state = try file.read() else { return nil }
        return RepositoryHost(state: state, file: file, folder: folder, site: site)
    }

    /// Makes the bare repository and the first state file.
    func create() async throws {
        try FileManager.default.createDirectory(atPath: deliveryFolder, withIntermediateDirectories: true)
        try await git.create(
            defaultBranch: state.defaultBranch,
            settings: [
                // Pull refs are the forge's; any commit may be fetched by its name, as at GitHub.
                ("receive.hideRefs", "refs/pull"), ("uploadpack.allowAnySHA1InWant", "true"),
                ("uploadpack.allowFilter", "true"), ("gc.auto", "0"), ("receive.autogc", "false"),
                ("core.logAllRefUpdates", "false"),
            ])
        try PushRecord.install(in: git.folder)
        try file.write(state)
    }

    var presenter: Presenter {
        Presenter(webURL: site.webURL(), accounts: site.accounts.snapshot, state: state)
    }

    // MARK: One change at a time

    /// Waits for its turn; the actor alone does not suffice, since a change awaits git in its middle.
    func exclusively<Result>(_ body: (isolated RepositoryHost) async throws -> Result) async rethrows -> Result {
        if isBusy {
            await withCheckedContinuation { waiting.append($0) }
        } else {
            isBusy = true
        }
        defer {
            if waiting.isEmpty {
                isBusy = false
            } else {
                waiting.removeFirst().resume()
            }
        }
        return try await body(self)
    }

    /// An event that a change causes; its payload is made from the state after the change.
    struct Cause {
        var event: String
        var action: String?
        var payload: (Presenter) throws -> [UInt8]

        init(_ event: String, _ action: String?, _ make: @escaping (Presenter) -> some Encodable) {
            self.event = event
            self.action = action
            payload = { Array(try JSONEncoder.forge.encode(make($0))) }
        }
    }

    /// Makes a change durable together with the deliveries it causes, then shows it and has them sent.
    ///
    /// - Parameter isFlushed: Whether it has to outlive the machine, too, and not only the process.
    func commit(_ changed: RepositoryState, _ causes: [Cause] = [], isFlushed: Bool = true) throws {
        var changed = changed
        if site.hook != nil {
            for cause in causes {
                let presenter = Presenter(
                    webURL: site.webURL(), accounts: site.accounts.snapshot, state: changed)
                let delivery = RepositoryState.Delivery(
                    id: changed.takeID(), guid: UUID().lowercased, event: cause.event, action: cause.action,
                    isRedelivery: false, createdAt: .now())
                try AtomicFile.write(try cause.payload(presenter), to: payloadPath(delivery.guid))
                changed.deliveries.append(delivery)
            }
            forget(&changed)
        }
        try file.append(state, changed, isFlushed: isFlushed)
        state = changed
        if !causes.isEmpty { wake.yield() }
    }

    /// Has pushes taken in by whoever delivers, because nobody else is left to do it.
    func leavePushes() {
        pushesWereLeft = true
        wake.yield()
    }

    func pushesWereTaken() { pushesWereLeft = false }

    // MARK: Deliveries

    private nonisolated var deliveryFolder: String { "\(git.folder)/deliveries" }
    private nonisolated func payloadPath(_ guid: String) -> String { "\(deliveryFolder)/\(guid).json" }

    /// Drops the oldest deliveries that were made, beyond those that are listed.
    private func forget(_ state: inout RepositoryState) {
        let excess = state.deliveries.count - RepositoryState.deliveriesKept
        guard excess > 0 else { return }
        let dropped = state.deliveries.prefix(excess).prefix { $0.outcome != nil }
        state.deliveries.removeFirst(dropped.count)
        let kept = Set(state.deliveries.map(\.guid))
        for delivery in dropped where !kept.contains(delivery.guid) {
            try? FileManager.default.removeItem(atPath: payloadPath(delivery.guid))
        }
    }

    /// The oldest delivery that was not attempted yet, with its payload.
    func nextDelivery() throws -> (RepositoryState.Delivery, [UInt8])? {
        guard let delivery = state.deliveries.first(where: { $0.outcome == nil }) else { return nil }
        return (delivery, try payload(delivery))
    }

    func payload(_ delivery: RepositoryState.Delivery) throws -> [UInt8] {
        guard let bytes = try AtomicFile.read(payloadPath(delivery.guid)) else {
            throw ForgeRefusal.failed("the payload of delivery \(delivery.guid) is gone from \(deliveryFolder)")
        }
        return bytes
    }

    func record(_ outcome: RepositoryState.Delivery.Outcome, of id: Int64) async throws {
        try await exclusively { host in
            var changed = host.state
            guard let index = changed.deliveries.firstIndex(where: { $0.id == id }) else { return }
            changed.deliveries[index].outcome = outcome
            // A machine that forgets it has the delivery made once more, as any sender of deliveries may.
            try host.commit(changed, isFlushed: false)
        }
    }

    /// Has a delivery made once more, under the same GUID.
    func redeliver(_ id: Int64) async throws {
        try await exclusively { host in
            var changed = host.state
            guard let delivery = changed.deliveries.first(where: { $0.id == id }) else { throw ForgeRefusal.notFound }
            _ = try host.payload(delivery)
            changed.deliveries.append(
                RepositoryState.Delivery(
                    id: changed.takeID(), guid: delivery.guid, event: delivery.event, action: delivery.action,
                    isRedelivery: true, createdAt: .now()))
            try host.commit(changed)
            host.wake.yield()
        }
    }

    /// Sends a `ping`.
    func ping(by login: String) async throws {
        try await exclusively { host in
            try host.commit(
                host.state,
                [
                    Cause("ping", nil) {
                        PingEvent(
                            zen: "Keep it logically awesome.", hookID: ForgeSite.Hook.id, repository: $0.repository(),
                            sender: $0.account(login))
                    }
                ])
        }
    }
}
