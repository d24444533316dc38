/// What becomes of a forwarded delivery after an attempt. Pure.
///
/// | the plugin | then |
/// |---|---|
/// | answers 2xx | done |
/// | answers 408, 429 or 5xx, or not at all | again after 1 s, 2 s, 4 s … 5 min, halved to doubled by chance |
/// | the same, a day after the delivery came | given up |
/// | answers anything else | given up: it was understood and refused |
package enum ForwardVerdict: Hashable, Sendable {
    case done
    /// Seconds.
    case again(after: Double)
    case givenUp

    /// How long a delivery is offered, in seconds.
    static let patience: Double = 86_400

    /// - Parameters:
    ///   - status: The answer; nil where there was none.
    ///   - attempts: This one included.
    ///   - age: Seconds since the delivery came.
    ///   - chance: From 0 to 1.
    package init(status: Int?, attempts: Int, age: Double, chance: Double = .random(in: 0...1)) {
        switch status {
        case .some(200..<300): self = .done
        case nil, .some(408), .some(429), .some(500...):
            guard age < Self.patience else {
                self = .givenUp
                return
            }
            let backoff = Double(1 << min(max(attempts - 1, 0), 9))
            self = .again(after: min(backoff, 300) * (0.5 + chance))
        default: self = .givenUp
        }
    }
}
