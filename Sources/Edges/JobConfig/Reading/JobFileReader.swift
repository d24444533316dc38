import SlipwayModel

/// Reads one job file: `presubmits` and `postsubmits` (repository → list), `periodics` and `presets` (lists). In a
/// file of a repository's own (`.prow.yaml`) the first two are lists, and there are no periodics.
struct JobFileReader {
    private var fields: FieldReader
    private var result: ConfiguredFile
    private let repository: RepositoryName?

    private init(file: String, repository: RepositoryName?) {
        fields = FieldReader(file: file)
        result = ConfiguredFile(path: file)
        self.repository = repository
    }

    /// Never throws: what cannot be read is an error of the file, and the rest of it is read on.
    static func read(_ source: SourceFile, repository: RepositoryName? = nil) -> ConfiguredFile {
        var reader = JobFileReader(file: source.path, repository: repository)
        if let root = reader.fields.compose(source) { reader.readRoot(root) }
        return reader.finished()
    }

    /// The top-level keys of a job file.
    static let sections: Set<String> = [
        "presubmits", "postsubmits", "periodics", "presets", "decorate_all_jobs", "prow_ignored",
    ]

    /// The job sections of a document that holds others too.
    static func read(root: YAMLNode, path: String) -> ConfiguredFile {
        var reader = JobFileReader(file: path, repository: nil)
        reader.readRoot(root)
        return reader.finished()
    }

    private func finished() -> ConfiguredFile {
        var result = result
        result.errors = fields.errors
        result.warnings = fields.warnings
        return result
    }

    private mutating func readRoot(_ root: YAMLNode) {
        guard case .mapping(let entries) = root.content else {
            if !root.isNull {
                fields.refuse(
                    root.line, "the file is \(root.kind); write the keys presubmits, postsubmits, periodics or presets")
            }
            return
        }
        for entry in entries where !read(section: entry) { fields.warnUnknown(entry, in: "a job file") }
    }

    /// One section of a job file; false where it is none.
    private mutating func read(section: YAMLEntry) -> Bool {
        switch section.key {
        case "presubmits": readFiltered(section, .presubmit)
        case "postsubmits": readFiltered(section, .postsubmit)
        case "periodics" where repository == nil:
            for item in fields.list(section) { readJob(item, .periodic, nil, in: section.key) }
        case "presets":
            result.presets += fields.list(section).compactMap { fields.preset($0) }
        case "decorate_all_jobs" where repository == nil: result.decoratesAllJobs = fields.bool(section) ?? false
        case "prow_ignored": break
        default: return false
        }
        return true
    }

    private mutating func readFiltered(_ section: YAMLEntry, _ kind: JobKind) {
        guard let repository else { return readByRepository(section, kind) }
        for item in fields.list(section) { readJob(item, kind, repository, in: section.key) }
    }

    private mutating func readByRepository(_ section: YAMLEntry, _ kind: JobKind) {
        for entry in fields.mapping(section) ?? [] {
            if entry.key.hasPrefix("https://") || entry.key.hasPrefix("http://") {
                fields.warn(
                    entry.line,
                    "'\(entry.key.prefix(200))' is at a Gerrit host: Gerrit is not served, its jobs are left out")
                continue
            }
            guard let repository = RepositoryName(entry.key) else {
                fields.refuse(
                    entry.line,
                    "'\(entry.key)' in \(section.key) is not a repository; write ORG/REPO, e.g. lantern/engine")
                continue
            }
            for item in fields.list(entry) { readJob(item, kind, repository, in: "\(section.key) of \(entry.key)") }
        }
    }

    // MARK: A job

