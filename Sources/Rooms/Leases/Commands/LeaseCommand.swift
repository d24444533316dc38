package import ArgumentParser
import FoundationEssentials
import JobConfig
package import RoomKit
import SlipwayModel

/// `slipway lease`: takes, keeps and gives back what there is only so much of, over the gateway's HTTP interface.
package struct LeaseCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "lease", abstract: "Lease test machines, accounts and whatever else there is only so much of.",
        discussion: """
            The calls go to the gateway of the settings (gateway.public_url) or of --gateway, and show the token in \
            SLIPWAY_TOKEN; what is taken belongs to the token's owner. 'config' works on the database itself.
            """,
        subcommands: [
            Acquire.self, Renew.self, Release.self, List.self, Pools.self, Watch.self, LeaseExecCommand.self,
            Config.self,
        ])

    package init() {}

    /// Who is asked.
    package struct Connection: ParsableArguments {
        @Option(help: "Address of the gateway; that of the settings by default.")
        package var gateway: String?
        @OptionGroup package var options: CommandOptions

        package init() {}

        func client() throws -> LeaseClient { try LeaseClient(gateway: gateway, options: options) }
    }

    /// What is asked for.
    package struct Wish: ParsableArguments {
        @Option(
            name: .customLong("type"),
            help: "A type of resource; 'a,b' for either of two. Several times: all of them, or nothing.")
        package var types: [String]
        @Option(help: "How many of each.") package var count = 1
        @Option(help: "The state that they shall be in.") package var state = "free"
        @Option(help: "Higher goes first; each step is worth a minute of waiting.") package var priority = 0
        @Option(help: "Seconds that the lease lasts without renewal.") package var lasts = 120.0
        @Option(help: "Seconds to wait for it.") package var wait = 3600
        @Option(help: "Why, for those who look at the pool.") package var reason: String?

        package init() {}

        func ask(_ id: UUID, wait: Int) -> LeaseClient.Ask {
            LeaseClient.Ask(
                id: id.lowercased,
                items: types.map {
                    LeaseClient.Ask.Item(
                        types: $0.split(separator: ",").map(String.init), count: count, state: state)
                }, priority: priority, lasts: lasts, wait: wait, reason: reason)
        }
    }

    package struct Acquire: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Take resources, waiting for them, and print the lease as JSON.")

        @OptionGroup package var connection: Connection
        @OptionGroup package var wish: Wish

        package init() {}

        package func run() async throws {
            let client = try connection.client()
            let lease = try await client.obtain(.version7(), wish)
            try OutputOptions().printJSON(lease)
        }
    }

    package struct Renew: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "Let a lease last from now on.")

        @OptionGroup package var connection: Connection
        @Argument(help: "The lease's id.") package var id: String
        @Option(help: "The token that came with it.") package var token: Int64
        @Option(help: "Seconds; as many as before where omitted.") package var lasts: Double?

        package init() {}

        package func run() async throws {
            try OutputOptions().printJSON(try await connection.client().renew(id, token: token, lasts: lasts))
        }
    }

    package struct Release: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "Give a lease back, or a place in line up.")

        @OptionGroup package var connection: Connection
        @Argument(help: "The lease's id.") package var id: String
        @Option(help: "The token that came with it; not needed for a place.") package var token: Int64?
        @Option(help: "The state that the resources get.") package var dest = "free"

        package init() {}

        package func run() async throws {
            _ = try await connection.client().release(id, token: token, dest: dest)
            print("Lease \(id) is given back.")
        }
    }

    package struct List: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "List what is held.")

        @OptionGroup package var connection: Connection
        @OptionGroup package var output: OutputOptions
        @Option(help: "Only of this type.") package var type: String?
        @Option(help: "Only of this owner.") package var owner: String?

        package init() {}

        package func run() async throws {
            try output.print(
                try await connection.client().list(type: type, owner: owner),
                columns: [
                    ("RESOURCE", { $0.name }), ("TYPE", { $0.type }), ("STATE", { $0.state }), ("OWNER", { $0.owner }),
                    ("TOKEN", { String($0.token) }), ("SINCE", { $0.grantedAt.formatted(.iso8601) }),
                    ("UNTIL", { $0.expiresAt.formatted(.iso8601) }), ("LEASE", { $0.lease ?? "" }),
                ], empty: "Nothing is held.")
        }
    }

    package struct Pools: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(abstract: "How the pools stand.")

        @OptionGroup package var connection: Connection
        @OptionGroup package var output: OutputOptions

        package init() {}

        package func run() async throws {
            try output.print(
                try await connection.client().pools(),
                columns: [
                    ("TYPE", { $0.type }), ("FREE", { String($0.free) }), ("LEASED", { String($0.leased) }),
                    ("DIRTY", { String($0.dirty) }), ("ALL", { String($0.total) }),
                    ("WAITING", { String($0.waiting) }),
                ], empty: "No pools: slipway lease config apply FILE")
        }
    }

    package struct Watch: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Follow a lease that waits, until it is granted.")

        @OptionGroup package var connection: Connection
        @Argument(help: "The lease's id.") package var id: String

        package init() {}

        package func run() async throws {
            guard let uuid = UUID(uuidString: id) else { throw ValidationError("'\(id)' is no lease's id") }
            let client = try connection.client()
            var shown = ""
            while true {
                let lease = try await client.follow(uuid, wait: shown.isEmpty ? 0 : 5)
                let line = lease.line
                if line != shown { print(line) }
                shown = line
                if lease.state == .granted { return }
            }
        }
    }

    package struct Config: AsyncParsableCommand {
        package static let configuration = CommandConfiguration(
            abstract: "Apply and list configurations of pools.", subcommands: [Apply.self, Check.self, History.self])

        package init() {}

        package struct Apply: AsyncParsableCommand {
            package static let configuration = CommandConfiguration(
                abstract: "Validate a file of resources (Boskos's own) and put it into force.")

            @OptionGroup package var options: CommandOptions
            @OptionGroup package var output: OutputOptions
            @Argument(help: "The file.", completion: .file()) package var file: String

            package init() {}

            package func run() async throws {
                let loaded = LoadedLeasePools.load(path: file)
                for warning in loaded.warnings { Terminal.complain("warning: \(warning)") }
                let applied = try await options.withFleet { _, bus in
                    try await LeaseConfigurationStore(bus).apply(
                        loaded, by: ProcessInfo.processInfo.userName, source: file)
                }
                switch output.format {
                case .json: try output.printJSON(applied)
                case .table where !applied.changed:
                    print("Version \(applied.version) is this configuration already (\(applied.types) types).")
                case .table:
                    print(
                        """
                        Version \(applied.version) is in force: \(applied.types) types, \(applied.added) resources \
                        added, \(applied.removed) removed, \(applied.draining - applied.removed) held until they are \
                        given back.
                        """)
                }
            }
        }

        package struct Check: AsyncParsableCommand {
            package static let configuration = CommandConfiguration(abstract: "Validate a file of resources.")

            @Argument(help: "The file.", completion: .file()) package var file: String

            package init() {}

            package func run() async throws {
                let loaded = LoadedLeasePools.load(path: file)
                for problem in loaded.warnings { Terminal.complain("warning: \(problem)") }
                guard loaded.isValid else { throw LeaseConfigurationRefused(problems: loaded.errors) }
                print("\(loaded.pools.count) types, \(loaded.pools.reduce(0) { $0 + $1.size }) resources at most.")
            }
        }

        package struct History: AsyncParsableCommand {
            package static let configuration = CommandConfiguration(abstract: "List the versions, newest first.")

            @OptionGroup package var options: CommandOptions
            @OptionGroup package var output: OutputOptions
            @Option(help: "How many.") package var limit = 20

            package init() {}

            package func run() async throws {
                let versions = try await options.withFleet { _, bus in
                    try await LeaseConfigurationStore(bus).history(limit: limit)
                }
                try output.print(
                    versions,
                    columns: [
                        ("VERSION", { String($0.version) }), ("APPLIED", { $0.appliedAt.formatted(.iso8601) }),
                        ("BY", { $0.appliedBy }), ("TYPES", { String($0.types) }),
                        ("HASH", { String($0.hash.prefix(12)) }), ("FROM", { $0.source }),
                    ], empty: "Nothing was applied yet: slipway lease config apply FILE")
            }
        }
    }
}

