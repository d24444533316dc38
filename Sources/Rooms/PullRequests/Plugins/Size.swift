import Forge
import JobConfig

/// Prow's rule (plugins/size): a label for the number of changed lines, generated files left out.
package enum SizePlugin {
    static let labels = ["size/XS", "size/S", "size/M", "size/L", "size/XL", "size/XXL"]

    package static let plugin = PullPlugin(
        "size", "Labels pull requests by the number of lines they change.",
        reaction: PullPlugin.Reaction(
            needs: { event, _ in concerns(event) ? [.changedFiles, .generatedFiles] : [] },
            react: { event, context in
                guard concerns(event), let files = context.facts.changedFiles else { return [] }
                let lines = files.filter { !context.facts.generatedFiles.contains($0.filename) }
                    .reduce(0) { $0 + ($1.additions ?? 0) + ($1.deletions ?? 0) }
                let label = label(lines, context)
                return context.pull.labels.filter { $0.hasPrefix("size/") && $0 != label }.map { .removeLabel($0) }
                    + (context.pull.has(label) ? [] : [.addLabel(label)])
            }))

    private static func concerns(_ event: PullEvent) -> Bool {
        event == .opened || event == .reopened || event == .pushed || event == .edited
    }

    private static func label(_ lines: Int, _ context: PullContext) -> String {
        let size = context.settings.settings.size
        let bounds = [size.small, size.medium, size.large, size.extraLarge, size.huge]
        return labels[bounds.count { $0 <= lines }]
    }
}
