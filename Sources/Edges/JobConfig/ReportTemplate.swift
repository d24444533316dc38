import FoundationEssentials
package import SlipwayModel

/// Prow's `plank.report_templates`: what a comment about failed runs says below its table. A template of Go's
/// `text/template` over the ProwJob that is reported.
package struct ReportTemplate: Sendable {
    /// The fields of a ProwJob that a template may name.
    package struct Subject: Sendable {
        package var kind: JobKind
        package var job: String
        package var context: String?
        package var rerunCommand: String?
        package var cluster: String
        package var refs: Refs
        package var runID: RunID
        package var buildID: BuildID
        package var state: RunState
        package var description: String?
        /// The run's page.
        package var url: String

        package init(
            kind: JobKind, job: String, context: String?, rerunCommand: String?, cluster: String, refs: Refs,
            runID: RunID, buildID: BuildID, state: RunState, description: String?, url: String
        ) {
            self.kind = kind
            self.job = job
            self.context = context
            self.rerunCommand = rerunCommand
            self.cluster = cluster
            self.refs = refs
            self.runID = runID
            self.buildID = buildID
            self.state = state
            self.description = description
            self.url = url
        }
    }

    private let template: GoTemplate

    /// - Throws: `GoTemplateError` where the text is no template, or names what a ProwJob does not have.
    package init(_ text: String) throws(GoTemplateError) {
        template = try GoTemplate(text)
        _ = try template.render(Self.specimen.document)
    }

    package func render(_ subject: Subject) throws(GoTemplateError) -> String {
        try template.render(subject.document)
    }

    /// What a template is tried on when a configuration is read.
    private static let specimen: Subject = {
        var refs = Refs(
            repository: RepositoryName(org: "org", repo: "repo"), baseRef: "main",
            baseSHA: String(repeating: "0", count: 40))
        refs.pulls = [Pull(number: 1, author: "author", sha: String(repeating: "1", count: 40))]
        return Subject(
            kind: .presubmit, job: "job", context: "job", rerunCommand: "/test job", cluster: "default", refs: refs,
            runID: RunID(), buildID: BuildID(1), state: .failure, description: nil, url: "http://localhost/runs/1")
    }()
}

extension ReportTemplate.Subject {
    /// With Go's names of the fields.
    fileprivate var document: JSONValue {
        let pulls = (refs.pulls ?? []).map { pull -> JSONValue in
            .object([
                "Number": .integer(Int64(pull.number)), "Author": .string(pull.author), "SHA": .string(pull.sha),
                "Title": .string(pull.title ?? ""), "Ref": .string(pull.ref ?? ""),
                "HeadRef": .string(pull.headRef ?? ""), "Link": .string(pull.link ?? ""),
                "CommitLink": .string(pull.commitLink ?? ""), "AuthorLink": .string(pull.authorLink ?? ""),
            ])
        }
        let refs: JSONValue = .object([
            "Org": .string(refs.org), "Repo": .string(refs.repo), "RepoLink": .string(refs.repoLink ?? ""),
            "BaseRef": .string(refs.baseRef ?? ""), "BaseSHA": .string(refs.baseSHA ?? ""),
            "BaseLink": .string(refs.baseLink ?? ""), "Pulls": .array(pulls),
        ])
        return .object([
            "Name": .string(runID.description),
            "Spec": .object([
                "Type": .string(kind.rawValue), "Agent": .string("kubernetes"), "Cluster": .string(cluster),
                "Job": .string(job), "Context": .string(context ?? ""), "RerunCommand": .string(rerunCommand ?? ""),
                "Report": .bool(true), "Refs": refs,
            ]),
            "Status": .object([
                "State": .string(state.prowName), "Description": .string(description ?? ""), "URL": .string(url),
                "BuildID": .string(buildID.description),
            ]),
        ])
    }
}
