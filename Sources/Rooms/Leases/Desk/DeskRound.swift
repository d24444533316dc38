import FoundationEssentials
import JobConfig
import SlipwayModel

/// One pass of a batch through the database: look, decide, write.
struct DeskRound {
    let batch: DeskBatch
    let typesOfNames: [String: String]
    var answers: [DeskAnswer?]
    var claims: [(position: Int, claim: LeaseClaim)] = []
    var lines: [LeaseLine] = []
    /// The pools that the transaction holds.
    var types: [String] = []
    var pools: [String: LeasePool] = [:]
    var now = Date.distantPast
    var free: [LeaseLine: [GrantedResource]] = [:]
    var heads: [Head] = []
    /// The places of those who ask again, by their key.
    var places: [String: (request: Int64, rank: Date, since: Date)] = [:]
    var held: [String: [String: Int]] = [:]
    var plan: GrantPlan?
    /// Runs whose leases were ended by others than themselves.
    var lost: [LeaseLost] = []
    var proof: Proof?
    /// Claimants by their number: calls first, then those in line who did not call.
    var standing: [Standing] = []

    /// Something that the transaction wrote and no other can have written: who finds it knows that it happened.
    struct Proof: Sendable {
        var name: String
        var token: Int64
        var at: Date
    }

    struct Head {
        var id: Int64
        var key: String
        var claim: LeaseClaim
        var rank: Date
        var enqueuedAt: Date
        var isPushed: Bool

        func claimant(_ number: Int) -> GrantPlan.Claimant {
            GrantPlan.Claimant(
                id: number, owner: claim.owner, wish: claim.wish, rank: rank, sequence: id, isReachable: isPushed)
        }
    }

    struct Standing {
        var claim: LeaseClaim
        /// The call, where he asks just now.
        var position: Int?
        /// The request, where he stands in line.
        var request: Int64?
        var since: Date?
    }

    init(batch: DeskBatch, typesOfNames: [String: String]) {
        self.batch = batch
        self.typesOfNames = typesOfNames
        answers = Array(repeating: nil, count: batch.calls.count)
    }

    // MARK: Decide

    mutating func decide() throws(DeskBatch.LineTooShort) {
        var claimants: [GrantPlan.Claimant] = []
        var calling: Set<String> = []
        for (position, claim) in claims {
            guard claim.wish.lines.allSatisfy({ pools[$0.type] != nil }) else {
                let unknown = claim.wish.lines.first { pools[$0.type] == nil }
                answers[position] = .unknownType(unknown?.type ?? "")
                continue
            }
            let place = claim.key.flatMap { places[$0] }
            // Two calls under one key are one claimant; the second is answered that it waits.
            if let key = claim.key, !calling.insert(key).inserted { continue }
            let number = standing.count
            standing.append(
                Standing(claim: claim, position: position, request: place?.request, since: place?.since))
            claimants.append(
                GrantPlan.Claimant(
                    id: number, owner: claim.owner, wish: claim.wish, rank: place?.rank ?? rank(claim),
                    sequence: place?.request ?? Int64.max / 2 + Int64(position)))
        }
        for head in heads where !calling.contains(head.key) {
            let number = standing.count
            standing.append(
                Standing(claim: head.claim, position: nil, request: head.id, since: head.enqueuedAt))
            claimants.append(head.claimant(number))
        }
        let plan = GrantPlan(
            claimants, free: free.mapValues(\.count), pools: pools, held: held, lastSeen: lastSeen())
        guard !plan.needsMore || batch.depth >= DeskBatch.greatestDepth else { throw DeskBatch.LineTooShort() }
        self.plan = plan
    }

    /// Of lines that may go on beyond those looked at, the last one who was. Some further back were seen in other lines.
    private func lastSeen() -> [LeaseLine: GrantPlan.Claimant] {
        var last: [LeaseLine: GrantPlan.Claimant] = [:]
        for (line, resources) in free {
            let looked = max(batch.depth, min(resources.count, LeasesStore.mostHeads))
            let inLine = heads.filter { $0.claim.wish.lines.contains(line) }.map { $0.claimant(0) }
            guard looked > 0, inLine.count >= looked else { continue }
            last[line] = inLine.sorted(by: GrantPlan.Claimant.isBefore)[looked - 1]
        }
        return last
    }

    /// Somebody without a place stands behind everybody who has one.
    private func rank(_ claim: LeaseClaim) -> Date {
        claim.key == nil
            ? .distantFuture : now.addingTimeInterval(-Double(claim.priority) * LeaseRules.ageing)
    }
}
