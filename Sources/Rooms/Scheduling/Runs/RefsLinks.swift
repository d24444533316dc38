package import Forge
package import SlipwayModel

extension Refs {
    /// With the forge's links where they are absent, as Prow fills them from payloads (`createRefs` of its trigger
    /// plugin): the agent clones from `repo_link`, pages and JOB_SPEC show the others. Refs with a `clone_uri` and no
    /// pull request may lie anywhere, and stay as they are.
    package func linked(to forge: ForgeAddress) -> Refs {
        guard pulls?.isEmpty == false || cloneURI?.isEmpty ?? true else { return self }
        var refs = self
        let page = repoLink ?? forge.pageLink(repository)
        refs.repoLink = page
        refs.baseLink = baseLink ?? baseSHA.map { "\(page)/commit/\($0)" }
        refs.pulls = pulls?.map { pull in
            var pull = pull
            pull.link = pull.link ?? "\(page)/pull/\(pull.number)"
            pull.commitLink = pull.commitLink ?? "\(page)/pull/\(pull.number)/commits/\(pull.sha)"
            pull.authorLink = pull.authorLink ?? forge.authorLink(pull.author)
            return pull
        }
        return refs
    }
}

extension ForgeAddress {
    fileprivate func pageLink(_ repository: RepositoryName) -> String { "\(web)/\(repository)" }

    /// An app's account, `name[bot]`, has its page among the apps.
    fileprivate func authorLink(_ login: String) -> String {
        login.hasSuffix("[bot]") ? "\(web)/apps/\(login.dropLast("[bot]".count))" : "\(web)/\(login)"
    }
}
