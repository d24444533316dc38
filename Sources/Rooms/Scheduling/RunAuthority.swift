import Forge
import Hummingbird
import SlipwayModel
import Web

/// Who may rerun and abort a run: whoever has a token for it, and of those who signed in by the forge the members of the
/// organisation that the run belongs to.
struct RunAuthority: Sendable {
    let trust: Trust

    /// Who asks, if that is allowed; otherwise 401 or 403 with a sentence on what is missing.
    func require(_ run: RunSummary, _ context: SlipwayContext) async throws -> Identity {
        guard let identity = context.identity, !identity.allows(.runsWrite), let login = identity.forgeLogin else {
            return try context.require(.runsWrite)
        }
        guard let org = run.repository?.org else {
            throw WebError(.forbidden, SchedulingText.noOrganisation(run.job))
        }
        let isMember: Bool
        do {
            isMember = try await trust.isTrusted(login, in: org)
        } catch {
            throw WebError(.badGateway, SchedulingText.membershipUnknown(login, org))
        }
        guard isMember else { throw WebError(.forbidden, SchedulingText.notAMember(login, org)) }
        return identity
    }
}
