import Foundation
import PullRequests
import Testing

@Suite("The mirror of labels")
struct LabelMirrorTests {
    private static let now = Date(timeIntervalSince1970: 1_000_000)

    @Test("what was asked for counts until the forge shows it")
    func pending() {
        var mirror = LabelMirror(labels: ["a"], decisions: [:])
        let isAdded = mirror.decide("b", present: true, saidAt: Self.now, saidIn: 1, now: Self.now)
        let isRemoved = mirror.decide("A", present: false, saidAt: Self.now, saidIn: 1, now: Self.now)
        #expect(isAdded && isRemoved)
        #expect(mirror.labels == ["b"])
        let early = mirror.show(["a"], changed: nil, at: Self.now)
        #expect(early == [])
        #expect(mirror.labels == ["b"])
        let settled = mirror.show(["b"], changed: nil, at: Self.now)
        #expect(Set(settled) == ["a", "b"])
        #expect(mirror.labels == ["b"])
    }

    @Test("somebody else's change at the forge is the last word")
    func others() {
        var mirror = LabelMirror(labels: [], decisions: [:])
        _ = mirror.decide("hold", present: true, saidAt: Self.now, saidIn: 1, now: Self.now)
        let settled = mirror.show([], changed: "hold", at: Self.now)
        #expect(settled == ["hold"])
        #expect(mirror.labels.isEmpty)
    }

    @Test("a label that the forge never takes is given up after a while")
    func patience() {
        var mirror = LabelMirror(labels: [], decisions: [:])
        _ = mirror.decide("hold", present: true, saidAt: Self.now, saidIn: 1, now: Self.now)
        let settled = mirror.show([], changed: nil, at: Self.now + LabelMirror.patience + 1)
        #expect(settled == ["hold"])
        #expect(mirror.labels.isEmpty)
    }

    @Test("of two comments the later one decides, in whatever order they come")
    func order() {
        var mirror = LabelMirror(labels: [], decisions: [:])
        _ = mirror.decide("hold", present: false, saidAt: Self.now + 1, saidIn: 2, now: Self.now)
        #expect(!mirror.mayDecide("Hold", saidAt: Self.now, saidIn: 1))
        #expect(mirror.mayDecide("hold", saidAt: Self.now + 1, saidIn: 3))
        #expect(!mirror.mayDecide("hold", saidAt: Self.now + 1, saidIn: 1))
        #expect(mirror.mayDecide("other", saidAt: .distantPast, saidIn: 0))
    }
}
