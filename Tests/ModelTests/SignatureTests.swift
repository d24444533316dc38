import Signatures
import Testing

@Suite("SHA-256, HMAC, constant time")
struct SignatureTests {
    @Test(
        "digests of FIPS 180-4's examples",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func digests(text: String, expected: String) {
        #expect(SHA256.hexadecimal(text) == expected)
        #expect(SHA256.hexadecimal(AnySequence(text.utf8)) == expected)
        var stream = SHA256Stream()
        for byte in text.utf8 { stream.update([byte]) }
        #expect(Hexadecimal.encode(stream.finalize()) == expected)
    }

    @Test(
        "HMAC-SHA-256 of RFC 4231's examples",
        arguments: [
            (
                [UInt8](repeating: 0x0B, count: 20), "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ])
    func codes(key: [UInt8], message: String, expected: String) {
        #expect(Hexadecimal.encode(HMAC.sha256(key: key, message: Array(message.utf8))) == expected)
    }

    @Test(
        "equality",
        arguments: [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "aa", false), ("", "a", false)])
    func equality(left: String, right: String, equal: Bool) {
        #expect(constantTimeEquals(left, right) == equal)
    }

    @Test(
        "hexadecimal text",
        arguments: [
            ("", [UInt8]()), ("00ff10", [0, 255, 16]), ("AbCd", [0xAB, 0xCD]), ("0", nil), ("0g", nil), ("é", nil),
        ] as [(String, [UInt8]?)])
    func hexadecimal(text: String, bytes: [UInt8]?) {
        #expect(Hexadecimal.decode(text) == bytes)
        if let bytes { #expect(Hexadecimal.encode(bytes) == text.lowercased()) }
    }

    @Test("random bytes differ")
    func random() {
        #expect(secureRandomBytes(32) != secureRandomBytes(32))
        #expect(secureRandomBytes(0).isEmpty)
    }
}
