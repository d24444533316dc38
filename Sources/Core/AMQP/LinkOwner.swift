import Logging
import SocketLoop

/// What publisher and consumer share: an actor on a socket loop of its own that keeps one link open. The link is
/// opened on another thread, watched on the loop, and opened again after a pause when it was lost.
protocol LinkOwner: Actor {
    nonisolated var settings: LinkSettings { get }
    var keeper: LinkKeeper { get set }

    /// What a fresh link needs before it is used; runs where it may block.
    func preparation() -> @Sendable (Link) throws(BrokerError) -> Void
    func linkOpened()
    /// An answer ends the link.
    func received(_ event: LinkEvent) -> BrokerError?
    /// All that had arrived was received.
    func receivedAll()
    func socketBecameWritable()
    /// The link was lost; another attempt follows at once.
    func linkLost(_ error: BrokerError)
    /// An attempt failed; another follows after a pause, unless the error is permanent.
    func attemptFailed(_ error: BrokerError)
}

struct LinkSettings: Sendable {
    let address: BrokerAddress
    let name: String
    let logger: Logger
    let loop: SocketLoop

    init(address: BrokerAddress, name: String, logger: Logger) {
        var logger = logger
        logger[metadataKey: "connection"] = "\(name)"
        self.address = address
        self.name = name
        self.logger = logger
        loop = SocketLoop(name: "amqp \(name)")
    }
}

struct LinkKeeper {
    fileprivate(set) var link: Link?
    fileprivate(set) var isClosed = false
    /// Why the last attempt failed, while the next one is being waited for.
    fileprivate(set) var failure: BrokerError?
    fileprivate var registration: SocketLoop.Registration?
    fileprivate var heartbeat: SocketLoop.Deadline?
    fileprivate var attempt: Task<Void, Never>?
    fileprivate var openedAt: ContinuousClock.Instant?

    /// Whether to be told when the socket takes bytes.
    func setWriteInterest(_ isOn: Bool) { registration?.setWriteInterest(isOn) }

    fileprivate mutating func drop() {
        registration?.cancel()
        heartbeat?.cancel()
        (link, registration, heartbeat) = (nil, nil, nil)
    }
}

extension LinkOwner {
    /// Begins to connect unless there is a link, an attempt, or an end.
    func ensureLink() {
        guard keeper.link == nil, keeper.attempt == nil, !keeper.isClosed else { return }
        keeper.failure = nil
        keeper.attempt = Task { await self.establish() }
    }

    /// Sends over the link, then takes in what arrived meanwhile. Any error ends the link.
    func perform(_ body: (Link) throws(BrokerError) -> Void) throws(BrokerError) {
        guard let link = keeper.link else { return }
        do { try body(link) } catch {
            lose(error)
            throw error
        }
        drain()
    }

    /// Takes in what has arrived.
    func drain() {
        guard let link = keeper.link else { return }
        var (events, failure) = link.drain()
        for event in events {
            let end = received(event)
            failure = end ?? failure
        }
        if let failure { lose(failure) }
        receivedAll()
    }

    /// Drops the link for `error` and begins anew.
    func lose(_ error: BrokerError) {
        guard keeper.link != nil else { return }
        keeper.drop()
        settings.logger.warning("\(error); reconnecting")
        linkLost(error)
        ensureLink()
    }

    /// Ends the link for good.
    func closeLink() {
        keeper.isClosed = true
        keeper.attempt?.cancel()
        let link = keeper.link
        keeper.drop()
        link?.close()
    }

    private func establish() async {
        let lasted = keeper.openedAt.map { .now - $0 > .seconds(1) } ?? true
        var backoff = Backoff(startsAtOnce: lasted)
        var said: BrokerError?
        while true {
            try? await Task.sleep(for: backoff.next())
            guard !Task.isCancelled else { return }
            let (settings, prepare) = (settings, preparation())
            let result = await onBlockingThread("amqp connect") {
                Result { () throws(BrokerError) -> Link in
                    let link = try Link(address: settings.address, name: settings.name)
                    try prepare(link)
                    return link
                }
            }
            guard !Task.isCancelled else { return }
            switch result {
            case .success(let link):
                if said != nil || keeper.openedAt != nil { settings.logger.info("connected to RabbitMQ again") }
                adopt(link)
                return
            case .failure(let error):
                keeper.failure = error
                if error.isPermanent {
                    keeper.attempt = nil
                } else if said != error {
                    said = error
                    settings.logger.warning("\(error); trying again until it is there")
                }
                attemptFailed(error)
                if error.isPermanent { return }
            }
        }
    }

    private func adopt(_ link: Link) {
        keeper.link = link
        keeper.attempt = nil
        keeper.failure = nil
        keeper.openedAt = .now
        keeper.registration = settings.loop.register(
            fd: link.fileDescriptor,
            onReadable: { [weak self] in self?.assumeIsolated { $0.drain() } },
            onWritable: { [weak self] in self?.assumeIsolated { $0.socketBecameWritable() } })
        scheduleHeartbeat(link)
        linkOpened()
        // Frames may already be in rabbitmq-c's buffers, where poll does not see them.
        drain()
    }

    /// Draining sends a heartbeat when one is due, and fails when the broker's are overdue.
    private func scheduleHeartbeat(_ link: Link) {
        guard link.heartbeat > 0 else { return }
        keeper.heartbeat = settings.loop.schedule(after: .milliseconds(500 * link.heartbeat)) { [weak self] in
            self?.assumeIsolated { owner in
                owner.drain()
                if let link = owner.keeper.link { owner.scheduleHeartbeat(link) }
            }
        }
    }
}
