/// Reads one JUnit file piece by piece into a report. There is no standard, only dialects: Ant and Maven's Surefire,
/// pytest, Go's converters, Ginkgo, googletest, Swift, Jest. Whatever carries `testcase` elements is taken.
package struct JUnitParser {
    private let collector: Collector
    private var stream: XMLStream?
    private var sanitizer: XMLSanitizer?
    private var beginning: [UInt8] = []
    private var failure: String?
    private var size = 0

    /// Bytes of one file that are read; the rest is left out, with a sentence.
    package static let maximumBytes = 64 << 20
    private static let maximumDepth = 64

    /// - Parameter report: what was found so far in the run's other files.
    package init(into report: TestReport) { collector = Collector(report) }

    package mutating func feed(_ piece: [UInt8]) {
        guard failure == nil else { return }
        size += piece.count
        guard size <= Self.maximumBytes else {
            failure = "it is larger than \(Self.maximumBytes >> 20) MB"
            return
        }
        guard sanitizer == nil else { return parse(piece) }
        // The encoding is known from the first bytes.
        beginning += piece
        if beginning.count >= 256 { start() }
    }

    /// The report with this file's tests in it, and a sentence where the file could not be read to its end.
    package consuming func finish(file name: String) -> TestReport {
        if sanitizer == nil, failure == nil { start() }
        if failure == nil {
            let rest = sanitizer?.finish() ?? []
            failure = stream?.parse(rest, isLast: true)
        }
        var report = collector.report
        report.files += 1
        if let failure {
            let kept = collector.found == 0 ? "no test of it counts" : "the \(collector.found) tests before count"
            report.problems.append("\(name) could not be read whole, so \(kept): \(failure).")
        } else if !collector.isReport {
            report.problems.append(
                "\(name) is no JUnit report: its root is <\(collector.root.prefix(40))>, not <testsuites> or <testsuite>."
            )
        }
        return report
    }

    private mutating func start() {
        let sanitizer = XMLSanitizer(beginning: beginning)
        let encoding: String? =
            switch sanitizer.encoding {
            case .utf8: "UTF-8"
            case .latin1: "ISO-8859-1"
            case .utf16: nil
            }
        stream = XMLStream(encoding: encoding, maximumDepth: Self.maximumDepth, handler: collector)
        self.sanitizer = sanitizer
        let first = beginning
        beginning = []
        parse(first)
    }

    private mutating func parse(_ piece: [UInt8]) {
        guard let clean = sanitizer?.feed(piece) else { return }
        failure = stream?.parse(clean, isLast: false)
    }
}

/// Follows the elements and makes test results of them.
private final class Collector: XMLStream.Handler {
    private(set) var report: TestReport
    private(set) var found = 0
    private(set) var root = ""
    private(set) var refusal: String?
    /// Whether anything was there that a report has.
    private(set) var isReport = false

    private var suites: [String] = []
    private var current: Case?
    /// The element whose text is being gathered.
    private var section: Section?
    private var depthInSection = 0

    private struct Case {
        var classname: String
        var name: String
        var duration: Double
        var isSkipped: Bool
        var isInforming: Bool
        var failures = 0
        var flakes = 0
        var message = ""
        var trace = BoundedText(limit: 16 << 10)
        var output = BoundedText(limit: 8 << 10)
        var hasFailureText = false
    }

    private enum Section {
        case failure, output, ignored
    }

    init(_ report: TestReport) { self.report = report }

    func begin(_ element: String, _ attributes: [String: String]) {
        if root.isEmpty { root = element }
        guard section == nil else {
            depthInSection += 1
            return
        }
        switch element {
        case "testsuites": isReport = true
        case "testsuite":
            isReport = true
            suites.append(attributes["name"] ?? "")
        case "testcase":
            isReport = true
            current = Case(
                classname: attributes["classname"] ?? attributes["class"] ?? "", name: attributes["name"] ?? "",
                duration: Self.seconds(attributes["time"] ?? attributes["duration"] ?? ""),
                isSkipped: Self.isSkipped(attributes), isInforming: attributes["lifecycle"] == "informing")
        case "failure", "error", "rerunFailure", "rerunError":
            // Outside a test, the suite itself failed: it could not be set up.
            if current == nil {
                current = Case(
                    classname: "", name: "(the suite itself)", duration: 0, isSkipped: false, isInforming: false)
            }
            fail(attributes) { $0.failures += 1 }
        case "flakyFailure", "flakyError":
            if current != nil { fail(attributes) { $0.flakes += 1 } }
        case "skipped":
            current?.isSkipped = true
            section = .ignored
        case "system-out", "system-err":
            section = current == nil ? .ignored : .output
        case "properties": section = .ignored
        default: break
        }
    }

