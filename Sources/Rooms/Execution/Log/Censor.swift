/// Replaces secrets in a stream by as many asterisks, wherever the stream's pieces are cut.
///
/// Only what could be the beginning of a secret is held back, so a quiet job's last line shows at once.
package struct Censor: Sendable {
    private let secrets: SecretSet
    /// Not yet decided; as it came.
    private var held: [UInt8] = []
    /// Leading bytes of `held` that belong to a secret which began before them.
    private var maskedPrefix = 0

    package init(_ secrets: SecretSet) { self.secrets = secrets }

    /// Takes a piece and returns what is decided.
    package mutating func feed(_ piece: [UInt8]) -> [UInt8] {
        guard !secrets.isEmpty, !piece.isEmpty else { return piece }
        let window = held.isEmpty ? piece : held + piece
        var output = window
        let (boundary, maskedUntil) = mask(window, &output)
        held = Array(window[boundary...])
        maskedPrefix = max(0, maskedUntil - boundary)
        output.removeSubrange(boundary...)
        return output
    }

    /// The rest, at the end of the stream.
    /// - Parameter isCut: the stream went on, unseen; what may be the beginning of a secret is masked.
    package mutating func finish(isCut: Bool = false) -> [UInt8] {
        let masked = isCut ? held.count : maskedPrefix
        let rest = [UInt8](repeating: UInt8(ascii: "*"), count: masked) + held.dropFirst(masked)
        held = []
        maskedPrefix = 0
        return rest
    }

    /// A whole text at once.
    package static func censor(_ bytes: [UInt8], _ secrets: SecretSet) -> [UInt8] {
        var censor = Censor(secrets)
        return censor.feed(bytes) + censor.finish()
    }

    /// Masks the secrets of a window. Answers where undecided bytes begin, and how far secrets reach that begin before.
    private func mask(_ window: [UInt8], _ output: inout [UInt8]) -> (boundary: Int, maskedUntil: Int) {
        var boundary = window.count
        var maskedUntil = maskedPrefix
        window.withUnsafeBufferPointer { window in
            secrets.beginnings.withUnsafeBufferPointer { beginnings in
                output.withUnsafeMutableBufferPointer { output in
                    for index in 0..<min(maskedPrefix, window.count) { output[index] = UInt8(ascii: "*") }
                    let last = window.count - 1
                    for index in 0..<max(0, last) {
                        let pair = UInt16(window[index]) << 8 | UInt16(window[index + 1])
                        guard beginnings[Int(pair >> 6)] >> UInt64(pair & 63) & 1 == 1 else { continue }
                        for candidate in secrets.byBeginning[pair] ?? [] {
                            let pattern = secrets.patterns[candidate]
                            let available = min(pattern.count, window.count - index)
                            guard matches(window, index, pattern, available) else { continue }
                            if available < pattern.count {
                                boundary = min(boundary, index)
                            } else {
                                for position in index..<index + available { output[position] = UInt8(ascii: "*") }
                                // What begins behind the boundary is looked at again with what follows.
                                if index < boundary { maskedUntil = max(maskedUntil, index + available) }
                            }
                        }
                    }
                    if secrets.firstBytes[Int(window[last])] { boundary = min(boundary, last) }
                }
            }
        }
        return (boundary, maskedUntil)
    }

    private func matches(_ window: UnsafeBufferPointer<UInt8>, _ index: Int, _ pattern: [UInt8], _ count: Int) -> Bool {
        for position in 0..<count where window[index + position] != pattern[position] { return false }
        return true
    }
}
