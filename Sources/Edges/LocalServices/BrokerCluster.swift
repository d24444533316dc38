import FoundationEssentials
import Glibc

/// A RabbitMQ of several nodes on this machine, to see what the loss of one means. Each has a guardian, as a private
/// service has; they find each other through a port mapper of their own.
package actor BrokerCluster {
    private struct Node {
        var setup: RabbitMQSetup
        var folder: String
        var port: UInt16
        var guardian: Guardian?
    }

    private let folder: String
    private let password: String
    private let mapper: ServicePlan
    private var mapperGuardian: Guardian?
    private var nodes: [Node] = []

    /// - Parameters:
    ///   - folder: created when missing, removed by `stop()`. An absolute path that RabbitMQ's scripts can take.
    ///   - size: nodes; queues keep working while more than half of them run.
    package init(folder: String, size: Int = 3) throws(ServiceError) {
        self.folder = folder
        var ports = FreePorts()
        var common = ServiceRecord()
        common.portMapperPort = try ports.choose()
        password = common.brokerPassword
        mapper = ServicePlan(
            folder: folder + "/mapper", user: nil,
            command: [try Installation.portMapper(), "-address", "127.0.0.1", "-port", "\(common.portMapperPort)"],
            environment: ["PATH": Installation.searchPath], stopSteps: "KILL:5", port: common.portMapperPort,
            probe: .rabbitMQ)
        let names = (1...size).map { "slipway\($0)@localhost" }
        let cookie = ServiceRecord.secret()
        for (number, name) in names.enumerated() {
            var record = common
            record.brokerPort = try ports.choose()
            record.distributionPort = try ports.choose()
            let own = "\(folder)/node\(number + 1)"
            nodes.append(
                Node(
                    setup: RabbitMQSetup(
                        servicesFolder: own, record: record, durability: .full, onProgress: { _ in },
                        place: .init(name: name, nodes: names, cookie: cookie)),
                    folder: own + "/" + PrivateService.rabbitMQ.folderName, port: record.brokerPort))
        }
    }

    /// Where the nodes listen.
    package var ports: [Int] { nodes.map { Int($0.port) } }

    /// The URL of whatever stands on a port before the nodes.
    package nonisolated func url(port: Int) -> String {
        "amqp://\(ServiceRecord.user):\(password)@127.0.0.1:\(port)/"
    }

    /// Starts the first node, which makes the cluster, then the others, which join it.
    package func start() async throws(ServiceError) {
        try makeFolder(mapper.folder, mode: 0o700)
        let guardian = Guardian(plan: mapper, remove: false)
        mapperGuardian = guardian
        await guardian.start {}
        for index in nodes.indices { try await start(index) }
    }

    /// Starts a node, also again after it ended, and returns when it answers.
    package func start(_ index: Int) async throws(ServiceError) {
        let plan = try nodes[index].setup.prepare()
        let guardian = Guardian(plan: plan, remove: false)
        nodes[index].guardian = guardian
        await guardian.start {}
        let began = ContinuousClock.now
        while true {
            if await guardian.hasStarted, await plan.probe.isAnswered(port: plan.port) { return }
            guard await guardian.exit == nil, began.duration(to: .now) < .seconds(120), !Task.isCancelled else {
                throw .failed(.rabbitMQ, detail: plan.lastOutput())
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Ends a node as a crash of its machine would, and returns when it has ended.
    package func kill(_ index: Int) async {
        let text = FileManager.default.contents(atPath: nodes[index].folder + "/pid") ?? Data()
        if let pid = Int32(String(decoding: text, as: UTF8.self).filter(\.isNumber)) { Glibc.kill(pid, SIGKILL) }
        await nodes[index].guardian?.stop()
        nodes[index].guardian = nil
    }

    /// Ends everything and removes the folder.
    package func stop() async {
        await withTaskGroup(of: Void.self) { group in
            for guardian in nodes.compactMap(\.guardian) + [mapperGuardian].compactMap(\.self) {
                group.addTask { await guardian.stop() }
            }
        }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
