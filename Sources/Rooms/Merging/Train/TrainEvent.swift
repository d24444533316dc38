/// What happens to a train. Events about trials, runs and members that the train no longer knows are ignored, so a
/// driver may deliver one twice or late.
package enum TrainEvent: Hashable, Sendable, Codable {
    /// A pull request meets its pool's rules. The same number with another head replaces the older one, which is out of
    /// every trial with it; the same head again changes priority and passes only.
    case entered(TrainMember)
    /// It no longer meets them: closed, held, a label gone, merged by hand.
    case left(number: Int)
    /// The branch stands elsewhere and the train's own landing did not put it there.
    case baseMoved(TrainBase)
    /// Answers `build`. `jobs` are those required of these members together, all of them.
    case built(trial: Int, commit: String, tree: String, jobs: [TrainJob])
    /// Answers `build`: a member cannot be merged onto what is before it. `withBase` where it conflicts with the base
    /// alone, so that nobody but its author can help.
    case conflicted(trial: Int, number: Int, withBase: Bool, files: [String])
    /// Answers `build`: git said no for this member for another reason (its head is gone, it has too many commits).
    case unbuildable(trial: Int, number: Int, reason: String)
    /// Answers `request`.
    case runFinished(run: Int, TrainVerdict)
    /// Answers `land`: these members are merged at the forge, and the branch stands at `base`. May come in parts; the
    /// landing is over when the last member landed or a refusal came.
    case landed(trial: Int, numbers: [Int], base: TrainBase)
    /// Answers `land`: the rest of it did not land.
    case landingRefused(trial: Int, LandingRefusal)
    /// So many trials may be under test at once.
    case capacityChanged(Int)
    /// Time went by: at least once a minute.
    case tick
}

package enum LandingRefusal: Hashable, Sendable, Codable {
    /// The branch was not where it was expected; `baseMoved` tells where it is, before or after.
    case baseMoved
    /// The forge does not let this member in (branch protection, a method that is not allowed): the reason it gave.
    case member(number: Int, reason: String)
    /// The configuration asks for other jobs than those it passed.
    case jobsChanged
    /// The forge could not be asked, or what was to land is not fit to land any more: tried again after some seconds.
    case temporary(reason: String, seconds: Double = 60)
}
