/// Text of which the beginning and the end are kept.
struct BoundedText {
    private let headLimit: Int
    private let tailLimit: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var total = 0

    /// - Parameter limit: bytes kept, half of them from the end.
    init(limit: Int) {
        headLimit = limit / 2
        tailLimit = limit - limit / 2
    }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        total += bytes.count
        let room = headLimit - head.count
        head.append(contentsOf: bytes.prefix(room))
        guard bytes.count > room else { return }
        tail.append(contentsOf: bytes.dropFirst(room))
        if tail.count > 2 * tailLimit { tail.removeFirst(tail.count - tailLimit) }
    }

    /// Whatever was cut is said where it is missing. Broken characters at the cuts are mended.
    var text: String {
        let end = tail.suffix(tailLimit)
        let omitted = total - head.count - end.count
        let beginning = String(decoding: head, as: UTF8.self)
        let rest = String(decoding: end, as: UTF8.self)
        return omitted > 0 ? "\(beginning)\n… \(omitted) bytes left out …\n\(rest)" : beginning + rest
    }

    var isEmpty: Bool { total == 0 }
}
