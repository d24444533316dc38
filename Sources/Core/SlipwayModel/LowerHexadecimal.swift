extension UInt8 {
    /// Two digits, as in `0f`.
    var lowerHexadecimalDigits: (UInt8, UInt8) { (Self.digit(self >> 4), Self.digit(self & 0x0F)) }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension UInt64 {
    /// Sixteen digits.
    var lowerHexadecimal: String {
        withUnsafeBytes(of: bigEndian) { bytes in
            String(unsafeUninitializedCapacity: 16) { text in
                for (index, byte) in bytes.enumerated() {
                    (text[2 * index], text[2 * index + 1]) = byte.lowerHexadecimalDigits
                }
                return 16
            }
        }
    }

    /// - Parameter digits: at most sixteen; nil for anything but lower-case digits.
    init?(lowerHexadecimal digits: some Sequence<UInt8>) {
        self = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): self = self << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): self = self << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
    }
}
