import JobConfig
import Scheduling
import SlipwayModel
import Testing

@Suite("Who may run a job again")
struct RerunVerdictTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var hasScope = false
        var login: String? = "noor"
        var rules: [RerunAuthorization] = []
        var repository: RepositoryName?
        var verdict: RerunVerdict
    }

    static let crane = RepositoryName(org: "harbor", repo: "crane")
    static let team = RerunAuthorization.Team(org: "harbor", slug: "cranes")

    @Test(arguments: [
        Case(testDescription: "a token with the scope", hasScope: true, verdict: .allowed),
        Case(testDescription: "nobody", login: nil, verdict: .refused),
        Case(testDescription: "a user, and no rule", verdict: .refused),
        Case(
            testDescription: "nobody, and the job allows anyone", login: nil,
            rules: [RerunAuthorization(allowsAnyone: true)], verdict: .allowed),
        Case(
            testDescription: "anyone by the installation's rule",
            rules: [RerunAuthorization(users: ["maria"]), RerunAuthorization(allowsAnyone: true)], verdict: .allowed),
        Case(
            testDescription: "a user who is named, in whatever case", rules: [RerunAuthorization(users: ["Noor"])],
            verdict: .allowed),
        Case(
            testDescription: "a user who is not named", rules: [RerunAuthorization(users: ["maria"])], verdict: .refused
        ),
        Case(
            testDescription: "nobody, where users are named", login: nil, rules: [RerunAuthorization(users: ["noor"])],
            verdict: .refused),
        Case(
            testDescription: "members of an organisation", rules: [RerunAuthorization(orgs: ["harbor"])],
            verdict: .allowedFor([.organization("harbor")])),
        Case(
            testDescription: "members of a team", rules: [RerunAuthorization(teams: [team])],
            verdict: .allowedFor([.team(team)])),
        Case(
            testDescription: "a team's number, which is one of the run's organisation",
            rules: [RerunAuthorization(teamIDs: [7])], repository: crane,
            verdict: .allowedFor([.numberedTeam(7, of: "harbor"), .trusted(in: crane)])),
        Case(
            testDescription: "a team's number, and a run of no organisation",
            rules: [RerunAuthorization(teamIDs: [7])], verdict: .refused),
        Case(
            testDescription: "a run of a repository, for whom /test works", repository: crane,
            verdict: .allowedFor([.trusted(in: crane)])),
        Case(testDescription: "a run of a repository, and nobody", login: nil, repository: crane, verdict: .refused),
        Case(
            testDescription: "all of it",
            rules: [RerunAuthorization(orgs: ["a"], teams: [team]), RerunAuthorization(orgs: ["b"])],
            repository: crane,
            verdict: .allowedFor([.organization("a"), .team(team), .organization("b"), .trusted(in: crane)])),
    ])
    func decides(row: Case) {
        let verdict = RerunVerdict(
            hasScope: row.hasScope, login: row.login, rules: row.rules, repository: row.repository)
        #expect(verdict == row.verdict)
    }

    @Test("of the older form the most particular rule holds, of the newer one the last that matches")
    func installation() throws {
        let crane = SchedulingHarness.repository
        let ship = RepositoryName(org: "harbor", repo: "ship")
        let engine = RepositoryName(org: "lantern", repo: "engine")
        let older = try Self.settings(
            """
            deck:
              rerun_auth_configs:
                harbor/crane: {github_team_slugs: [{org: harbor, slug: cranes}]}
                harbor: {github_users: [org]}
                '*': {github_users: [everywhere]}
            """)
        #expect(older.rerunAuthorization(of: crane, cluster: "default")?.teams == [Self.team])
        #expect(older.rerunAuthorization(of: ship, cluster: "default")?.users == ["org"])
        #expect(older.rerunAuthorization(of: engine, cluster: "default")?.users == ["everywhere"])
        #expect(older.rerunAuthorization(of: nil, cluster: "default")?.users == ["everywhere"])

        let newer = try Self.settings(
            """
            deck:
              default_rerun_auth_configs:
              - {repo: harbor/crane, rerun_auth_configs: {github_users: [crane]}}
              - {repo: harbor, cluster: lab, rerun_auth_configs: {github_users: [lab]}}
              - {repo: harbor, cluster: '*', rerun_auth_configs: {github_users: [org]}}
              - {cluster: desk, rerun_auth_configs: {allow_anyone: true}}
            """)
        #expect(newer.rerunAuthorization(of: crane, cluster: "lab")?.users == ["org"])
        #expect(newer.rerunAuthorization(of: crane, cluster: "desk")?.allowsAnyone == true)
        #expect(newer.rerunAuthorization(of: nil, cluster: "desk")?.allowsAnyone == true)
        #expect(newer.rerunAuthorization(of: engine, cluster: "lab") == nil)
    }

    private static func settings(_ text: String) throws -> VersionSettings {
        let loaded = JobConfiguration.prowSettings(SourceFile(path: "config.yaml", bytes: Array(text.utf8)))
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty)
        return loaded.settings.version
    }
}
