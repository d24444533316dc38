/// The plugins that follow from OWNERS files, in the order in which they act: a review first, because it may approve.
package enum OwnersPlugins {
    package static let all: [PullPlugin] = [
        LgtmPlugin.plugin, ApprovePlugin.plugin, VerifyOwnersPlugin.plugin, OwnersLabelPlugin.plugin,
        BlunderbussPlugin.plugin,
    ]
}
