package import Forge
import FoundationEssentials
package import JobConfig
package import Postgres
package import SlipwayModel

/// What the forge says about people, remembered in the database for all processes, and forgotten as soon as a delivery
/// tells of a change. An answer that cannot be had is an error, never a yes.
package struct People: Sendable {
    /// Seconds that a yes, and a no, are believed.
    private static let yesHolds = 600.0
    private static let noHolds = 30.0

    private let database: PostgresPool
    private let forge: ForgeClient
    /// Logins that the installation trusts everywhere.
    private let users: Set<String>
    private let bot: String

    package init(database: PostgresPool, forge: ForgeClient, users: [String], bot: String) {
        self.database = database
        self.forge = forge
        self.users = Set(users.map { $0.lowercased() })
        self.bot = bot
    }

    /// Whether somebody may start runs; Prow's rule (plugins/trigger, `TrustedUser`).
    ///
    /// | who | trusted |
    /// |---|---|
    /// | the bot, and who `trust.users` names | yes |
    /// | a member of the repository's organisation, or of `trusted_org` | yes |
    /// | a collaborator of the repository | yes, unless `only_org_members` |
    /// | the bot of one of `trusted_apps` | yes |
    /// | anybody else | no |
    ///
    /// - Throws: `ForgeError` where the forge could not be asked.
    package func isTrusted(
        _ login: String, in repository: RepositoryName, _ trigger: PluginSettings.Trigger
    ) async throws -> Bool {
        let name = login.lowercased()
        if name == bot.lowercased() || users.contains(name) { return true }
        if name.hasSuffix("[bot]"), trigger.trustedApps.contains(where: { "\($0.lowercased())[bot]" == name }) {
            return true
        }
        if try await isMember(login, of: repository.org) { return true }
        if !trigger.onlyOrgMembers, try await isCollaborator(login, of: repository) { return true }
        guard let other = trigger.trustedOrg, other != repository.org else { return false }
        return try await isMember(login, of: other)
    }

    package func isMember(_ login: String, of org: String) async throws -> Bool {
        try await remembered("member/\(org)/\(login.lowercased())") {
            String(try await unlessRefused(false) { try await forge.isMember(org, login) })
        } == "true"
    }

    package func isCollaborator(_ login: String, of repository: RepositoryName) async throws -> Bool {
        try await remembered("collaborator/\(repository)/\(login.lowercased())") {
            String(
                try await unlessRefused(false) {
                    try await forge.isCollaborator(repository, login)
                })
        } == "true"
    }

    /// Everybody who collaborates on a repository; nil where the forge refuses to tell.
    package func collaborators(of repository: RepositoryName) async throws -> [String]? {
        let answer = try await remembered("collaborators/\(repository)") {
            try await unlessRefused("none") {
                try await forge.collaborators(repository).map { $0.login.lowercased() }.joined(separator: " ")
            }
        }
        return answer == "none" ? nil : answer.split(separator: " ").map(String.init)
    }

    /// - Parameter team: its slug.
    package func isTeamMember(_ login: String, of org: String, team: String) async throws -> Bool {
        try await remembered("team/\(org)/\(team)/\(login.lowercased())") {
            String(
                try await unlessRefused(false) {
                    try await forge.isTeamMember(org, team: team, login)
                })
        } == "true"
    }

    /// admin, maintain, write, triage, read or none.
    package func permission(_ login: String, of repository: RepositoryName) async throws -> String {
        try await remembered("permission/\(repository)/\(login.lowercased())") {
            try await unlessRefused("none") { try await forge.permission(repository, login) }
        }
    }

    /// What the forge refuses to tell for good (a name that cannot be, a token that may not see) is the narrower answer.
    private func unlessRefused<Answer: Sendable>(
        _ narrow: Answer, _ ask: () async throws -> Answer
    ) async throws -> Answer {
        do {
            return try await ask()
        } catch let error as ForgeError where error.isPermanent || error.status == 403 {
            return narrow
        }
    }

    private func remembered(_ question: String, _ ask: () async throws -> String) async throws -> String {
        let known = try await database.execute(
            PullRequestsStore.personAnswers, [question], Self.yesHolds, Self.noHolds
        ).first.map { try $0.decode((String, String).self).1 }
        if let known { return known }
        let answer = try await ask()
        try await database.execute(PullRequestsStore.notePerson, question, answer)
        return answer
    }
}
