import FoundationEssentials
import Merging
import Testing

@Suite struct MergeTrainTests {
    @Test func anEmptyTrainDoesNothing() {
        var train = MergeTrain(base: TrainBase(commit: "c0", tree: "t0"), capacity: 4)
        #expect(train.apply(.tick, at: Date(timeIntervalSince1970: 0)).isEmpty)
        #expect(train.outstanding().isEmpty)
    }
}
