import FoundationEssentials
import Web

/// How a pool stood over the last day: a bar for each quarter of an hour, leased below free below dirty, and how many
/// waited as a line above.
struct PoolChart: Sendable {
    struct Sample: Sendable {
        var at: Date
        var free: Double
        var leased: Double
        var dirty: Double
        var other: Double
        var waiting: Double
    }

    let samples: [Sample]
    let now: Date

    private static let slots = 96
    private static let height = 100.0

    var html: Markup {
        let most = max(1, samples.map { max($0.leased + $0.free + $0.dirty + $0.other, $0.waiting) }.max() ?? 1)
        var bars: [Markup] = []
        for sample in samples {
            let slot = Self.slots - 1 - Int(now.timeIntervalSince(sample.at) / 900)
            guard (0..<Self.slots).contains(slot) else { continue }
            var top = Self.height
            func bar(_ count: Double, _ style: String) {
                let height = count / most * Self.height
                guard height > 0.05 else { return }
                top -= height
                bars.append(
                    "<rect class=\"\(style)\" x=\"\(slot * 10)\" y=\"\(Self.text(top))\" width=\"9\" height=\"\(Self.text(height))\"/>"
                )
            }
            bar(sample.leased, "bar-aborted")
            bar(sample.free, "bar-success")
            bar(sample.dirty + sample.other, "bar-failure")
            if sample.waiting > 0 {
                let at = Self.height - sample.waiting / most * Self.height
                bars.append(
                    "<rect class=\"bar-wait\" x=\"\(slot * 10)\" y=\"\(Self.text(max(0, at - 1.5)))\" width=\"9\" height=\"3\"/>"
                )
            }
        }
        let label = "How many were leased, free and dirty, and how many waited, over the last day; at most \(Int(most))"
        let axis: Markup = "<span>\(Int(most.rounded(.up)))</span><span>0</span>"
        let svg: Markup =
            "<svg viewBox=\"0 0 960 100\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"\(label)\">\(Markup(joining: bars))</svg>"
        return
            "<div class=\"chart\"><div class=\"axis\" aria-hidden=\"true\">\(axis)</div>\(svg)<div class=\"span\" aria-hidden=\"true\"><span>a day ago</span><span>now</span></div></div>"
    }

    private static func text(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
