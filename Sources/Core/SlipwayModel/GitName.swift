/// What may be handed to git as the name of something: none looks like an option or a second revision.
package enum GitName {
    /// 40 or 64 small hexadecimal digits.
    package static func isCommit(_ text: String) -> Bool {
        (text.utf8.count == 40 || text.utf8.count == 64)
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
            }
    }

    /// A branch, a tag or a whole ref, by the rules of git-check-ref-format(1), a little narrower.
    package static func isRef(_ text: String) -> Bool {
        let forbidden = Set(" ~^:?*[\\\u{7F}".utf8)
        return !text.isEmpty && text.utf8.count <= 255 && !text.hasPrefix("-") && !text.hasPrefix("/")
            && !text.hasSuffix("/") && !text.hasSuffix(".") && !text.hasSuffix(".lock") && !text.contains("..")
            && !text.contains("@{") && !text.contains("//")
            && text.utf8.allSatisfy { $0 > 32 && !forbidden.contains($0) }
    }
}
