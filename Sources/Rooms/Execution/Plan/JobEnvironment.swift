package import SlipwayModel

/// The variables a job sees: Prow's (pod-utils `downwardapi`), and what a process needs in place of an image.
package enum JobEnvironment {
    /// Prow's variables of an attempt. `JOB_SPEC` is the whole specification as one line of JSON.
    ///
    /// A periodic has none about a repository, even with extra refs; a postsubmit and a batch none about one pull
    /// request. BUILD_NUMBER is BUILD_ID under its old name.
    package static func prow(_ spec: JobSpec, json: String) -> [String: String] {
        var variables = [
            "CI": "true", "JOB_NAME": spec.job, "JOB_TYPE": spec.type.rawValue, "JOB_SPEC": json,
            "BUILD_ID": spec.buildID, "BUILD_NUMBER": spec.buildID, "PROW_JOB_ID": spec.prowJobID,
        ]
        guard spec.type != .periodic, let refs = spec.refs else { return variables }
        let location = CloneLocation(refs)
        variables["REPO_OWNER"] = refs.org
        variables["REPO_NAME"] = refs.repo
        variables["SRC_HOST"] = location.host
        variables["SRC_BASE"] = location.base
        variables["PULL_BASE_REF"] = refs.baseRef ?? ""
        variables["PULL_BASE_SHA"] = refs.baseSHA ?? ""
        variables["PULL_REFS"] = refs.pullRefs
        guard spec.type == .presubmit, let pull = refs.pulls?.first else { return variables }
        variables["PULL_NUMBER"] = String(pull.number)
        variables["PULL_PULL_SHA"] = pull.sha
        variables["PULL_HEAD_REF"] = pull.headRef ?? ""
        variables["PULL_TITLE"] = pull.title ?? ""
        return variables
    }

    /// Kubernetes' `$(NAME)` in commands and values: replaced where the variable is known, left alone where it is not;
    /// `$$` stands for one `$`.
    package static func expand(_ text: String, _ variables: [String: String]) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.first == "$" {
                result += "$"
                rest = rest.dropFirst()
            } else if rest.first == "(", let end = rest.firstIndex(of: ")") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                result += variables[name] ?? "$(\(name))"
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }
}

/// Where a repository is cloned below the Go source root: its path alias, else its address at the forge.
///
/// Prow's rule, but for the port of a forge's address: a colon in a folder's name breaks PATH and make.
package struct CloneLocation: Hashable, Sendable {
    /// `github.com`; SRC_HOST.
    package let host: String
    /// `org/repo`; SRC_BASE.
    package let base: String

    package init(_ refs: Refs) {
        var path = "github.com/\(refs.org)/\(refs.repo)"
        if let alias = refs.pathAlias, !alias.isEmpty {
            path = alias
        } else if let link = refs.repoLink, !link.isEmpty {
            let afterScheme = link.split(separator: "://", maxSplits: 1).last ?? ""
            let (host, rest) = CloneLocation.cut(afterScheme)
            path = String(host.prefix { $0 != ":" }) + (rest.isEmpty ? "" : "/" + rest)
        }
        let (host, rest) = CloneLocation.cut(path[...])
        self.host = String(host)
        base = path.contains("/") ? String(rest) : "\(refs.org)/\(refs.repo)"
    }

    private static func cut(_ path: Substring) -> (Substring, Substring) {
        guard let slash = path.firstIndex(of: "/") else { return (path, "") }
        return (path[..<slash], path[path.index(after: slash)...])
    }

    /// Components below `src`; nil where the alias leads elsewhere.
    package static func components(_ refs: Refs) -> [String]? {
        let location = CloneLocation(refs)
        // An alias without a slash is a folder by itself.
        let alias = refs.pathAlias ?? ""
        let path = !alias.isEmpty && !alias.contains("/") ? alias : "\(location.host)/\(location.base)"
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        let isSafe = parts.allSatisfy { part in
            part != "." && part != ".." && part != ".git" && part.utf8.count <= 255 && !part.utf8.contains(0)
        }
        return parts.isEmpty || !isSafe || path.hasPrefix("/") ? nil : parts
    }
}
