import Testing

/// A history without a fault, and what each rule finds when one thing of it is changed.
@Suite("The checker of leases' histories")
struct LeaseCheckerTests {
    /// Two clients after each other on one resource, the second waited for it; then one that went away.
    static let sound: LeaseHistory = {
        var history = LeaseHistory()
        history.wishes = [
            .init(id: "a", type: "board", said: 1), .init(id: "b", type: "board", said: 2, queued: 3),
            .init(id: "c", type: "board", said: 4, queued: 5),
        ]
        history.holds = [
            .init(wish: "a", name: "board-1", token: 1, seen: 1.5, left: 6),
            .init(wish: "b", name: "board-1", token: 2, seen: 7, left: 8),
            .init(wish: "c", name: "board-1", token: 3, seen: 9),
        ]
        history.ended = [
            .init(name: "board-1", token: 1, wish: "a", grantedAt: 1.2, endedAt: 6.1, endedBy: "release"),
            .init(name: "board-1", token: 2, wish: "b", grantedAt: 6.1, endedAt: 8.1, endedBy: "release"),
            .init(name: "board-1", token: 3, wish: "c", grantedAt: 8.1, endedAt: 20, endedBy: "expiry"),
        ]
        history.lateCalls = [.init(name: "board-1", token: 1, wasRefused: true)]
        history.resources = [.init(name: "board-1", token: 3, isFree: true)]
        return history
    }()

    struct Flaw: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var breaks: LeaseChecker.Rule
        var change: @Sendable (inout LeaseHistory) -> Void
    }

    static let flaws: [Flaw] = [
        Flaw(testDescription: "the books overlap", breaks: .oneOwner) { $0.ended[1].grantedAt = 6.05 },
        Flaw(testDescription: "seen by two at once", breaks: .oneOwner) { $0.holds[1].seen = 5.9 },
        Flaw(testDescription: "released, though its holder never did", breaks: .oneOwner) { $0.holds[0].left = nil },
        Flaw(testDescription: "a token twice", breaks: .fencedGrants) { $0.ended[1].token = 1 },
        Flaw(testDescription: "a token left out", breaks: .fencedGrants) { $0.ended[2].token = 4 },
        Flaw(testDescription: "a grant that the books do not know", breaks: .fencedGrants) {
            $0.holds[1].wish = "d"
        },
        Flaw(testDescription: "a grant under another token", breaks: .fencedGrants) { $0.holds[1].token = 3 },
        Flaw(testDescription: "a resource that stays dirty", breaks: .nothingLost) { $0.resources[0].isFree = false },
        Flaw(testDescription: "a lease without an end", breaks: .nothingLost) { $0.resources[0].token = 4 },
        Flaw(testDescription: "a resource that is gone", breaks: .nothingLost) {
            $0.resources.append(.init(name: "board-2", token: 1, isFree: true))
        },
        Flaw(testDescription: "an old token that was good", breaks: .oldTokensRefused) {
            $0.lateCalls[0].wasRefused = false
        },
        Flaw(testDescription: "overtaken", breaks: .fairOrder) {
            $0.ended[1].wish = "c"
            $0.ended[2].wish = "b"
            $0.holds[1].wish = "c"
            $0.holds[2].wish = "b"
        },
        Flaw(testDescription: "overtaken in spite of its priority", breaks: .fairOrder) {
            $0.wishes[2].priority = 1
        },
        Flaw(testDescription: "never granted, while others were", breaks: .fairOrder) {
            $0.wishes.append(.init(id: "d", type: "board", said: 1, queued: 1.2))
        },
        Flaw(testDescription: "an answer without a reason", breaks: .noSurprise) { $0.surprises = ["500"] },
    ]

    @Test("nothing is found in a history that is as it should be")
    func sound() {
        #expect(LeaseChecker(Self.sound).faults == [:])
    }

    @Test("what is wrong is found, by its rule alone", arguments: flaws)
    func flaw(_ flaw: Flaw) {
        var history = Self.sound
        flaw.change(&history)
        #expect(LeaseChecker(history).faults.map(\.key) == [flaw.breaks])
    }

    /// Where more than one comes first by right.
    @Test("who was known to wait later, of another type, or further back by priority may go after")
    func order() {
        var history = Self.sound
        history.wishes[1].queued = 4.5
        history.wishes[2].priority = 1
        history.ended[1].wish = "c"
        history.ended[2].wish = "b"
        #expect(LeaseChecker(history).faults(against: .fairOrder) == [])
        history.wishes[1].queued = 3
        history.wishes[2].priority = 0
        history.wishes[2].type = "bench"
        #expect(LeaseChecker(history).faults(against: .fairOrder) == [])
    }
}
