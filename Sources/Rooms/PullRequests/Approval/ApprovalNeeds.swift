/// A part of a change that needs approvers of its own.
package struct ApprovalNeed: Sendable, Hashable {
    /// The folder whose OWNERS file is nearest; empty for the root.
    package var folder: String
    package var file: String
    /// How far away each approver stands: 0 for those of the nearest OWNERS file. Lower-case logins.
    package var approvers: [String: Int]
    /// How many different ones it takes.
    package var minimum: Int
    /// Changed files, and one of them.
    package var fileCount: Int
    package var example: String

    /// Everything that satisfies `other` satisfies this one.
    fileprivate func follows(from other: ApprovalNeed) -> Bool {
        guard other.minimum >= minimum, !other.approvers.isEmpty || approvers.isEmpty else { return false }
        return other.approvers.keys.allSatisfy { approvers[$0] != nil }
    }
}

/// What a change needs approved. Pure; Prow's `GetOwnersSet`.
///
/// Each changed file needs approvers out of its inherited set; for a renamed one its old place counts as well. Files
/// of one folder with the same approvers are one need. A need falls away where one of the same folder or a folder
/// above is at least as demanding: its approvers may approve below, too. Files under
/// `auto_approve_unowned_subfolders` need nothing.
///
/// (Prow drops a folder as soon as one above it is needed, so that with filters a file may land that nobody in charge
/// has approved; there, a file of the root itself also passes where the root has the option.)
package struct ApprovalNeeds: Sendable, Hashable {
    /// By folder, then by example.
    package private(set) var needs: [ApprovalNeed] = []
    package private(set) var fileCount: Int

    package init(_ changed: [String], in tree: OwnersTree) {
        fileCount = changed.count
        var byFolder: [String: [ApprovalNeed]] = [:]
        for (ownership, paths) in tree.groups(of: changed) where !ownership.needsNoApproval {
            var approvers: [String: Int] = [:]
            for (distance, layer) in ownership.approvers.enumerated() {
                for login in layer.names where approvers[login] == nil { approvers[login] = distance }
            }
            let folder = ownership.approvers.first?.folder ?? ""
            let need = ApprovalNeed(
                folder: folder,
                file: ownership.approvers.first?.file ?? OwnersPath.joined(folder, tree.layout.fileName),
                approvers: approvers, minimum: ownership.minimum, fileCount: paths.count, example: paths[0])
            if let same = byFolder[folder]?.firstIndex(where: {
                $0.minimum == need.minimum && $0.approvers == need.approvers
            }) {
                byFolder[folder]?[same].fileCount += need.fileCount
            } else {
                byFolder[folder, default: []].append(need)
            }
        }
        for (folder, all) in byFolder {
            for (place, need) in all.enumerated() {
                // Two that follow from each other would both fall away: the earlier one stays.
                let hasEqual = all.enumerated().contains { other, candidate in
                    other != place && need.follows(from: candidate)
                        && !(candidate.follows(from: need) && place < other)
                }
                if !hasEqual, !Self.followsFromAbove(need, folder, byFolder) { needs.append(need) }
            }
        }
        needs.sort { ($0.folder, $0.example) < ($1.folder, $1.example) }
    }

    private static func followsFromAbove(
        _ need: ApprovalNeed, _ folder: String, _ byFolder: [String: [ApprovalNeed]]
    ) -> Bool {
        var above = folder
        while !above.isEmpty {
            above = OwnersPath.folder(of: above)
            if byFolder[above]?.contains(where: { need.follows(from: $0) }) == true { return true }
        }
        return false
    }
}
