import FoundationEssentials
import JobConfig
import SlipwayModel

/// What is said on a pull request, from its standing and from where it is in the train. Pure.
struct MemberTexts: Sendable {
    let statusContext: String
    let pageURL: String

    func member(_ found: PoolLook.Found, previous: KnownMember?, train: MergeTrain) -> KnownMember {
        var obstacles = found.standing.obstacles
        if let ejection = found.ejection { obstacles.append(MergingText.ejectedObstacle(ejection)) }
        var member = KnownMember(
            number: found.pull.number, head: found.pull.headSHA, isEligible: obstacles.isEmpty,
            eligibleSince: previous?.eligibleSince, method: found.standing.method, priority: found.standing.priority,
            obstacles: obstacles, state: found.standing.state, text: found.standing.description,
            contexts: found.contexts, sign: found.sign, contextsAge: 0,
            ejectedHead: found.ejection == nil ? nil : found.pull.headSHA, ejection: found.ejection)
        if found.standing.isEligible { (member.state, member.text) = status(of: member, train: train) }
        return member
    }

    /// The status of one that meets the rules follows the train; that of the others stays.
    func status(of member: KnownMember, train: MergeTrain) -> (state: String, text: String) {
        if let ejection = member.ejection, member.ejectedHead == member.head {
            return ("failure", MergingText.notMergeable(ejection))
        }
        guard member.isEligible else { return (member.state, member.text) }
        let jobs = train.jobsUnderTest(of: member.number)
        return jobs.isEmpty ? ("success", MergingText.inPool) : ("pending", MergingText.retesting(jobs))
    }

    /// Where the configuration says, else the page about this pull request.
    func statusURL(_ pool: PoolName, _ number: Int, _ pull: MergeCandidate?, _ tide: TideSettings?) -> String {
        if let pull, let url = tide?.statusURL(pool.repository, author: pull.author, head: pull.headRef) { return url }
        return "\(pageURL)/merging/\(pool.org)/\(pool.repo)/\(number)"
    }

    func ejectionComment(
        _ pool: PoolName, _ member: TrainMember, _ ejection: Ejection, author: String?
    ) -> String {
        MergingText.ejectionComment(
            ejection, author: author, head: member.head, branch: pool.branch,
            page: "\(pageURL)/merging/\(pool.org)/\(pool.repo)/\(member.number)"
        ) { "\(pageURL)/runs/\($0)" }
    }
}
