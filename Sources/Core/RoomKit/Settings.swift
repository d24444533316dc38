import FoundationEssentials

/// Where things are and how much they may take: `slipway.yaml`, then the environment, then flags, in growing weight.
/// What CI does is not in here but in the configuration (`slipway config`).
package struct Settings: Sendable {
    package var databaseURL = Secret("postgres://slipway@127.0.0.1:5432/slipway")
    package var databaseConnections = 8
    package var amqpURL = Secret("amqp://guest:guest@127.0.0.1:5672/")
    package var dataFolder = ".slipway"
    package var artifactsFolder: String?
    package var gitFolder: String?
    package var host = "127.0.0.1"
    package var port = 8080
    package var publicURL: String?
    package var healthHost = "127.0.0.1"
    package var healthPort: Int?
    package var webhookSecrets: [Secret] = []
    package var forgeURL = "http://127.0.0.1:8081"
    package var forgeToken: Secret?
    package var forgeAppID: String?
    package var forgeAppKey: Secret?
    package var forgeBot = "slipway-bot"
    package var loginClientID: String?
    package var loginClientSecret: Secret?
    package var loginSessionSecret: Secret?
    package var pluginsFile: String?
    package var trustedUsers: [String] = []
    package var configFolder: String?
    package var prowConfig: String?
    package var supplementalProwConfig: [String] = []
    package var supplementalPlugins: [String] = []
    package var leasesConfig: String?
    package var boskosListen: String?
    package var boskosAnonymous = false
    package var mergeStatusContext = "tide"
    package var mergePushes = true
    package var mergeTrials = 8
    package var cluster = "default"
    package var agentName: String?
    package var agentCapacity = 2
    package var agentLostAfter = 15
    package var agentSecretsFolder: String?
    package var workspaceFolder: String?
    package var workspaceQuotaMB = 10_240
    package var logLimitMB = 50
    package var logLevel = "info"

    package init() {}

    /// The folder of artifacts: by default `artifacts` below the data folder.
    package var artifacts: String { artifactsFolder ?? dataFolder + "/artifacts" }

    /// The folder of the workers' copies of repositories; a cache.
    package var mirrors: String { gitFolder ?? dataFolder + "/git" }

    /// The folder in which agents lay out the work of their runs.
    package var workspaces: String { workspaceFolder ?? dataFolder + "/work" }

    /// How browsers reach the gateway, without a trailing slash.
    package var pageURL: String {
        let url = publicURL ?? "http://\(host):\(port)"
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }
}

