import Web

/// Bars over a common scale, oldest on the left. The shapes are stretched to the page's width; the words stand beside
/// them as text, so that they stay readable on a phone.
struct BarChart: Sendable {
    struct Bar: Sendable {
        /// From the ground up: a CSS class (`bar-success` …) and a value of the chart's unit.
        var parts: [(style: String, value: Double)]
        /// What the bar says in words.
        var title: String
        /// The page of this site that the bar leads to.
        var link: String?
        /// A mark below the ground, for who does not see the bar's colour.
        var isMarked: Bool

        init(
            _ parts: [(style: String, value: Double)], title: String, link: String? = nil, isMarked: Bool = false
        ) {
            self.parts = parts
            self.title = title
            self.link = link
            self.isMarked = isMarked
        }

        var height: Double { parts.reduce(0) { $0 + max(0, $1.value) } }
    }

    /// What the values are measured in.
    enum Unit: Sendable {
        case seconds, count, percent

        /// The least value that is easy to read and not below `value`.
        func roundedUp(_ value: Double) -> Double {
            switch self {
            case .percent: return 100
            case .seconds:
                let steps: [Double] = [
                    0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800,
                    43_200, 86_400,
                ]
                return steps.first { $0 >= value } ?? (value / 86_400).rounded(.up) * 86_400
            case .count:
                var step = 1.0
                while step < value {
                    for factor in [2, 4, 10.0] where step * factor >= value { return step * factor }
                    step *= 10
                }
                return max(2, step)
            }
        }

        func words(_ value: Double) -> String {
            switch self {
            case .seconds: HumanTime.duration(value)
            case .count: String(Int(value.rounded()))
            case .percent: "\(Int(value.rounded())) %"
            }
        }
    }

    var bars: [Bar]
    var unit: Unit
    var label: String
    /// What stands at the left and the right end below the bars.
    var ends: (String, String)
    /// Bars that there is room for at least: a few stay narrow.
    var minimumSlots = 1
    var isSmall = false

    private static let width = 720.0
    private static let height = 100.0

    init(_ bars: [Bar], unit: Unit, label: String, ends: (String, String)) {
        self.bars = bars
        self.unit = unit
        self.label = label
        self.ends = ends
    }

    var html: Markup {
        let top = unit.roundedUp(bars.map(\.height).max() ?? 0)
        let step = Self.width / Double(max(bars.count, minimumSlots))
        var shapes: [Markup] = [0.5, 100.0 / 2, 100].map { y in
            "<line class=\"grid\" x1=\"0\" x2=\"720\" y1=\"\(Figure.number(y))\" y2=\"\(Figure.number(y))\"/>"
        }
        for (index, bar) in bars.enumerated() {
            let x = Self.width - Double(bars.count - index) * step
            shapes.append(shape(bar, x: x, width: step * 0.82, top: top))
        }
        let small: Markup = isSmall ? " small" : ""
        return """
            <figure class="chart\(small)"><div class="axis" aria-hidden="true"><span>\(unit.words(top))</span>\
            <span>\(unit.words(top / 2))</span><span>0</span></div>\
            <svg viewBox="0 0 720 100" preserveAspectRatio="none" role="group" aria-label="\(label)">\
            \(Markup(joining: shapes))</svg>\
            <figcaption class="span"><span>\(ends.0)</span><span>\(ends.1)</span></figcaption></figure>
            """
    }

    private func shape(_ bar: Bar, x: Double, width: Double, top: Double) -> Markup {
        let position: Markup = "x=\"\(Figure.number(x))\" width=\"\(Figure.number(max(1, width)))\""
        var ground = Self.height
        var rectangles: [Markup] = []
        for part in bar.parts where part.value > 0 {
            let height = max(1.5, part.value / top * Self.height)
            ground -= height
            rectangles.append(
                "<rect class=\"\(part.style)\" \(position) y=\"\(Figure.number(max(0, ground)))\" height=\"\(Figure.number(height))\"/>"
            )
        }
        if bar.isMarked { rectangles.append("<rect class=\"bar-mark\" \(position) y=\"103\" height=\"4\"/>") }
        let inside: Markup = "\(Markup(joining: rectangles))<title>\(bar.title)</title>"
        return bar.link.map { "<a href=\"\($0)\" aria-label=\"\(bar.title)\">\(inside)</a>" } ?? "<g>\(inside)</g>"
    }
}

/// Numbers as SVG takes them.
enum Figure {
    /// To the tenth, without the `.0` of a whole one.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(abs(tenths % 10))"
    }
}