    private func fail(_ attributes: [String: String], _ count: (inout Case) -> Void) {
        guard var test = current else { return }
        count(&test)
        if test.message.isEmpty {
            test.message = attributes["message"] ?? attributes["type"] ?? ""
        }
        // Of several failures, the first one's text is kept.
        section = test.hasFailureText ? .ignored : .failure
        test.hasFailureText = true
        current = test
    }

    func text(_ bytes: UnsafeBufferPointer<UInt8>) {
        switch section {
        case .failure: current?.trace.append(bytes)
        case .output: current?.output.append(bytes)
        case .ignored, nil: break
        }
    }

    func end(_ element: String) {
        if section != nil {
            if depthInSection > 0 {
                depthInSection -= 1
                return
            }
            section = nil
            if let current, current.name == "(the suite itself)", element != "system-out", element != "system-err" {
                finishCase()
            }
            return
        }
        switch element {
        case "testcase": finishCase()
        case "testsuite": _ = suites.popLast()
        default: break
        }
    }

    private func finishCase() {
        guard let test = current else { return }
        current = nil
        let outcome: TestOutcome =
            if test.failures > 0 {
                // An informing test may fail without failing its run.
                test.isInforming ? .flaky : .failed
            } else if test.flakes > 0 {
                .flaky
            } else if test.isSkipped {
                .skipped
            } else {
                .passed
            }
        var result = TestResult(
            suite: suitePath(test.classname).prefixOfBytes(500), name: test.name.prefixOfBytes(1000), outcome: outcome,
            duration: test.duration)
        if outcome == .failed || outcome == .flaky {
            result.message = test.message.prefixOfBytes(4000)
            result.output = test.trace.text
            if !test.output.isEmpty {
                result.output += (result.output.isEmpty ? "" : "\n\n") + "— output —\n" + test.output.text
            }
        }
        found += 1
        if !report.add(result) { refusal = "the run has more than \(TestReport.maximumTests) tests" }
    }

    /// The suites from outside to inside, then the class where it says something new.
    private func suitePath(_ classname: String) -> String {
        var path = suites.filter { !$0.isEmpty }
        if !classname.isEmpty {
            let last = path.last ?? ""
            if classname.hasPrefix(last), !last.isEmpty {
                path[path.count - 1] = classname
            } else if last != classname, !last.hasSuffix("/" + classname), !last.hasSuffix("." + classname) {
                path.append(classname)
            }
        }
        return path.joined(separator: "/")
    }

    private static func isSkipped(_ attributes: [String: String]) -> Bool {
        if ["true", "1"].contains(attributes["skipped"]) || ["true", "1"].contains(attributes["disabled"]) {
            return true
        }
        return ["skipped", "notrun", "disabled", "ignored", "suppressed", "pending"]
            .contains((attributes["status"] ?? "").lowercased())
            || ["skipped", "suppressed", "ignored"].contains((attributes["result"] ?? "").lowercased())
    }

    /// `1,234.5` has separators of thousands, `0,5` a decimal comma. What is no number takes no time.
    static func seconds(_ text: String) -> Double {
        var text = text.filter { !$0.isWhitespace }
        if text.hasSuffix("s") { text.removeLast() }
        let commas = text.count { $0 == "," }
        if commas == 1, !text.contains("."), let comma = text.firstIndex(of: ","),
            text.distance(from: comma, to: text.endIndex) != 4
        {
            text = text.replacing(",", with: ".")
        } else if commas > 0 {
            text = text.filter { $0 != "," }
        }
        guard let seconds = Double(text), seconds.isFinite, seconds >= 0 else { return 0 }
        return min(seconds, 1e9)
    }
}

extension String {
    /// At most that many bytes, never half a character.
    func prefixOfBytes(_ count: Int) -> String {
        guard utf8.count > count else { return self }
        var end = utf8.index(startIndex, offsetBy: count)
        while String.Index(end, within: unicodeScalars) == nil, end > startIndex { end = utf8.index(before: end) }
        return String(self[..<end]) + "…"
    }
}
