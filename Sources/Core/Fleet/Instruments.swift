import Synchronization

/// The figures of one process, in Prometheus' text format: counters, gauges, and histograms of seconds.
package final class Instruments: Sendable {
    package typealias Labels = KeyValuePairs<String, String>

    private struct Histogram {
        var buckets = [UInt64](repeating: 0, count: bounds.count)
        var sum = 0.0
        var count: UInt64 = 0

        mutating func observe(_ seconds: Double) {
            if let index = bounds.firstIndex(where: { seconds <= $0 }) { buckets[index] += 1 }
            sum += seconds
            count += 1
        }
    }

    private struct State {
        var counters: [String: [String: Double]] = [:]
        var gauges: [String: [String: Double]] = [:]
        var histograms: [String: [String: Histogram]] = [:]
        var collectors: [@Sendable (Instruments) async -> Void] = []
    }

    /// Upper bounds in seconds.
    private static let bounds: [Double] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    private let state = Mutex(State())

    package init() {}

    package func count(_ name: String, _ labels: Labels = [:], by amount: Double = 1) {
        state.withLock { $0.counters[name, default: [:]][Self.render(labels), default: 0] += amount }
    }

    package func set(_ name: String, _ labels: Labels = [:], to value: Double) {
        state.withLock { $0.gauges[name, default: [:]][Self.render(labels)] = value }
    }

    /// Records one duration.
    package func observe(_ name: String, _ labels: Labels = [:], _ duration: Duration) {
        let seconds =
            Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        let series = Self.render(labels)
        state.withLock { $0.histograms[name, default: [:]][series, default: Histogram()].observe(seconds) }
    }

    /// Adds a collector that is asked for gauges at each scrape.
    package func collect(_ collector: @escaping @Sendable (Instruments) async -> Void) {
        state.withLock { $0.collectors.append(collector) }
    }

    /// The whole exposition.
    package func scrape() async -> String {
        for collector in state.withLock({ $0.collectors }) { await collector(self) }
        return state.withLock { state in
            var text = ""
            for (kind, families) in [("counter", state.counters), ("gauge", state.gauges)] {
                for (name, series) in families.sorted(by: { $0.key < $1.key }) {
                    text += "# TYPE \(name) \(kind)\n"
                    for (labels, value) in series.sorted(by: { $0.key < $1.key }) {
                        text += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(Self.format(value))\n"
                    }
                }
            }
            for (name, series) in state.histograms.sorted(by: { $0.key < $1.key }) {
                text += "# TYPE \(name) histogram\n"
                for (labels, histogram) in series.sorted(by: { $0.key < $1.key }) {
                    let comma = labels.isEmpty ? "" : ","
                    var total: UInt64 = 0
                    for (bound, bucket) in zip(Self.bounds, histogram.buckets) {
                        total += bucket
                        text += "\(name)_bucket{\(labels)\(comma)le=\"\(Self.format(bound))\"} \(total)\n"
                    }
                    text += "\(name)_bucket{\(labels)\(comma)le=\"+Inf\"} \(histogram.count)\n"
                    text += "\(name)_sum\(labels.isEmpty ? "" : "{\(labels)}") \(histogram.sum)\n"
                    text += "\(name)_count\(labels.isEmpty ? "" : "{\(labels)}") \(histogram.count)\n"
                }
            }
            return text
        }
    }

    private static func format(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private static func render(_ labels: Labels) -> String {
        labels.map { key, value in
            let escaped = value.flatMap { character -> String in
                switch character {
                case "\\": "\\\\"
                case "\"": "\\\""
                case "\n": "\\n"
                default: String(character)
                }
            }
            return "\(key)=\"\(String(escaped))\""
        }.joined(separator: ",")
    }
}
