import AsyncHTTPClient
import Fleet
import Foundation
import JobConfig
import Leases
import Logging
import NIOCore
import NIOHTTP1
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
        var headers: HTTPHeaders
    }

    /// Runs calls of Boskos's API against a listener of the room.
    func boskos(
        allowsAnybody: Bool = true,
        _ body:
            @Sendable @escaping (
                @Sendable (String, HTTPMethod, String, HTTPHeaders) async throws -> BoskosAnswer
            )
            async throws -> Void
    ) async throws {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let listener = room.boskos(
            host: "127.0.0.1", port: 0, allowsAnybody: allowsAnybody, instruments: nil, logger: quietLogger,
            onListening: { port.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            let port = try #require(await ports.first { _ in true })
            try await body { path, method, text, headers in
                var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
                request.method = method
                request.headers = headers
                if !text.isEmpty { request.body = .bytes(ByteBuffer(string: text)) }
                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
                let body = try await response.body.collect(upTo: 16 << 20)
                return BoskosAnswer(
                    status: Int(response.status.code), body: String(buffer: body), headers: response.headers)
            }
            group.cancelAll()
        }
    }
}
