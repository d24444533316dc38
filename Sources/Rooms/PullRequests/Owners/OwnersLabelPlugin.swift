/// Labels that OWNERS files give to changes of their files. (Prow: plugins/owners-label.)
package enum OwnersLabelPlugin {
    package static let plugin = PullPlugin(
        "owners-label", "Adds the labels that the OWNERS files of the changed files name, if the repository has them.",
        reaction: .init(
            needs: { event, context in
                matters(event, context) ? [.owners, .repositoryLabels] : []
            },
            react: { event, context in
                guard matters(event, context), let owners = context.facts.owners else { return [] }
                let known = Set((context.facts.repositoryLabels ?? []).map { $0.lowercased() })
                return owners.labels.filter { known.contains($0.lowercased()) && !context.pull.has($0) }
                    .map { .addLabel($0) }
            }))

    private static func matters(_ event: PullEvent, _ context: PullContext) -> Bool {
        context.pull.isOpen && [.opened, .reopened, .pushed].contains(event)
    }
}
