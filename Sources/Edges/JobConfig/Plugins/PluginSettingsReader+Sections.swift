import SlipwayModel

/// The sections, one by one.
extension PluginSettingsReader {
    mutating func trigger(_ entries: [YAMLEntry]) -> PluginSettings.Trigger {
        var result = PluginSettings.Trigger()
        for entry in entries {
            switch entry.key {
            case "repos": result.repos = repos(entry)
            case "trusted_org": result.trustedOrg = fields.text(entry).flatMap { $0.isEmpty ? nil : $0 }
            case "trusted_apps": result.trustedApps = fields.texts(entry)
            case "join_org_url": result.joinOrgURL = fields.text(entry)
            case "only_org_members": result.onlyOrgMembers = fields.bool(entry) ?? false
            case "ignore_ok_to_test": result.ignoresOkToTest = fields.bool(entry) ?? false
            case "trigger_github_workflows": fields.warnUnserved(entry, "GitHub's own workflows are not started")
            case "skip_draft_pr": fields.warnUnserved(entry, "drafts are tested when somebody asks for it")
            case "elide_skipped_contexts": fields.warnUnserved(entry, "skipped contexts are never reported")
            default: fields.warnUnknown(entry, in: "triggers")
            }
        }
        return result
    }

    mutating func approve(_ entries: [YAMLEntry]) -> PluginSettings.Approve {
        var result = PluginSettings.Approve()
        for entry in entries {
            switch entry.key {
            case "repos": result.repos = repos(entry)
            case "issue_required": result.isIssueRequired = fields.bool(entry) ?? false
            case "require_self_approval": result.requiresSelfApproval = fields.bool(entry) ?? false
            case "lgtm_acts_as_approve": result.lgtmActsAsApprove = fields.bool(entry) ?? false
            case "ignore_review_state": result.ignoresReviewState = fields.bool(entry) ?? false
            case "distinct_reviewers": result.needsDistinctReviewers = fields.bool(entry) ?? false
            case "commandHelpLink", "command_help_link": result.commandHelpLink = fields.text(entry)
            case "pr_process_link": result.processLink = fields.text(entry)
            default: fields.warnUnknown(entry, in: "approve")
            }
        }
        return result
    }

    mutating func lgtm(_ entries: [YAMLEntry]) -> PluginSettings.LGTM {
        var result = PluginSettings.LGTM()
        for entry in entries {
            switch entry.key {
            case "repos": result.repos = repos(entry)
            case "review_acts_as_lgtm": result.reviewActsAsLGTM = fields.bool(entry) ?? false
            case "store_tree_hash": result.storesTreeHash = fields.bool(entry) ?? false
            case "trusted_team_for_sticky_lgtm", "sticky_lgtm_team": result.stickyTeam = fields.text(entry)
            default: fields.warnUnknown(entry, in: "lgtm")
            }
        }
        return result
    }

