import Foundation
import Leases
import Postgres
import SlipwayTesting
import Synchronization
import Testing

/// What the desk should do, as simply as it can be said: lists, looked through from the front.
struct ReferenceModel {
    /// The free resources of each type, oldest first.
    var free: [String: [String]]
    var owners: [String: String] = [:]
    var tokens: [String: Int64] = [:]
    /// Who waits for each type, in order.
    var lines: [String: [String]] = [:]
    private let types: [String: String]

    init(_ pools: [String: [String]]) {
        free = pools
        types = Dictionary(pools.flatMap { type, names in names.map { ($0, type) } }) { $1 }
    }

    /// The name and token that were granted; nil where nothing was.
    mutating func claim(_ type: String, owner: String, key: String?) -> (name: String, token: Int64)? {
        let line = lines[type] ?? []
        let place = key.flatMap { line.firstIndex(of: $0) } ?? line.count
        guard place < free[type]?.count ?? 0, let name = free[type]?.remove(at: place) else {
            if let key, !line.contains(key) { lines[type, default: []].append(key) }
            return nil
        }
        lines[type]?.removeAll { $0 == key }
        owners[name] = owner
        tokens[name, default: 0] += 1
        return (name, tokens[name] ?? 0)
    }

    /// Whether it was given back.
    mutating func giveBack(_ name: String, owner: String?, token: Int64?) -> Bool {
        guard let holder = owners[name], let type = types[name], owner == nil || owner == holder,
            token == nil || token == tokens[name]
        else { return false }
        owners[name] = nil
        free[type, default: []].append(name)
        return true
    }
}

@Suite("The desk beside a reference model")
struct ModelTests {
    @Test("random calls have the same answers", arguments: 1...6)
    func sequence(_ seed: UInt64) async throws {
        let pools = ["board": ["board-1", "board-2", "board-3"], "bench": ["bench-1"]]
        try await LeasesHarness.run { room in
            var random = SeededGenerator(seed: seed)
            var model = ReferenceModel(pools)
            for step in 0..<400 {
                let type = ["board", "board", "bench"].randomElement(using: &random) ?? "board"
                let owner = "owner-\(Int.random(in: 0..<4, using: &random))"
                if Bool.random(using: &random) {
                    let key = Int.random(in: 0..<3, using: &random) == 0 ? nil : "\(owner)/\(type)"
                    var claim = LeaseClaim(owner: owner, wish: LeaseWish(type: type))
                    claim.key = key
                    if key != nil { claim.patience = .asksAgain(3600) }
                    let expected = model.claim(type, owner: owner, key: key)
                    let answer = try await room.desk.claim(claim)
                    if case .granted(let resources, _, _) = answer {
                        #expect(resources.count == 1 && resources.first?.name == expected?.name, "step \(step)")
                        #expect(resources.first?.token == expected?.token, "step \(step)")
                    } else {
                        #expect(expected == nil, "step \(step): \(answer)")
                    }
                } else {
                    let name = (pools[type] ?? []).randomElement(using: &random) ?? ""
                    let usesToken = Bool.random(using: &random)
                    let token = (model.tokens[name] ?? 0) - Int64.random(in: 0..<2, using: &random)
                    var back = LeaseReturn(name: name, dest: "free")
                    if usesToken { back.token = token } else { back.owner = owner }
                    let expected = model.giveBack(name, owner: back.owner, token: back.token)
                    #expect((try await room.desk.giveBack(back) == .done) == expected, "step \(step)")
                }
            }
        }
    }
}

struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