extension NativeLeases.Lease {
    /// How it stands, in a line.
    var line: String {
        switch state {
        case .granted: return "granted: " + resources.map(\.name).joined(separator: ", ")
        case .waiting:
            let estimate = estimate.map { "; about \(Int($0.rounded(.up))) s to go" } ?? ""
            return "waiting: \(reason ?? "")\(estimate)"
        }
    }
}

extension LeaseClient {
    /// Takes resources, saying on standard error how far it is; gives its place up when it takes too long.
    func obtain(_ id: UUID, _ wish: LeaseCommand.Wish) async throws -> NativeLeases.Lease {
        let end = ContinuousClock.now + .seconds(wish.wait)
        var pause = Duration.seconds(1)
        while true {
            let left = Int(ContinuousClock.now.duration(to: end) / .seconds(1))
            do {
                let lease = try await acquire(wish.ask(id, wait: max(0, min(20, left))))
                Terminal.progress(lease.state == .waiting ? lease.line : "")
                if lease.state == .granted { return lease }
                pause = .seconds(1)
            } catch let error as LeaseClientError where error.isPassing && ContinuousClock.now < end {
                Terminal.progress("\(error); trying again")
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(10))
            }
            guard ContinuousClock.now < end else {
                try await release(id.lowercased, token: nil, dest: "free")
                Terminal.progress("")
                throw LeaseClientError("nothing was granted within \(wish.wait) s; the place in line is given up")
            }
        }
    }
}
