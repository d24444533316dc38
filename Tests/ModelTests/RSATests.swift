import Foundation
import Signatures
import Testing

@Suite("RS256 and JSON Web Tokens")
struct RSATests {
    static let key = RSAPrivateKey.generate()

    @Test("a signature is its key's and its message's alone")
    func signature() throws {
        let message = Array("what do ya want for nothing?".utf8)
        let signature = Self.key.signature(of: message)
        #expect(signature.count == 256)
        #expect(Self.key.publicKey.isSignature(signature, of: message))
        #expect(!Self.key.publicKey.isSignature(signature, of: message + [0]))
        #expect(!RSAPrivateKey.generate().publicKey.isSignature(signature, of: message))
        #expect(!Self.key.publicKey.isSignature([], of: message))
        // Read back from its text, it is the same key.
        let again = try RSAPublicKey(pem: Self.key.publicKey.pem)
        #expect(again.isSignature(signature, of: message))
        #expect(try RSAPrivateKey(pem: Self.key.pem).signature(of: message) == signature)
    }

    @Test("a token of RFC 7515, appendix A.2, with the RFC's own key")
    func example() throws {
        let key = try RSAPublicKey(
            pem: """
                -----BEGIN PUBLIC KEY-----
                MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAofgWCuLjybRlzo0tZWJj
                NiuSfb4p4fAkd/wWJcyQoTbji9k0l8W26mPddxHmfHQp+Vaw+4qPCJrcS2mJPMEz
                P1Pt0Bm4d4QlL+yRT+SFd2lZS+pCgNMsD1W/YpRPEwOWvG6b32690r2jZ47soMZo
                9wGzjb/7OMg0LOL+bSf63kpaSHSXndS5z5rexMdbBYUsLA9e+KXBdQOS+UTo7WTB
                EMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6/I5IhlJH7aGhyxX
                FvUK+DWNmoudF8NAco9/h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXp
                oQIDAQAB
                -----END PUBLIC KEY-----

                """)
        let content =
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
        let signature =
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
        let bytes = try #require(Base64URL.decode(signature))
        #expect(key.isSignature(bytes, of: Array(content.utf8)))
        #expect(!key.isSignature(bytes, of: Array((content + "x").utf8)))
    }

    @Test("a token tells its claims to whoever has the public key")
    func token() throws {
        let claims = JSONWebToken.Claims(iss: "7", iat: 1_700_000_000, exp: 1_700_000_540)
        let token = JSONWebToken.sign(claims, with: Self.key)
        #expect(JSONWebToken.verify(token, with: Self.key.publicKey) == claims)
        #expect(JSONWebToken.verify(token, with: RSAPrivateKey.generate().publicKey) == nil)
        #expect(!token.contains("="))
    }

    @Test("what is no token of the key")
    func forged() {
        let claims = JSONWebToken.Claims(iss: "7", iat: 1, exp: 2)
        let parts = JSONWebToken.sign(claims, with: Self.key).split(separator: ".").map(String.init)
        let other = Base64URL.encode(#"{"exp":9,"iat":1,"iss":"8"}"#.utf8)
        let none = Base64URL.encode(#"{"alg":"none"}"#.utf8)
        for token in [
            "", "..", "a.b.c", "\(parts[0]).\(other).\(parts[2])", "\(none).\(parts[1]).", "\(parts[0]).\(parts[1])",
            "\(none).\(parts[1]).\(parts[2])", parts.joined(separator: ".") + ".", String(repeating: "x", count: 9000),
        ] {
            #expect(JSONWebToken.verify(token, with: Self.key.publicKey) == nil, "\(token.prefix(40))")
        }
    }

    @Test("a text that is no key says what is wrong, and no key is ever printed")
    func badKeys() {
        #expect(throws: RSAKeyError.notAPrivateKey) { try RSAPrivateKey(pem: "") }
        #expect(throws: RSAKeyError.notAPrivateKey) { try RSAPrivateKey(pem: Self.key.publicKey.pem) }
        #expect(throws: RSAKeyError.notAPublicKey) { try RSAPublicKey(pem: Self.key.pem) }
        #expect(throws: RSAKeyError.tooShort(bits: 1024)) {
            try RSAPrivateKey(pem: RSAPrivateKey.generate(bits: 1024).pem)
        }
        // An elliptic key, and one under a passphrase: it fails instead of asking for it.
        #expect(throws: RSAKeyError.notRSA) {
            try RSAPrivateKey(
                pem: """
                    -----BEGIN PRIVATE KEY-----
                    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgN9/6XSWb8OJ/CN/E
                    DfDDJudDWoTJ1lNwSQpjlRo2xsihRANCAARiCBbHVpa5YmUHdxJ0QRG94sb/Jt4T
                    WcqsMWLt5Zl/rKdrU/Cs4TtWjqP0qiWRNU17A4i+nWL67l2MbQjhp80v
                    -----END PRIVATE KEY-----

                    """)
        }
        #expect("\(Self.key)" == "RSAPrivateKey(redacted)")
        #expect(!String(reflecting: Self.key).contains("PRIVATE"))
    }

    @Test(
        "base64 for URLs, of RFC 4648's examples and their alphabet",
        arguments: [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy"), ("??>", "Pz8-")])
    func base64(text: String, expected: String) {
        #expect(Base64URL.encode(text.utf8) == expected)
        #expect(Base64URL.decode(expected) == Array(text.utf8))
    }

    @Test("what is not base64 for URLs", arguments: ["Zg==", "Z+", "Z/", "Z g", "Z", "ä"])
    func noBase64(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }
}
