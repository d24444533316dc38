import SlipwayModel

/// The plugins that follow from OWNERS files, in the order in which they act.
package enum OwnersPlugins {
    package static let all: [PullPlugin] = []

    /// Approvals that are missing, and who can give them.
    static func obstacles(_ context: PullContext) -> [MergeObstacle] { [] }
}
