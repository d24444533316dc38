#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A random stream that is the same on every machine (SplitMix64; Steele, Lea and Flood 2014).
struct RandomStream: RandomNumberGenerator {
    private var state: UInt64

    init(_ seeds: UInt64...) {
        state = seeds.reduce(0x9E37_79B9_7F4A_7C15) { Self.mix($0 ^ Self.mix($1)) }
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// Between 0 and 1, neither of them.
    mutating func unit() -> Double { (Double(next() >> 11) + 0.5) / 9_007_199_254_740_992 }

    mutating func exponential(mean: Double) -> Double { -log(unit()) * mean }

    mutating func lognormal(mean: Double, sigma: Double) -> Double {
        let normal = (-2 * log(unit())).squareRoot() * cos(2 * .pi * unit())
        return exp(log(mean) - sigma * sigma / 2 + sigma * normal)
    }
}