    private mutating func readJob(_ node: YAMLNode, _ kind: JobKind, _ repository: RepositoryName?, in place: String) {
        guard case .mapping(let entries) = node.content else {
            return fields.refuse(
                node.line, "an entry of \(place) is \(node.kind); write a job, a mapping that has a name")
        }
        let before = fields.errors.count
        guard let name = name(entries) else {
            if fields.errors.count == before {
                fields.refuse(node.line, "a job in \(place) has no name; add the key name")
            }
            return
        }
        fields.job = name
        defer { fields.job = nil }
        if name.contains("/"), entries.contains(where: { $0.key == "agent" && $0.value.isText("jenkins") }) {
            return fields.warn(node.line, "a job in a folder of Jenkins, which is not driven; it is left out")
        }
        checkName(name, line: node.line)
        var draft = JobDraft(
            job: ResolvedJob(name: name, kind: kind, repository: repository), file: fields.file, line: node.line)
        draft.job.source = draft.place
        for entry in entries { read(entry, kind, into: &draft) }
        if kind != .periodic, draft.job.context == nil { draft.job.context = name }
        // A job with an error is not used further, lest one fault is reported twice.
        if fields.errors.count == before { result.jobs.append(draft) }
    }

    private mutating func name(_ entries: [YAMLEntry]) -> String? {
        guard let entry = entries.first(where: { $0.key == "name" }) else { return nil }
        return fields.text(entry)
    }

    /// Prow's characters; and as a name becomes a folder, no more than a folder's name can hold.
    private mutating func checkName(_ name: String, line: Int) {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isPlain, !name.isEmpty, !name.hasPrefix("."), name.utf8.count <= 200 else {
            return fields.refuse(
                line, "the name may hold A-Z a-z 0-9 - _ . only, begin with no dot and be at most 200 long; rename it")
        }
    }

    private mutating func read(_ entry: YAMLEntry, _ kind: JobKind, into draft: inout JobDraft) {
        if readCommon(entry, into: &draft) { return }
        let isKnown =
            switch kind {
            case .presubmit, .batch: readPresubmit(entry, into: &draft)
            case .postsubmit: readFiltered(entry, into: &draft)
            case .periodic: readPeriodic(entry, into: &draft)
            }
        if isKnown { return }
        if let consequence = Unserved.jobKeys[entry.key] {
            fields.warnUnserved(entry, consequence)
        } else {
            fields.warnUnknown(entry, in: "a \(kind.rawValue)")
        }
    }

    /// Keys of every job.
    private mutating func readCommon(_ entry: YAMLEntry, into draft: inout JobDraft) -> Bool {
        switch entry.key {
        case "name": break
        case "agent": draft.job.agent = fields.text(entry) ?? draft.job.agent
        case "cluster": readCluster(entry, into: &draft)
        case "namespace": draft.job.namespace = fields.text(entry)
        case "labels":
            draft.labelsLine = entry.value.line
            draft.job.labels = fields.textMap(entry)
        case "annotations":
            draft.annotationsLine = entry.value.line
            draft.job.annotations = fields.textMap(entry)
        case "max_concurrency": draft.job.maxConcurrency = fields.count(entry) ?? 0
        case "job_queue_name": draft.job.jobQueueName = fields.text(entry)
        case "spec":
            draft.specLine = entry.value.line
            if fields.mapping(entry) != nil { draft.job.spec = entry.value.json }
        case "decorate": draft.decorate = fields.bool(entry)
        case "decoration_config": draft.decoration = fields.decoration(entry)
        case "extra_refs":
            draft.extraRefsLine = entry.value.line
            for item in fields.list(entry) { readExtraRefs(item, into: &draft) }
        case "leases": draft.job.leases = fields.leases(entry)
        case "rerun_auth_config": draft.rerun = fields.rerunAuthorization(entry)
        case "path_alias": draft.job.pathAlias = fields.text(entry)
        case "clone_uri": draft.job.cloneURI = fields.text(entry)
        case "clone_depth": draft.job.cloneDepth = fields.count(entry)
        case "skip_submodules": draft.job.skipSubmodules = fields.bool(entry)
        default: return false
        }
        return true
    }