    mutating func readOwners(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "mdyamlrepos": settings.owners.markdownHeadRepos = repos(entry)
            case "skip_collaborators": settings.owners.skipsCollaboratorsIn = repos(entry)
            case "labels_denylist", "labels_blacklist", "labels_excludes":
                settings.owners.labelsDenied = fields.texts(entry)
            case "filenames":
                for scope in fields.mapping(entry) ?? [] {
                    var names = PluginSettings.Owners.Filenames()
                    for name in fields.mapping(scope) ?? [] {
                        switch name.key {
                        case "owners": names.owners = fields.text(name) ?? names.owners
                        case "owners_aliases": names.aliases = fields.text(name) ?? names.aliases
                        default: fields.warnUnknown(name, in: "filenames")
                        }
                    }
                    settings.owners.filenames[scope.key] = names
                }
            default: fields.warnUnknown(entry, in: "owners")
            }
        }
    }

    mutating func readBlunderbuss(_ section: YAMLEntry) {
        let entries = fields.mapping(section) ?? []
        settings.blunderbuss = blunderbuss(entries.filter { $0.key != "orgs" })
        for orgs in entries where orgs.key == "orgs" {
            for org in fields.mapping(orgs) ?? [] {
                checkScope(org.key, org.line, in: "blunderbuss")
                let entries = fields.mapping(org) ?? []
                let own = entries.filter { $0.key != "repos" }
                if !own.isEmpty { settings.blunderbussOf[org.key] = blunderbuss(own) }
                for repos in entries where repos.key == "repos" {
                    for repo in fields.mapping(repos) ?? [] {
                        settings.blunderbussOf["\(org.key)/\(repo.key)"] = blunderbuss(fields.mapping(repo) ?? [])
                    }
                }
            }
        }
    }

    private mutating func blunderbuss(_ entries: [YAMLEntry]) -> PluginSettings.Blunderbuss {
        var result = PluginSettings.Blunderbuss()
        for entry in entries {
            switch entry.key {
            case "request_count": result.requestCount = fields.count(entry) ?? 2
            case "max_request_count": result.maximumRequests = fields.count(entry)
            case "exclude_approvers": result.excludesApprovers = fields.bool(entry) ?? false
            case "ignore_drafts": result.ignoresDrafts = fields.bool(entry) ?? false
            case "ignore_authors": result.ignoredAuthors = fields.texts(entry)
            case "use_status_availability":
                fields.warnUnserved(entry, "whether somebody is busy is not asked of GitHub")
            case "wait_for_status":
                var status = PluginSettings.AwaitedStatus()
                for field in fields.mapping(entry) ?? [] {
                    switch field.key {
                    case "context": status.context = fields.text(field) ?? status.context
                    case "state": status.state = fields.text(field) ?? status.state
                    case "description": status.description = pattern(field) ?? status.description
                    default: fields.warnUnknown(field, in: "wait_for_status")
                    }
                }
                result.waitsFor = status
            default: fields.warnUnknown(entry, in: "blunderbuss")
            }
        }
        return result
    }

    mutating func readSize(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            guard let bound = fields.count(entry) else { continue }
            switch entry.key {
            case "s": settings.size.small = bound
            case "m": settings.size.medium = bound
            case "l": settings.size.large = bound
            case "xl": settings.size.extraLarge = bound
            case "xxl": settings.size.huge = bound
            default: fields.warnUnknown(entry, in: "size")
            }
        }
        let size = settings.size
        let bounds = [size.small, size.medium, size.large, size.extraLarge, size.huge]
        guard bounds != bounds.sorted() else { return }
        fields.refuse(section.line, "the sizes do not grow from s to xxl (\(bounds)); write them in growing order")
    }

    mutating func readLabel(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "restricted_labels":
                for scope in fields.mapping(entry) ?? [] {
                    settings.label.restricted[scope.key, default: []] += fields.list(scope).compactMap {
                        restricted($0)
                    }
                }
            case _ where isSupplement: refuseInSupplement(entry)
            case "additional_labels": settings.label.additional = fields.texts(entry)
            default: fields.warnUnknown(entry, in: "label")
            }
        }
    }

    private mutating func restricted(_ node: YAMLNode) -> PluginSettings.Labels.Restricted? {
        guard case .mapping(let entries) = node.content else {
            fields.refuse(node.line, "an entry of restricted_labels is \(node.kind); write label and who may set it")
            return nil
        }
        var result = PluginSettings.Labels.Restricted()
        for entry in entries {
            switch entry.key {
            case "label": result.label = fields.text(entry) ?? ""
            case "allowed_teams": result.teams = fields.texts(entry)
            case "allowed_users": result.users = fields.texts(entry)
            case "allow_approvers_from_owners": result.allowsApprovers = fields.bool(entry) ?? false
            case "remove_on_new_commits": result.endsWithPush = fields.bool(entry) ?? false
            case "assign_on":
                for item in fields.list(entry) {
                    guard case .mapping(let members) = item.content else { continue }
                    for member in members where member.key == "label" {
                        if let name = fields.text(member) { result.assignOn.append(name) }
                    }
                }
            default: fields.warnUnknown(entry, in: "restricted_labels")
            }
        }
        return result
    }

    mutating func blockade(_ entries: [YAMLEntry]) -> PluginSettings.Blockade {
        var result = PluginSettings.Blockade()
        for entry in entries {
            switch entry.key {
            case "repos": result.repos = repos(entry)
            case "branchregexp": result.branchPattern = pattern(entry)
            case "blockregexps": result.blocked = patterns(entry)
            case "exceptionregexps": result.exceptions = patterns(entry)
            case "explanation": result.explanation = fields.text(entry) ?? ""
            default: fields.warnUnknown(entry, in: "blockades")
            }
        }
        return result
    }

    mutating func matchingLabel(_ entries: [YAMLEntry]) -> PluginSettings.MatchingLabel {
        var result = PluginSettings.MatchingLabel()
        var isForPulls = false
        for entry in entries {
            switch entry.key {
            case "org": result.org = fields.text(entry) ?? ""
            case "repo": result.repo = fields.text(entry)
            case "branch": result.branch = fields.text(entry)
            case "regexp": result.pattern = pattern(entry) ?? ""
            case "missing_label": result.missingLabel = fields.text(entry) ?? ""
            case "missing_comment": result.comment = fields.text(entry)
            case "prs": isForPulls = fields.bool(entry) ?? false
            case "issues": _ = fields.bool(entry)
            case "grace_period": fields.warnUnserved(entry, "the label is looked for at once")
            default: fields.warnUnknown(entry, in: "require_matching_label")
            }
        }
        // A rule about issues alone says nothing about pull requests.
        if !isForPulls { result.org = "" }
        return result
    }

    mutating func readMaintainers(_ section: YAMLEntry) {
        for scope in fields.mapping(section) ?? [] {
            var result = PluginSettings.MilestoneMaintainers()
            for entry in fields.mapping(scope) ?? [] {
                switch entry.key {
                case "maintainers_team": result.team = fields.text(entry) ?? ""
                case "maintainers_friendly_name": result.friendlyName = fields.text(entry)
                case "maintainers_id":
                    fields.warnUnserved(entry, "teams are known by their slugs; write maintainers_team")
                default: fields.warnUnknown(entry, in: "repo_milestone")
                }
            }
            settings.milestoneMaintainers[scope.key] = result
        }
    }

    mutating func readSignOff(_ section: YAMLEntry) {
        for scope in fields.mapping(section) ?? [] {
            var result = PluginSettings.SignOff()
            for entry in fields.mapping(scope) ?? [] {
                switch entry.key {
                case "skip_dco_check_for_members": result.skipsMembers = fields.bool(entry) ?? false
                case "skip_dco_check_for_collaborators": result.skipsCollaborators = fields.bool(entry) ?? false
                case "trusted_org": result.trustedOrg = fields.text(entry)
                case "trusted_apps": result.trustedApps = fields.texts(entry)
                case "contributing_repo": result.guideRepository = fields.text(entry)
                case "contributing_branch": result.guideBranch = fields.text(entry)
                case "contributing_path": result.guidePath = fields.text(entry)
                default: fields.warnUnknown(entry, in: "dco of \(scope.key)")
                }
            }
            settings.signOff[scope.key] = result
        }
    }

    mutating func readOverride(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "allow_top_level_owners": settings.override.allowsTopLevelOwners = fields.bool(entry) ?? false
            case "allowed_github_teams":
                for scope in fields.mapping(entry) ?? [] { settings.override.teams[scope.key] = fields.texts(scope) }
            default: fields.warnUnknown(entry, in: "override")
            }
        }
    }

    mutating func readUnapproved(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "branchregexp":
                settings.cherryPickUnapproved.branchPattern =
                    pattern(entry) ?? settings.cherryPickUnapproved.branchPattern
            case "comment": settings.cherryPickUnapproved.comment = fields.text(entry)
            default: fields.warnUnknown(entry, in: "cherry_pick_unapproved")
            }
        }
    }

    mutating func approvedPicks(_ entries: [YAMLEntry]) -> PluginSettings.CherryPickApproved {
        var result = PluginSettings.CherryPickApproved()
        for entry in entries {
            switch entry.key {
            case "org": result.org = fields.text(entry) ?? ""
            case "repo": result.repo = fields.text(entry) ?? ""
            case "branchregexp": result.branchPattern = pattern(entry) ?? result.branchPattern
            case "approvers": result.approvers = fields.texts(entry)
            case "allow_missing_approved_label":
                if fields.bool(entry) == true { result.neededLabels.remove("approved") }
            case "allow_missing_lgtm_label": if fields.bool(entry) == true { result.neededLabels.remove("lgtm") }
            default: fields.warnUnknown(entry, in: "cherry_pick_approved")
            }
        }
        return result
    }

    mutating func readHelp(_ section: YAMLEntry) {
        for entry in fields.mapping(section) ?? [] {
            switch entry.key {
            case "help_guidelines_url": settings.help.guidelinesURL = fields.text(entry)
            case "help_guidelines_summary": settings.help.guidelinesSummary = fields.text(entry)
            default: fields.warnUnknown(entry, in: "help")
            }
        }
    }

    private mutating func repos(_ entry: YAMLEntry) -> [String] {
        let names = fields.texts(entry)
        for name in names { checkScope(name, entry.line, in: entry.key) }
        return names
    }
}
