import Glibc

/// HTTP/1.1 messages with a Content-Length, cut out of a stream of bytes. Just enough for a load that this program
/// makes and a forge that it plays; what it does not understand ends the connection.
struct HTTPStream {
    struct Message {
        /// `POST /path HTTP/1.1` or `HTTP/1.1 202 Accepted`.
        var firstLine: Substring
        var body: ArraySlice<UInt8>

        /// The status of an answer; 0 where the first line has none.
        var status: Int {
            guard firstLine.hasPrefix("HTTP/1.1 ") else { return 0 }
            return firstLine.utf8.dropFirst(9).prefix(3).reduce(0) { $0 * 10 + Int($1) - Int(UInt8(ascii: "0")) }
        }
        var path: Substring { firstLine.split(separator: " ").dropFirst().first ?? "" }
    }

    private var bytes: [UInt8] = []

    /// Reads what the socket has; false when the peer has ended or the socket is broken.
    mutating func fill(from descriptor: Int32) -> Bool {
        let count = withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 16) { room in
            let count = recv(descriptor, room.baseAddress, room.count, 0)
            if count > 0 { bytes.append(contentsOf: room[..<count]) }
            return count
        }
        return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))
    }

    /// The next message that is complete.
    mutating func next() -> Message? {
        guard let headEnd = Self.find("\r\n\r\n", in: bytes[...]) else { return nil }
        let bodyStart = headEnd + 4
        var length = 0
        if let name = Self.find("\r\ncontent-length:", in: bytes[..<bodyStart]) {
            var digits = bytes[(name + 17)..<headEnd].drop { $0 == UInt8(ascii: " ") }
            while let digit = digits.popFirst(), digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") {
                length = min(length * 10 + Int(digit - UInt8(ascii: "0")), 1 << 30)
            }
        }
        guard bytes.count >= bodyStart + length else { return nil }
        let firstLine = bytes.prefix { $0 != UInt8(ascii: "\r") }
        let message = Message(
            firstLine: String(decoding: firstLine, as: UTF8.self)[...],
            body: Array(bytes[bodyStart..<(bodyStart + length)])[...])
        bytes.removeFirst(bodyStart + length)
        return message
    }

    /// Where a text of lower case begins, in whatever case it is written.
    static func find(_ text: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        let length = text.utf8CodeUnitCount
        return bytes.withUnsafeBufferPointer { buffer -> Int? in
            guard buffer.count >= length else { return nil }
            for start in 0...(buffer.count - length) {
                var matched = 0
                while matched < length {
                    let byte = buffer[start + matched]
                    let isCapital = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                    guard (isCapital ? byte | 0x20 : byte) == text.utf8Start[matched] else { break }
                    matched += 1
                }
                if matched == length { return bytes.startIndex + start }
            }
            return nil
        }
    }
}

/// Bytes on their way into a socket that may not take all of them at once.
struct OutgoingBytes {
    private var bytes: [UInt8] = []
    private var sent = 0

    var isEmpty: Bool { sent == bytes.count }

    mutating func append(_ more: [UInt8]) {
        if isEmpty {
            bytes.removeAll(keepingCapacity: true)
            sent = 0
        }
        bytes += more
    }

    /// False when the peer is gone.
    mutating func flush(into descriptor: Int32) -> Bool {
        while !isEmpty {
            let count = bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
            sent += count
        }
        return true
    }
}

/// Sockets of the loopback interface.
enum LoopbackSocket {
    /// A listener on a port; on a free one where it is 0.
    static func listen(port: Int = 0) throws(MeasuredFleetError) -> (descriptor: Int32, port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard descriptor >= 0, withAddress(port, { bind(descriptor, $0, $1) }) == 0,
            Glibc.listen(descriptor, 128) == 0
        else { throw MeasuredFleetError("no port can be listened on: \(String(cString: strerror(errno)))") }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
    }

    static func connect(to port: Int) throws(MeasuredFleetError) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0, withAddress(port, { Glibc.connect(descriptor, $0, $1) }) == 0 else {
            throw MeasuredFleetError("port \(port) cannot be reached: \(String(cString: strerror(errno)))")
        }
        configure(descriptor)
        return descriptor
    }

    static func configure(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    private static func withAddress<R>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
