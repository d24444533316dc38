/// What the forge means by refusing a merge. Pure; GitHub's codes and words.
///
/// | answer | meaning |
/// |---|---|
/// | 405 or 409, "Base branch was modified" | `baseMoved` |
/// | 409 | `headMoved`: it is not the head that was tested |
/// | 405, and whether it can be merged is not known | `notYet`: GitHub finds that out anew after every merge |
/// | 405, 422 | `final`: a method that is not allowed, a protection, a conflict |
/// | any other, none | `trouble`: the forge's, or we may not merge there |
package enum MergeRefusal: Hashable, Sendable {
    case baseMoved
    case headMoved
    case notYet
    case final
    case trouble

    /// - Parameters:
    ///   - status: of the answer; nil where there was none.
    ///   - isUndecided: the forge shows the pull request as open, and not whether it can be merged.
    package init(status: Int?, message: String, isUndecided: Bool) {
        self =
            switch status {
            case 405 where message.contains("Base branch was modified"),
                409 where message.contains("Base branch was modified"):
                .baseMoved
            case 409: .headMoved
            case 405 where isUndecided: .notYet
            case 405, 422: .final
            default: .trouble
            }
    }
}