/// A setting that could not be understood: which, where it came from, what to do.
package struct SettingsError: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// One setting as it is documented and read.
package struct SettingDefinition: Sendable {
    /// Dotted, as in `slipway.yaml`.
    package let key: String
    package let summary: String
    let environment: [String]
    /// What holds where nothing is set, for people; nil where that is nothing.
    package let defaultText: String?
    let apply: @Sendable (inout Settings, String) throws -> Void

    /// `SLIPWAY_` and the key in capitals, after the names that other tools use.
    package var variables: [String] {
        environment + ["SLIPWAY_" + key.replacing(".", with: "_").uppercased()]
    }

    init(
        _ key: String, environment: [String] = [], _ summary: String, default defaultText: String? = nil,
        apply: @escaping @Sendable (inout Settings, String) throws -> Void
    ) {
        self.key = key
        self.environment = environment
        self.summary = summary
        self.defaultText = defaultText
        self.apply = apply
    }

    static func text(
        _ key: String, _ path: any WritableKeyPath<Settings, String> & Sendable, _ summary: String
    ) -> SettingDefinition {
        SettingDefinition(key, summary, default: code(Settings()[keyPath: path])) { $0[keyPath: path] = $1 }
    }

    static func text(
        _ key: String, _ path: any WritableKeyPath<Settings, String?> & Sendable, _ summary: String,
        default defaultText: String? = nil
    ) -> SettingDefinition {
        SettingDefinition(key, summary, default: defaultText) { $0[keyPath: path] = $1.isEmpty ? nil : $1 }
    }

    static func number(
        _ key: String, _ path: any WritableKeyPath<Settings, Int> & Sendable, in range: ClosedRange<Int>,
        _ summary: String
    ) -> SettingDefinition {
        SettingDefinition(key, summary, default: code("\(Settings()[keyPath: path])")) {
            $0[keyPath: path] = try parse($1, key, range)
        }
    }

    static func secret(
        _ key: String, environment: [String] = [], _ path: any WritableKeyPath<Settings, Secret> & Sendable,
        _ summary: String
    ) -> SettingDefinition {
        // The one that everybody starts with is no secret.
        SettingDefinition(key, environment: environment, summary, default: code(Settings()[keyPath: path].reveal)) {
            $0[keyPath: path] = try Secret(reference: $1)
        }
    }

    static func secret(
        _ key: String, _ path: any WritableKeyPath<Settings, Secret?> & Sendable, _ summary: String,
        default defaultText: String? = nil
    ) -> SettingDefinition {
        SettingDefinition(key, summary, default: defaultText) {
            $0[keyPath: path] = $1.isEmpty ? nil : try Secret(reference: $1)
        }
    }

    private static func code(_ text: String) -> String { "`\(text)`" }

    static func parse(_ text: String, _ key: String, _ range: ClosedRange<Int>) throws -> Int {
        guard let number = Int(text), range.contains(number) else {
            throw SettingsError(
                "\(key) is '\(text)'; it takes a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Every setting, in the order of the reference page.
    package static let all: [SettingDefinition] = [
        .secret(
            "database.url", environment: ["DATABASE_URL"], \.databaseURL,
            "PostgreSQL: postgres://user:password@host:port/database. A secret: `file:/path` reads it from a file."),
        .number("database.connections", \.databaseConnections, in: 2...1000, "Connections a process keeps at most."),
        .secret(
            "amqp.url", environment: ["AMQP_URL"], \.amqpURL,
            "RabbitMQ: amqp://user:password@host:port/vhost, or amqps:// with ?cacertfile=. A secret."),
        .text(
            "data.folder", \.dataFolder,
            "State of `slipway up`: its PostgreSQL, RabbitMQ, forge, logs, artifacts, workspaces."),
        .text(
            "artifacts.folder", \.artifactsFolder,
            "Where artifacts are stored.", default: "`artifacts` below `data.folder`"),
        .text(
            "git.folder", \.gitFolder,
            "Where workers keep bare copies of repositories; a cache.", default: "`git` below `data.folder`"),
        .text("gateway.host", \.host, "Address the gateway listens on."),
        .number("gateway.port", \.port, in: 0...65535, "Port the gateway listens on."),
        .text(
            "gateway.public_url", \.publicURL,
            "How browsers and the forge reach the gateway; links in statuses begin with it.",
            default: "host and port of the gateway"),
        .text("health.host", \.healthHost, "Address of `/healthz`, `/readyz`, `/metrics` of workers and agents."),
        SettingDefinition(
            "health.port", "Port of the same; the gateway always serves them.", default: "not served"
        ) {
            $0.healthPort = try parse($1, "health.port", 0...65535)
        },
        SettingDefinition(
            "webhook.secrets", "Secrets valid for webhooks, separated by commas; several serve a rotation. Secrets."
        ) {
            $0.webhookSecrets = try list($1).map { try Secret(reference: $0) }
        },
        .text(
            "forge.url", \.forgeURL,
            "REST API of the forge: https://api.github.com, a GitHub Enterprise URL, or a local forge."),
        .secret("forge.token", \.forgeToken, "Token of the bot at the forge. A secret."),
        .text(
            "forge.app_id", \.forgeAppID,
            "Id of the GitHub App that Slipway is, instead of a token; install it in every organization that is served."
        ),
        .secret(
            "forge.app_key", \.forgeAppKey, "Private key of that App (PEM): best as `file:/path`. A secret."),
        .text("forge.bot", \.forgeBot, "Login of the bot; its own comments are ignored."),
        .text(
            "login.client_id", \.loginClientID,
            "Client id of the OAuth application or GitHub App by which people sign in; unset: they sign in with tokens. "
                + "Its callback is /login/forge/callback below gateway.public_url."),
        .secret("login.client_secret", \.loginClientSecret, "Client secret of the same. A secret."),
        .secret(
            "login.session_secret", \.loginSessionSecret,
            "Signs the sessions of people; the same in every gateway. A secret.",
            default: "made from `login.client_secret`"),
        .text(
            "plugins.file", \.pluginsFile,
            "Prow's plugins.yaml: the rules about pull requests, applied with config.folder, and the external_plugins, which "
                + "get the deliveries that concern them. Once it is unset again, 'slipway migrate' discards what waits for "
                + "them."),
        SettingDefinition(
            "plugins.supplemental",
            "Folders, separated by commas, whose files named *_pluginconfig.yaml bring the rest of that plugins.yaml: "
                + "plugins, external_plugins, triggers, approve, lgtm, restricted_labels."
        ) {
            $0.supplementalPlugins = list($1)
        },
        SettingDefinition(
            "trust.users", "Logins, separated by commas, whose pull requests are tested though they are no members."
        ) {
            $0.trustedUsers = list($1)
        },
        .text("config.folder", \.configFolder, "Folder of job YAML that is applied whenever it changes."),
        .text(
            "config.prow_config", \.prowConfig,
            "Prow's own config.yaml, applied with the folder: presets, decoration defaults, capacities, rerun rules."),
        SettingDefinition(
            "config.supplemental_prow_config",
            "Folders, separated by commas, whose files named *_prowconfig.yaml bring the rest of that config.yaml: "
                + "queries and merge_method of tide, orgs of branch-protection."
        ) {
            $0.supplementalProwConfig = list($1)
        },
        .text(
            "leases.config", \.leasesConfig,
            "Boskos's configuration file (`resources:`), applied whenever it changes."),
        .text(
            "leases.boskos_listen", \.boskosListen,
            "HOST:PORT on which the gateway serves Boskos's HTTP API; unset: not served."),
        SettingDefinition(
            "leases.boskos_anonymous",
            "true: that API takes calls without a token from anybody who reaches it. On a loopback address it always does."
        ) {
            guard let value = Bool($1) else {
                throw SettingsError("leases.boskos_anonymous is '\($1)'; it takes true or false")
            }
            $0.boskosAnonymous = value
        },
        .text(
            "merging.status_context", \.mergeStatusContext,
            "Context of the status that says whether a pull request merges."),
        SettingDefinition(
            "merging.push",
            "true: what passed is pushed as one where the forge takes pushes; false: each pull request is merged by the forge's API.",
            default: "`true`"
        ) {
            guard $1 == "true" || $1 == "false" else {
                throw SettingsError("merging.push is '\($1)'; it takes true or false")
            }
            $0.mergePushes = $1 == "true"
        },
        .number(
            "merging.trials", \.mergeTrials, in: 1...100,
            "Sets of pull requests that one branch tests at once at most; agents' capacity limits it further."),
        .text("agent.cluster", \.cluster, "Cluster whose runs an agent takes."),
        .text("agent.name", \.agentName, "Name of an agent; unique in the fleet.", default: "host and process id"),
        .number("agent.capacity", \.agentCapacity, in: 1...1000, "Runs an agent executes at once."),
        .number(
            "agent.lost_after", \.agentLostAfter, in: 5...3600,
            "Seconds without a heartbeat until a run is taken from its agent."),
        .text(
            "agent.secrets_folder", \.agentSecretsFolder, "Files whose contents are censored from logs and artifacts."),
        .text(
            "agent.workspace_folder", \.workspaceFolder,
            "Where runs are cloned and executed.", default: "`work` below `data.folder`"),
        .number("agent.workspace_quota_mb", \.workspaceQuotaMB, in: 1...10_000_000, "Disk a run may take, in MB."),
        .number(
            "agent.log_limit_mb", \.logLimitMB, in: 1...10_000,
            "Log a run may write, in MB; the middle of a longer one is left out."),
        .text("log.level", \.logLevel, "trace, debug, info, notice, warning, error or critical."),
    ]

    static func list(_ text: String) -> [String] {
        text.split(separator: ",").map { String($0.trimmingPrefix { $0 == " " }) }.filter { !$0.isEmpty }
    }
}
