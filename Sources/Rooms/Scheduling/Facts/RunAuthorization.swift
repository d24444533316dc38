import Forge
import Hummingbird
package import JobConfig
package import SlipwayModel
import Web

/// Who may run a job again, or abort its runs. Prow's rule (`CanTriggerJob`, pkg/pjutil).
///
/// | who asks | may |
/// |---|---|
/// | a token with the scope `runs:write` | every job |
/// | anybody | jobs of whom the job's `rerun_auth_config`, or the installation's, allows anyone |
/// | somebody signed in by the forge | jobs whose rule, or the installation's, names the user, or an organisation or team of the user's; jobs of repositories in which the user is trusted, as with `/test` |
package enum RerunVerdict: Hashable, Sendable {
    /// A question to the forge about the user.
    package enum Membership: Hashable, Sendable {
        case organization(String)
        case team(RerunAuthorization.Team)
        /// By its number.
        case numberedTeam(Int64, of: String)
        case trusted(in: RepositoryName)
    }

    case allowed
    /// Allowed if the forge confirms any of them.
    case allowedFor([Membership])
    case refused

    /// - Parameters:
    ///   - login: nil where nobody is signed in by the forge.
    ///   - rules: the job's own and the installation's.
    ///   - repository: the one that the run tests.
    package init(hasScope: Bool, login: String?, rules: [RerunAuthorization], repository: RepositoryName?) {
        if hasScope || rules.contains(where: \.allowsAnyone) {
            self = .allowed
        } else if let login {
            if rules.contains(where: { $0.names(login) }) {
                self = .allowed
                return
            }
            let memberships =
                rules.flatMap { rule in
                    rule.orgs.map(Membership.organization) + rule.teams.map(Membership.team)
                        + rule.teamIDs.compactMap { id in repository.map { .numberedTeam(id, of: $0.org) } }
                }
                + [repository].compactMap { $0.map(Membership.trusted(in:)) }
            self = memberships.isEmpty ? .refused : .allowedFor(memberships)
        } else {
            self = .refused
        }
    }
}

/// Applies the rule, asking the forge where it has to.
struct RunAuthorization: Sendable {
    let forge: ForgeClient
    let trust: any TrustJudge

    /// The name of who asks, if that may be done to the run.
    ///
    /// - Throws: `WebError`: 401 and 403 with what is missing, 502 while the forge cannot be asked.
    func require(_ run: RunSummary, _ rules: [RerunAuthorization], _ context: SlipwayContext) async throws -> String {
        let login = context.identity?.forgeLogin
        let verdict = RerunVerdict(
            hasScope: context.allows(.runsWrite), login: login, rules: rules, repository: run.repository)
        if verdict == .allowed { return context.identity?.name ?? SchedulingText.anybody }
        guard let login else { return try context.require(.runsWrite).name }
        if case .allowedFor(let memberships) = verdict {
            for membership in memberships where try await holds(membership, of: login) { return login }
        }
        throw WebError(
            .forbidden,
            run.repository.map { SchedulingText.notAMember(login, $0.org) } ?? SchedulingText.noOrganisation(run.job))
    }

    private func holds(_ membership: RerunVerdict.Membership, of login: String) async throws -> Bool {
        do {
            switch membership {
            case .organization(let org): return try await forge.isMember(org, login)
            case .team(let team): return try await forge.isTeamMember(team.org, team: team.slug, login)
            case .numberedTeam(let id, let org): return try await forge.isTeamMember(org, teamID: id, login)
            case .trusted(let repository): return try await trust.isTrusted(login, in: repository)
            }
        } catch {
            // In doubt, no; while the forge is away nobody knows.
            if let error = error as? ForgeError, error.isPermanent || error.status == 403 { return false }
            throw WebError(.badGateway, SchedulingText.membershipUnknown(login))
        }
    }
}
