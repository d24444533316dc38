import FoundationEssentials
import Glibc

/// A private PostgreSQL or RabbitMQ.
package enum PrivateService: String, Sendable, CaseIterable, CustomStringConvertible {
    case postgreSQL
    case rabbitMQ

    package var description: String {
        switch self {
        case .postgreSQL: "PostgreSQL"
        case .rabbitMQ: "RabbitMQ"
        }
    }

    /// Its folder below the services' folder.
    var folderName: String {
        switch self {
        case .postgreSQL: "postgres"
        case .rabbitMQ: "rabbitmq"
        }
    }
}

/// Where the two services listen: URLs with the generated passwords, on the loopback interface.
package struct ServiceEndpoints: Sendable, Equatable {
    package let databaseURL: String
    package let amqpURL: String
}

/// What `PrivateServices.start` tells while it works.
package enum ServiceProgress: Sendable {
    /// A new, empty service is being created in its folder.
    case creating(PrivateService)
    /// The service answers; it took this long.
    case ready(PrivateService, after: Duration)
    /// PostgreSQL's own user cannot enter the services' folder, so the data went there instead (a link tells where).
    case relocated(PrivateService, to: String)
}

/// A private PostgreSQL and a private RabbitMQ in a folder of their own, on their own ports of the loopback interface,
/// beside whatever the system runs.
///
/// Each is the child of a guardian (`Scripts/guardian.sh`) that stops it when the pipe to its owner closes. So both
/// end with the process that started them, also when that process is killed; and until the guardians have finished,
/// nobody else can start services in the same folder. A later start in the folder finds the data of the former one.
package actor PrivateServices {
    /// What a crash of the machine may cost.
    package enum Durability: Sendable {
        /// Nothing that was committed or confirmed.
        case full
        /// Everything: for tests, on files that are thrown away.
        case relaxed
    }

    /// Whether the folder outlives the services.
    package enum Retention: Sendable {
        case keep
        /// The folder is temporary: the guardians remove it, also when the owner was killed.
        case remove
    }

    package typealias ProgressHandler = @Sendable (ServiceProgress) -> Void

    private let folder: String
    private let durability: Durability
    private let retention: Retention
    private let onProgress: ProgressHandler

    private var ownership: FolderLock?
    private var record: ServiceRecord?
    private var recordIsNew = false
    private var guardians: [PrivateService: Guardian] = [:]
    private var answering: Set<PrivateService> = []
    private let endings: AsyncStream<PrivateService>.Continuation

    /// Services that ended although nobody stopped them; `start(_:)` starts one again.
    package nonisolated let unexpectedEndings: AsyncStream<PrivateService>

    /// - Parameter folder: created when missing. An absolute path of letters, digits and `. _ - + @ = /`, because
    ///   RabbitMQ's scripts take others apart.
    package init(
        folder: String, durability: Durability = .full, retention: Retention = .keep,
        onProgress: @escaping ProgressHandler = { _ in }
    ) {
        self.folder = folder
        self.durability = durability
        self.retention = retention
        self.onProgress = onProgress
        (unexpectedEndings, endings) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(16))
    }

    /// The endpoints of the services that some living process runs in the folder, or nil when none does.
    package static func running(in folder: String) -> ServiceEndpoints? {
        guard FolderLock.isHeld(in: folder) else { return nil }
        return (try? ServiceRecord.read(from: folder))?.endpoints
    }

    /// Starts both services at the same time and returns when both answer.
    ///
    /// Waits for the guardians of a former owner to finish first. On failure neither is left running.
    @discardableResult
    package func start() async throws(ServiceError) -> ServiceEndpoints {
        for _ in 0..<3 {
            do throws(ServiceError) {
                return try await startBoth()
            } catch {
                // Somebody took a port between its choice and its use; the next start chooses another.
                guard error.isPortTaken else { throw error }
            }
        }
        return try await startBoth()
    }

    private func startBoth() async throws(ServiceError) -> ServiceEndpoints {
        let record = try openFolder()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for service in PrivateService.allCases { group.addTask { try await self.start(service) } }
                try await group.waitForAll()
            }
        } catch {
            await stop()
            throw error as? ServiceError ?? .cancelled
        }
        return record.endpoints
    }

    /// Starts one service: after `stop(_:)`, or after it ended by itself. Does nothing when it runs.
    @discardableResult
    package func start(_ service: PrivateService) async throws(ServiceError) -> ServiceEndpoints {
        let record = try openFolder()
        guard guardians[service] == nil else { return record.endpoints }
        let began = ContinuousClock.now
        let plan = try await plan(service, record)
        let guardian = Guardian(plan: plan, remove: retention == .remove)
        guardians[service] = guardian
        await guardian.start { [weak self] in await self?.guardianEnded(guardian, of: service) }
        while true {
            if await guardian.hasStarted, await plan.probe.isAnswered(port: plan.port) { break }
            switch await guardian.exit {
            case nil: break
            case .ended: throw .failed(service, detail: plan.lastOutput())
            case .folderBusy: throw .busy(folder: plan.folder)
            case .notStarted(let reason): throw .failed(service, detail: reason)
            }
            if Task.isCancelled || began.duration(to: .now) > Self.patience {
                guardians[service] = nil
                await guardian.stop(pause: true)
                if Task.isCancelled { throw .cancelled }
                throw .failed(service, detail: "it did not answer for \(Self.patience); " + plan.lastOutput())
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        answering.insert(service)
        onProgress(.ready(service, after: began.duration(to: .now)))
        return record.endpoints
    }

    /// Whether the service has answered since it was started last.
    package func isAnswering(_ service: PrivateService) -> Bool { answering.contains(service) }

    /// Stops one service and keeps its data and the other service, as an outage would. It starts again at the same URL.
    package func stop(_ service: PrivateService) async {
        answering.remove(service)
        await guardians.removeValue(forKey: service)?.stop(pause: true)
    }

    /// Stops both at the same time; returns when no process of theirs is left. Does nothing when they do not run.
    package func stop() async {
        let stopping = guardians
        guardians = [:]
        answering = []
        await withTaskGroup(of: Void.self) { group in
            for guardian in stopping.values { group.addTask { await guardian.stop() } }
        }
        ownership = nil
        record = nil
    }

    /// Removes the folder of stopped services, wherever their data are.
    package static func remove(folder: String) async throws(ServiceError) {
        guard access(folder, F_OK) == 0 else { return }
        let lock = try FolderLock(folder: folder)
        var places = [folder]
        let link = folder + "/" + PrivateService.postgreSQL.folderName
        if let place = try? FileManager.default.destinationOfSymbolicLink(atPath: link) { places.append(place) }
        if let reason = await failure(of: ["rm", "-rf"] + places) { throw .unusableFolder(folder, reason: reason) }
        withExtendedLifetime(lock) {}
    }

    private static let patience = Duration.seconds(120)

    private func plan(_ service: PrivateService, _ record: ServiceRecord) async throws(ServiceError) -> ServicePlan {
        switch service {
        case .postgreSQL:
            var setup = PostgreSQLSetup(
                servicesFolder: folder, record: record, recordIsNew: recordIsNew, durability: durability,
                onProgress: onProgress)
            let plan = try await setup.prepare()
            recordIsNew = false
            return plan
        case .rabbitMQ:
            return try RabbitMQSetup(
                servicesFolder: folder, record: record, durability: durability, onProgress: onProgress
            )
            .prepare()
        }
    }

    /// Takes the folder for this process and settles its ports and passwords, once.
    private func openFolder() throws(ServiceError) -> ServiceRecord {
        if let record { return record }
        guard folder.hasPrefix("/"), folder.utf8.allSatisfy(Self.isPlain) else {
            throw .unusableFolder(
                folder, reason: "its path must be absolute and made of letters, digits and . _ - + @ = alone")
        }
        try makeFolder(folder, mode: 0o711)
        let ownership = try FolderLock(folder: folder)
        recordIsNew = !ServiceRecord.exists(in: folder)
        var record = recordIsNew ? ServiceRecord() : try ServiceRecord.read(from: folder)
        try record.choosePorts(keeping: PrivateService.allCases.filter(isGuarded))
        try record.write(to: folder)
        self.ownership = ownership
        self.record = record
        return record
    }

    /// Whether the guardian of a former owner still stops a service. The next one starts nothing before it has finished,
    /// so the ports are free by then, and whoever was told of them finds the service there again.
    private func isGuarded(_ service: PrivateService) -> Bool {
        let descriptor = open("\(folder)/\(service.folderName)/guardian.lock", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_EX | LOCK_NB) != 0
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "._-+@=/".utf8.contains(byte)
        }
    }

    private func guardianEnded(_ guardian: Guardian, of service: PrivateService) {
        guard guardians[service] === guardian else { return }
        guardians[service] = nil
        if answering.remove(service) != nil { endings.yield(service) }
    }
}
