import FoundationEssentials
import Glibc

/// Writes a private RabbitMQ's files and says how it is started.
struct RabbitMQSetup {
    let servicesFolder: String
    let record: ServiceRecord
    let durability: PrivateServices.Durability
    let onProgress: PrivateServices.ProgressHandler
    /// Nil for a broker of one node.
    var place: ClusterPlace?

    /// Which node of a cluster it is.
    struct ClusterPlace {
        var name: String
        /// All nodes, this one among them.
        var nodes: [String]
        /// Shared by all of them.
        var cookie: String
    }

    static let nodeName = "slipway@localhost"

    private var folder: String { servicesFolder + "/" + PrivateService.rabbitMQ.folderName }

    func prepare() throws(ServiceError) -> ServicePlan {
        let server = try Installation.rabbitMQServer()
        let portMapper = try Installation.portMapper()
        if access(folder + "/mnesia", F_OK) != 0 { onProgress(.creating(.rabbitMQ)) }
        try makeFolder(folder, mode: 0o700)
        try makeFolder(folder + "/home", mode: 0o700)
        try writeCookie()
        try writeFile(folder + "/rabbitmq.conf", Array(configuration.utf8), mode: 0o600)
        try writeFile(folder + "/definitions.json", Array(definitions.utf8), mode: 0o600)
        try writeFile(folder + "/enabled_plugins", Array("[].\n".utf8), mode: 0o600)
        try writeFile(folder + "/advanced.config", Array("[].\n".utf8), mode: 0o600)
        return ServicePlan(
            folder: folder, user: nil,
            // The port mapper would be started as a daemon by the broker; as our own child it ends with it.
            command: place != nil
                ? [server]
                : ["sh", "-c", #""$1" -address 127.0.0.1 -port "$2" & exec "$3""#, "rabbitmq", portMapper]
                    + ["\(record.portMapperPort)", server],
            environment: environment,
            stopSteps: durability == .full ? "TERM:30 KILL:10" : "KILL:10",
            port: record.brokerPort, probe: .rabbitMQ)
    }

    /// The definitions are read at every start, so what stands here is what holds. A queue's delivery limit drops
    /// messages when consumers keep dying with them; attempts are counted in PostgreSQL, and this is only a backstop
    /// far above anything that happens.
    private var definitions: String {
        """
        {
          "vhosts": [{"name": "/"}],
          "users": [{"name": "\(ServiceRecord.user)", "password": "\(record.brokerPassword)", "tags": "administrator"}],
          "permissions": [
            {"user": "\(ServiceRecord.user)", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
          ],
          "policies": [
            {"vhost": "/", "name": "slipway", "pattern": "^slipway\\\\.", "apply-to": "queues", "priority": 0,
             "definition": {"delivery-limit": 100000}}
          ]
        }

        """
    }

    private var configuration: String {
        """
        listeners.tcp.default = 127.0.0.1:\(record.brokerPort)
        load_definitions = \(folder)/definitions.json
        log.file.level = warning
        log.file.rotation.size = 2000000
        log.file.rotation.count = 2
        log.console = false
        vm_memory_high_watermark.absolute = 1GB
        disk_free_limit.absolute = 100MB
        raft.wal_max_size_bytes = 33554432

        """ + (place.map(formation) ?? "")
    }

    private func formation(_ place: ClusterPlace) -> String {
        let nodes = place.nodes.enumerated().map { number, name in
            "cluster_formation.classic_config.nodes.\(number + 1) = \(name)\n"
        }
        return """
            cluster_formation.peer_discovery_backend = rabbit_peer_discovery_classic_config
            cluster_partition_handling = pause_minority

            """ + nodes.joined()
    }

    private var environment: [String: String] {
        [
            "PATH": Installation.searchPath,
            "LANG": "C.UTF-8",
            "HOME": folder + "/home",
            "ERL_EPMD_PORT": "\(record.portMapperPort)",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_BYTES": "0",
            "RABBITMQ_NODENAME": place?.name ?? Self.nodeName,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": "\(record.brokerPort)",
            "RABBITMQ_DIST_PORT": "\(record.distributionPort)",
            "RABBITMQ_MNESIA_BASE": folder + "/mnesia",
            "RABBITMQ_LOG_BASE": folder + "/log",
            "RABBITMQ_PID_FILE": folder + "/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/enabled_plugins",
            "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
            "RABBITMQ_CONFIG_FILES": folder + "/conf.d/*.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": folder + "/advanced.config",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            // Without the first the distribution port listens on every interface. The last let Erlang's threads sleep
            // at once when there is nothing to do, instead of spinning a while on cores that others need.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            // Makes the script become the broker instead of waiting for it, so that the guardian signals the broker.
            "RUNNING_UNDER_SYSTEMD": "true",
        ]
    }

    /// Whoever knows the cookie may run code in the broker; Erlang's own choice is a weak one.
    private func writeCookie() throws(ServiceError) {
        let path = folder + "/home/.erlang.cookie"
        if access(path, F_OK) != 0 {
            try writeFile(path, Array((place?.cookie ?? ServiceRecord.secret()).utf8), mode: 0o400)
        }
    }
}
