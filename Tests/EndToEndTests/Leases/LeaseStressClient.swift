import Foundation

/// One of many clients: takes, keeps and gives back as fast as it can, goes away now and then with what it holds, and
/// comes back when that is another's.
struct LeaseStressClient {
    let number: Int
    let calls: LeaseCalls
    let recorder: LeaseRecorder
    let token: String
    private var gateway: Int
    private var random: SystemRandomNumberGenerator
    /// What it went away with.
    private var late: (lease: String, name: String, token: Int64)?

    /// Seconds that its leases last.
    private static let lasts = 5.0
    /// Seconds that a place in line is kept at least for who does not ask again.
    private static let placeKept = 30.0

    init(number: Int, calls: LeaseCalls, recorder: LeaseRecorder, token: String) {
        self.number = number
        self.calls = calls
        self.recorder = recorder
        self.token = token
        gateway = number
        random = SystemRandomNumberGenerator()
    }

    private mutating func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }

    /// Asks until somebody answers; how often it was asked stands beside the answer.
    private mutating func insist(
        _ call: (Int) async throws -> LeaseCalls.Answer?
    ) async throws -> (answer: LeaseCalls.Answer, attempts: Int) {
        var attempts = 0
        while true {
            attempts += 1
            if let answer = try await call(gateway) { return (answer, attempts) }
            gateway += 1
            await Task.yield()
        }
    }

    // MARK: The native interface

    mutating func leaseByName() async throws {
        while !recorder.isOver {
            try await comeBack()
            let wish = LeaseHistory.Wish(
                id: UUID().uuidString.lowercased(), type: "board", priority: Int.random(in: 0...2, using: &random),
                isInOrder: !oneIn(8), said: LeaseRecorder.now)
            let (lease, until) = try await obtain(wish)
            guard let first = lease.resources.first, let token = lease.token else { continue }
            for resource in lease.resources { recorder.seen(wish.id, resource.name, resource.token) }
            if oneIn(4) { try await renew(lease, token, until) }
            if late == nil, lease.resources.count == 1, oneIn(200) {
                late = (lease.id, first.name, first.token)
                continue
            }
            for resource in lease.resources { recorder.leaving(wish.id, resource.name) }
            let path = "/api/v1/leases/\(lease.id)/release?token=\(token)"
            let (answer, attempts) = try await insist { [calls, holder = self.token] in
                try await calls.native($0, path, token: holder)
            }
            judge(answer, attempts: attempts, until: until, "the return of \(first.name) under \(token)")
        }
    }

    /// - Returns: the lease, and until when it lasts at least.
    private mutating func obtain(_ said: LeaseHistory.Wish) async throws -> (LeaseCalls.Lease, Double) {
        var wish = said
        let items =
            wish.isInOrder
            ? #"[{"type": "board"}]"#
            : oneIn(2) ? #"[{"type": "board", "count": 2}, {"type": "rig"}]"# : #"[{"types": ["rig", "board"]}]"#
        var until = wish.said + Self.lasts
        var kept = wish.said
        while true {
            let asked = LeaseRecorder.now
            // At first only to stand in line, so that the checker knows since when it did.
            let body = """
                {"id": "\(wish.id)", "items": \(items), "priority": \(wish.priority), "lasts": \(Self.lasts), \
                "wait": \(wish.queued == nil ? 0 : 5), "reason": "\(wish.id)"}
                """
            let (answer, _) = try await insist { [calls, token] in
                try await calls.native($0, "/api/v1/leases", token: token, body: body)
            }
            recorder.count()
            // The place may have been given up while services were away, and been another one since.
            if LeaseRecorder.now - kept > Self.placeKept { wish.queued = nil }
            kept = asked
            switch answer.status {
            case 202:
                wish.queued = wish.queued ?? LeaseRecorder.now
                until = asked + Self.lasts
            case 200:
                recorder.note(wish)
                return (try LeaseCalls.lease(answer), until)
            // Granted, and over before the gateway could say so: one asks again.
            case 404: until = asked + Self.lasts
            default: try fail("a wish was answered \(answer.status): \(answer.text)")
            }
        }
    }

    private mutating func renew(_ lease: LeaseCalls.Lease, _ token: Int64, _ until: Double) async throws {
        let path = "/api/v1/leases/\(lease.id)/renew?token=\(token)&lasts=\(Self.lasts)"
        let (answer, _) = try await insist { [calls, holder = self.token] in
            try await calls.native($0, path, token: holder)
        }
        // However often it was said: to renew again is no fault.
        judge(answer, attempts: 1, until: until, "the renewal of \(lease.id)")
    }

    /// With a token that somebody else's has followed: it must be good for nothing.
    private mutating func comeBack() async throws {
        guard let old = late, recorder.isFollowed(old.name, old.token) else { return }
        for path in ["renew?token=\(old.token)", "release?token=\(old.token)"] {
            let (answer, _) = try await insist { [calls, token] in
                try await calls.native($0, "/api/v1/leases/\(old.lease)/\(path)", token: token)
            }
            recorder.late(old.name, old.token, wasRefused: [404, 409].contains(answer.status))
        }
        late = nil
    }

    // MARK: Boskos's interface

    mutating func leaseByBoskos() async throws {
        var turn = 0
        while !recorder.isOver {
            turn += 1
            // A name that is used once stands for the token that this interface does not show.
            let owner = "boskos-\(number)-\(turn)"
            let wish = LeaseHistory.Wish(id: owner, type: "bench", isInOrder: false, said: LeaseRecorder.now)
            let (name, until) = try await acquire(owner)
            recorder.note(wish)
            recorder.seen(owner, name, nil)
            if oneIn(4) {
                let (answer, _) = try await insist { [calls, number] in
                    try await calls.boskos(
                        $0, "/update?name=\(name)&owner=\(owner)&state=busy", body: #"{"client": "\#(number)"}"#)
                }
                judge(answer, attempts: 1, until: until, "the sign of life for \(name)")
            }
            if oneIn(200) { continue }
            recorder.leaving(owner, name)
            let (answer, attempts) = try await insist { [calls] in
                try await calls.boskos($0, "/release?name=\(name)&owner=\(owner)&dest=free")
            }
            judge(answer, attempts: attempts, until: until, "the return of \(name) by \(owner)")
        }
    }

    private mutating func acquire(_ owner: String) async throws -> (String, Double) {
        while true {
            let until = LeaseRecorder.now + Self.lasts
            let path = "/acquire?type=bench&state=free&dest=busy&owner=\(owner)&request_id=\(owner)"
            let (answer, _) = try await insist { [calls] in try await calls.boskos($0, path) }
            switch answer.status {
            case 200:
                recorder.count()
                return (try LeaseCalls.name(answer), until)
            case 404: await Task.yield()
            default: try fail("an acquire was answered \(answer.status): \(answer.text)")
            }
        }
    }

    // MARK: What may be answered

    /// A holder is turned away only when his time is over, or when an attempt whose answer he did not get has done it.
    private func judge(_ answer: LeaseCalls.Answer, attempts: Int, until: Double, _ what: String) {
        recorder.count()
        if answer.status == 200 { return }
        guard [401, 404, 409].contains(answer.status), attempts > 1 || LeaseRecorder.now > until else {
            return recorder.surprise("\(what) was answered \(answer.status) by \(attempts) attempts: \(answer.text)")
        }
    }

    private func fail(_ text: String) throws {
        recorder.surprise(text)
        throw Surprise(description: text)
    }

    private struct Surprise: Error, CustomStringConvertible {
        let description: String
    }
}
