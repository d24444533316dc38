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
            number: found.pull.number, head: found.pull.headSHA, title: found.pull.title, author: found.pull.author,
            headRef: found.pull.headRef, isEligible: obstacles.isEmpty,
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
        let contexts = train.contextsUnderTest(of: member.number)
        return contexts.isEmpty ? ("success", MergingText.inPool) : ("pending", MergingText.retesting(contexts))
    }

    /// Where the configuration says, else the page about this pull request.
    func statusURL(_ pool: PoolName, _ member: KnownMember, _ tide: TideSettings) -> String {
        tide.statusURL(pool.repository, author: member.author, head: member.headRef)
            ?? "\(pageURL)/merging/\(pool.org)/\(pool.repo)/\(member.number)"
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
