import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JobConfig
import Leases
import Logging
import Postgres
import RoomKit
import Scheduling
import SlipwayModel
import SlipwayTesting
import Testing
import Web

/// The room on a database of its own.
struct LeasesHarness: Sendable {
    let bus: FleetBus
    let recorder: MessageRecorder
    let room: LeasesService
    let settings: Settings
    var desk: LeaseDesk { room.desk }

    static func run(
        _ configuration: String = pools, _ body: @Sendable @escaping (LeasesHarness) async throws -> Void
    ) async throws {
        let migrations =
            FleetSchema.migrations + TokenStore.migrations + SchedulingService.migrations + LeasesService.migrations
        try await withDatabase(migrations: migrations) { pool in
            let (bus, recorder) = try await MessageRecorder.bus(
                over: pool, hearing: [LeaseRequested.type, LeaseGranted.type, LeaseLost.type])
            let settings = Settings()
            let harness = LeasesHarness(
                bus: bus, recorder: recorder, room: LeasesService(bus: bus, settings: settings), settings: settings)
            if !configuration.isEmpty { try await harness.apply(configuration) }
            try await body(harness)
        }
    }

    static let pools = """
        resources:
        - {type: board, state: free, names: [board-1, board-2, board-3]}
        - {type: bench, state: free, names: [bench-1]}
        - {type: rig, state: dirty, names: [rig-1, rig-2]}
        """

    @discardableResult
    func apply(_ yaml: String) async throws -> LeaseConfigurationStore.Applied {
        try await LeaseConfigurationStore(bus).apply(Self.load(yaml), by: "maria", source: "test")
    }

    static func load(_ yaml: String) -> LoadedLeasePools {
        LoadedLeasePools.load(SourceFile(path: "boskos.yaml", bytes: Array(yaml.utf8)))
    }

    /// The names that were granted; nil where nothing was.
    func claim(
        _ type: String, owner: String, key: String? = nil, count: Int = 1, state: String = "free"
    ) async throws -> [String]? {
        var claim = LeaseClaim(owner: owner, wish: LeaseWish(type: type, count: count, state: state))
        if let key {
            claim.key = key
            claim.patience = .asksAgain(30)
        }
        guard case .granted(let resources, _, _) = try await desk.claim(claim) else { return nil }
        return resources.map(\.name)
    }

    func giveBack(_ name: String, owner: String, dest: String = "free") async throws -> DeskAnswer {
        try await desk.giveBack(LeaseReturn(name: name, owner: owner, dest: dest))
    }

    /// Runs the chores of the worker once.
    func tend() async throws {
        // The janitor works until it is cancelled.
        for chore in room.chores where chore.name != "lease-janitor" { try await chore.run() }
        try await room.cleanOnce()
    }

    /// Lets leases and places grow old.
    func age(seconds: Int) async throws {
        _ = try await bus.database.query(
            """
            update leases.resources set expires_at = expires_at - make_interval(secs => \(seconds)),
                   updated_at = updated_at - make_interval(secs => \(seconds)),
                   dies_at = dies_at - make_interval(secs => \(seconds))
            """)
        _ = try await bus.database.query(
            "update leases.requests set keep_until = keep_until - make_interval(secs => \(seconds))")
    }

    /// Every resource: its name, state and owner.
    func resources() async throws -> [String] {
        try await bus.database.query(
            "select name || ' ' || state || ' ' || coalesce(owner, '-') from leases.resources order by name"
        ).map { try $0.decode(String.self) }
    }

    // MARK: Boskos

    struct BoskosAnswer: Sendable {
        var status: Int
        var body: String
        var headers: HTTPFields
    }

    /// Runs calls of Boskos's API against the room.
    func boskos(
        allowsAnybody: Bool = true,
        _ body:
            @Sendable @escaping (
                @Sendable (String, HTTPRequest.Method, String, HTTPFields) async throws -> BoskosAnswer
            )
            async throws -> Void
    ) async throws {
        let application = Application(
            responder: room.boskos(allowsAnybody: allowsAnybody, instruments: nil), logger: quietLogger)
        try await application.test(.router) { client in
            try await body { path, method, text, headers in
                try await client.execute(
                    uri: path, method: method, headers: headers, body: ByteBuffer(string: text)
                ) { response in
                    BoskosAnswer(
                        status: response.status.code, body: String(buffer: response.body), headers: response.headers)
                }
            }
        }
    }
}