    private mutating func readPresubmit(_ entry: YAMLEntry, into draft: inout JobDraft) -> Bool {
        switch entry.key {
        case "run_before_merge": draft.runBeforeMerge = fields.bool(entry) ?? false
        case "optional": draft.job.optional = fields.bool(entry) ?? false
        case "trigger": draft.trigger = fields.located(entry)
        case "rerun_command": draft.rerunCommand = fields.located(entry)
        default: return readFiltered(entry, into: &draft)
        }
        return true
    }

    /// Keys of presubmits and postsubmits.
    private mutating func readFiltered(_ entry: YAMLEntry, into draft: inout JobDraft) -> Bool {
        switch entry.key {
        case "always_run": draft.alwaysRun = fields.bool(entry)
        case "run_if_changed": draft.runIfChanged = fields.located(entry)
        case "skip_if_only_changed": draft.skipIfOnlyChanged = fields.located(entry)
        case "branches":
            draft.branches = fields.texts(entry)
            draft.branchesLine = entry.value.line
        case "skip_branches":
            draft.skipBranches = fields.texts(entry)
            draft.skipBranchesLine = entry.value.line
        case "context": draft.job.context = fields.text(entry)
        case "skip_report": draft.job.skipReport = fields.bool(entry) ?? false
        default: return false
        }
        return true
    }

    private mutating func readPeriodic(_ entry: YAMLEntry, into draft: inout JobDraft) -> Bool {
        switch entry.key {
        case "cron": draft.cron = fields.located(entry)
        case "interval": draft.interval = fields.located(entry)
        case "minimum_interval": draft.minimumInterval = fields.located(entry)
        case "retry": draft.retry = fields.retry(entry)
        default: return false
        }
        return true
    }

    /// A cluster's name becomes part of a queue's name.
    private mutating func readCluster(_ entry: YAMLEntry, into draft: inout JobDraft) {
        guard let name = fields.text(entry), !name.isEmpty else { return }
        guard RepositoryName.isValid(name) else {
            return fields.refuse(
                entry.value.line, "cluster '\(name.prefix(60))' may hold A-Z a-z 0-9 - _ . only, at most 100; rename it"
            )
        }
        draft.job.cluster = name
    }

    private mutating func readExtraRefs(_ node: YAMLNode, into draft: inout JobDraft) {
        guard case .mapping(let entries) = node.content else {
            return fields.refuse(node.line, "an entry of extra_refs is \(node.kind); write org, repo and base_ref")
        }
        var refs = Refs(repository: RepositoryName(org: "", repo: ""))
        for entry in entries {
            switch entry.key {
            case "org": refs.org = fields.text(entry) ?? ""
            case "repo": refs.repo = fields.text(entry) ?? ""
            case "repo_link": refs.repoLink = fields.text(entry)
            case "base_ref": refs.baseRef = fields.text(entry)
            case "base_sha": refs.baseSHA = fields.text(entry)
            case "base_link": refs.baseLink = fields.text(entry)
            case "path_alias": refs.pathAlias = fields.text(entry)
            case "workdir": refs.workdir = fields.bool(entry)
            case "clone_uri": refs.cloneURI = fields.text(entry)
            case "clone_depth": refs.cloneDepth = fields.count(entry)
            case "skip_submodules": refs.skipSubmodules = fields.bool(entry)
            case "skip_fetch_head": refs.skipFetchHead = fields.bool(entry)
            default:
                if let consequence = Unserved.refsKeys[entry.key] {
                    fields.warnUnserved(entry, consequence)
                } else {
                    fields.warnUnknown(entry, in: "extra_refs")
                }
            }
        }
        guard RepositoryName("\(refs.org)/\(refs.repo)") != nil else {
            return fields.refuse(
                node.line,
                "extra_refs names the repository '\(refs.org)/\(refs.repo)'; write an org and a repo that exist")
        }
        draft.job.extraRefs.append(refs)
    }
}
