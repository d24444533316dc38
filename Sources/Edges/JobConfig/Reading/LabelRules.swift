/// Kubernetes' rules for labels and annotations, and Prow's own labels.
enum LabelRules {
    /// What Prow itself sets on a run's pod.
    private static let reserved: Set<String> = ["created-by-prow", "prow.k8s.io/type", "prow.k8s.io/id"]

    static let gerritReport = "prow.k8s.io/gerrit-report-label"

    static func violations(labels: [String: String]) -> [String] {
        labels.sorted { $0.key < $1.key }.compactMap { label, value in
            if reserved.contains(label) { return "the label '\(label)' is set by itself; remove it" }
            if !isQualifiedName(label) { return misnamed("a label", label) }
            if !value.isEmpty, !isName(value) {
                return "the label '\(label.prefix(60))' has the value '\(value.prefix(60))'; write \(nameRule)"
            }
            return nil
        }
    }

    static func violations(annotations: [String: String]) -> [String] {
        annotations.keys.sorted().filter { !isQualifiedName($0) }.map { misnamed("an annotation", $0) }
    }

    private static let nameRule = "at most 63 of A-Z a-z 0-9 - _ . that begin and end with a letter or digit"

    private static func misnamed(_ noun: String, _ name: String) -> String {
        "'\(name.prefix(60))' is no name for \(noun); write \(nameRule), with a domain and a slash before them if needed"
    }

    /// `name` or `domain/name`.
    private static func isQualifiedName(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last, isName(name) else { return false }
        return parts.count == 1 || isDomain(parts[0])
    }

    private static func isName(_ text: String) -> Bool { isName(text.utf8[...]) }

    private static func isName(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || "-_.".utf8.contains($0) }
    }

    private static func isDomain(_ bytes: Substring.UTF8View) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return bytes.count <= 253
            && parts.allSatisfy { part in
                guard let first = part.first, let last = part.last else { return false }
                return isAlphanumeric(first) && isAlphanumeric(last)
                    && part.allSatisfy {
                        isAlphanumeric($0) && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                            || $0 == UInt8(ascii: "-")
                    }
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
