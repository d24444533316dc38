/// The plugins that follow from OWNERS files, in the order in which they act.
package enum OwnersPlugins {
    package static let all: [PullPlugin] = []
}
