package import SlipwayModel
package import Web

/// `/badge.svg`: what Prow's says of jobs, drawn anew. Pure.
package struct Badge: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case passing, failing, unknown
    }

    package let verdict: Verdict
    package let words: String

    /// - Parameter states: the newest finished state of each job that was asked for. Prow counts `failure` alone; here
    ///   an `error` is no pass either.
    package init(_ states: [(job: String, state: RunState)]) {
        let failing = states.filter { $0.state == .failure || $0.state == .error }.map(\.job).sorted()
        if states.isEmpty {
            (verdict, words) = (.unknown, "no results")
        } else if failing.isEmpty {
            (verdict, words) = (.passing, "passing")
        } else {
            let more = failing.count > 3 ? ", ..." : ""
            (verdict, words) = (.failing, "failing " + failing.prefix(3).joined(separator: ", ") + more)
        }
    }

    private var colour: Markup {
        switch verdict {
        case .passing: "#1a7f42"
        case .failing: "#b3261e"
        case .unknown: "#5c686b"
        }
    }

    package var svg: Markup {
        let subject = "build"
        let left = 7 * subject.count + 12
        let right = 7 * min(words.count, 120) + 14
        return """
            <svg xmlns="http://www.w3.org/2000/svg" width="\(left + right)" height="20" role="img" aria-label="\(subject): \(words)">\
            <title>\(subject): \(words)</title><clipPath id="r"><rect width="\(left + right)" height="20" rx="4"/></clipPath>\
            <g clip-path="url(#r)"><rect width="\(left)" height="20" fill="#3b4548"/>\
            <rect x="\(left)" width="\(right)" height="20" fill="\(colour)"/></g>\
            <g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">\
            <text x="\(left / 2)" y="14" textLength="\(left - 12)">\(subject)</text>\
            <text x="\(left + right / 2)" y="14" textLength="\(right - 14)">\(words)</text></g></svg>
            """
    }
}
