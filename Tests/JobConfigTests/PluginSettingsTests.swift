import JobConfig
import SlipwayModel
import Testing

@Suite("plugins.yaml")
struct PluginSettingsTests {
    private func read(_ text: String) -> LoadedPlugins {
        JobConfiguration.plugins(SourceFile(path: "plugins.yaml", bytes: Array(text.utf8)))
    }

    private func rules(_ text: String, _ repo: String = "crane") -> RepositoryPlugins {
        RepositoryPlugins(RepositoryName(org: "harbor", repo: repo), read(text).settings, defaults: [])
    }

    @Test("restricted labels: who may, what assigns, what a push takes; the narrowest scope's rule holds")
    func restricted() throws {
        let text = """
            label:
              additional_labels: [api-review]
              restricted_labels:
                '*':
                - {label: Security, allowed_users: [anyone]}
                - {label: frozen, allowed_teams: [release]}
                harbor:
                - label: security
                  allowed_teams: [security]
                  allowed_users: [vera]
                  allow_approvers_from_owners: true
                  remove_on_new_commits: true
                  assign_on: [{label: needs-security}, {label: cve}]
            """
        let loaded = read(text)
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty)
        let found = rules(text).restrictedLabels
        #expect(found.map(\.label) == ["security", "frozen"])
        let rule = try #require(found.first)
        #expect(rule.allowsApprovers && rule.endsWithPush)
        #expect(rule.users == ["vera"] && rule.teams == ["security"] && rule.assignOn == ["needs-security", "cve"])
        #expect(!found[1].allowsApprovers && !found[1].endsWithPush)
    }

    @Test("blunderbuss: everywhere, of an organization, of a repository")
    func blunderbuss() {
        let text = """
            blunderbuss:
              request_count: 3
              wait_for_status: {}
              orgs:
                harbor:
                  max_request_count: 4
                  repos:
                    crane: {wait_for_status: {context: ready, state: success, description: '^go'}, ignore_drafts: true}
                pier: {repos: {jetty: {request_count: 1}}}
            """
        let loaded = read(text)
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty)
        let crane = rules(text).blunderbuss
        #expect(crane.waitsFor?.context == "ready" && crane.waitsFor?.state == "success")
        #expect(crane.waitsFor?.description == "^go" && crane.ignoresDrafts && crane.requestCount == 2)
        let other = rules(text, "other").blunderbuss
        #expect(other.maximumRequests == 4 && other.waitsFor == nil)
        let pier = RepositoryPlugins(RepositoryName(org: "pier", repo: "x"), loaded.settings, defaults: []).blunderbuss
        #expect(pier.requestCount == 3 && pier.waitsFor?.context == "tide" && pier.waitsFor?.state == "pending")
    }

    @Test("what a cherry-pick has to have before")
    func cherryPicks() {
        let text = """
            cherry_pick_approved:
            - {org: harbor, repo: crane, approvers: [maria], allow_missing_lgtm_label: true}
            - {org: harbor, repo: pier, allow_missing_lgtm_label: false, allow_missing_approved_label: true}
            - {org: harbor, repo: dock}
            """
        let loaded = read(text)
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty)
        #expect(
            loaded.settings.cherryPickApproved.map(\.neededLabels) == [["approved"], ["lgtm"], ["approved", "lgtm"]])
    }

    @Test("sign-offs: who needs none, and where it is told how; the narrowest scope's rule holds")
    func signOffs() {
        let text = """
            plugins: {harbor: {plugins: [dco]}}
            dco:
              '*': {skip_dco_check_for_members: true, trusted_org: fleet}
              harbor: {skip_dco_check_for_collaborators: true, trusted_apps: [dependabot]}
              harbor/crane: {contributing_repo: harbor/guides, contributing_branch: main, contributing_path: sign.md}
            """
        let loaded = read(text)
        #expect(loaded.errors.isEmpty && loaded.warnings.isEmpty)
        func rule(_ org: String, _ repo: String) -> PluginSettings.SignOff {
            RepositoryPlugins(RepositoryName(org: org, repo: repo), loaded.settings, defaults: []).signOff
        }
        #expect(rule("harbor", "crane").trust == nil)
        #expect(rule("harbor", "crane").guidePath == "sign.md" && rule("harbor", "crane").guideBranch == "main")
        #expect(rule("harbor", "pier").trust?.onlyOrgMembers == false)
        #expect(rule("harbor", "pier").trust?.trustedApps == ["dependabot"])
        #expect(rule("dock", "pier").trust?.onlyOrgMembers == true)
        #expect(rule("dock", "pier").trust?.trustedOrg == "fleet")
    }

    @Test(
        "what is wrong, or has no effect, is named with its line",
        arguments: [
            ("label: {restricted_labels: {harbor: [security]}}", 1, "restricted_labels"),
            ("blunderbuss:\n  wait_for_status: {description: '('}", 2, "is no regular expression"),
            ("blunderbuss:\n  orgs:\n    harbor:\n      wait_for: tide", 4, "wait_for"),
            ("blunderbuss: {wait_for_status: {ctx: tide}}", 1, "ctx"),
            ("blunderbuss: {use_status_availability: true}", 1, "busy"),
            ("label: {restricted_labels: {harbor: [{label: a, allow_owners: true}]}}", 1, "allow_owners"),
            ("cherry_pick_approved: [{org: harbor, allow_missing: true}]", 1, "allow_missing"),
            ("dco: {harbor: {skip_dco: true}}", 1, "skip_dco"), ("size: {s: 10, m: 5}", 1, "do not grow"),
            ("blockades: [{branchregexp: '['}]", 1, "regular expression"),
            ("- a list", 1, "write sections"), ("plugins: {harbor: {plugins: [trigger, nonsense]}}", 1, "nonsense"),
        ])
    func problems(_ text: String, _ line: Int, _ part: String) {
        let loaded = read(text)
        #expect((loaded.errors + loaded.warnings).contains { $0.line == line && $0.description.contains(part) })
    }
}
