import Forge
import FoundationEssentials
import Logging
import SlipwayModel

/// Every repository of the forge: `<root>/repos/<org>/<repo>.git` and, beside it, `<repo>.json` and
/// `<repo>.journal`.
actor RepositoryDirectory {
    private let root: String
    private let site: ForgeSite
    private var hosts: [RepositoryName: RepositoryHost] = [:]
    private var creating: Set<RepositoryName> = []
    /// Each repository once, as it comes to be known: its deliveries are to be sent.
    nonisolated let opened: AsyncStream<RepositoryHost>
    private nonisolated let opening: AsyncStream<RepositoryHost>.Continuation

    init(root: String, site: ForgeSite) {
        self.root = root
        self.site = site
        (opened, opening) = AsyncStream.makeStream()
    }

    private func folder(_ org: String) -> String { "\(root)/repos/\(org)" }

    /// Reads every repository, and takes in what was pushed while no forge was running.
    func load(logger: Logger) async throws {
        try FileManager.default.createDirectory(atPath: "\(root)/repos", withIntermediateDirectories: true)
        for org in try FileManager.default.contentsOfDirectory(atPath: "\(root)/repos")
        where RepositoryName.isValid(org) {
            for file in try FileManager.default.contentsOfDirectory(atPath: folder(org)) where file.hasSuffix(".json") {
                let repo = String(file.dropLast(5))
                guard RepositoryName.isValid(repo),
                    let host = try RepositoryHost.read(repo, in: folder(org), site: site)
                else { continue }
                try await host.takePushes(pusher: LocalForgeConfiguration.adminLogin)
                hosts[host.name] = host
                opening.yield(host)
            }
        }
        logger.info("the forge holds \(hosts.count) repositories below \(root)")
    }

    /// All of them, by name.
    var all: [RepositoryHost] { hosts.values.sorted { $0.name.description < $1.name.description } }

    func host(_ name: RepositoryName) throws -> RepositoryHost {
        guard let host = hosts[name] else { throw ForgeRefusal.notFound }
        return host
    }

    func create(_ name: RepositoryName) async throws -> RepositoryHost {
        guard RepositoryName.isValid(name.org), RepositoryName.isValid(name.repo), !name.repo.hasSuffix(".git"),
            !name.repo.hasSuffix(".json")
        else {
            throw ForgeRefusal.invalid(
                "Repository", "name",
                "a name has 1 to 100 of A-Z a-z 0-9 - _ . and neither begins with a dot or dash nor ends in .git")
        }
        guard hosts[name] == nil, creating.insert(name).inserted else {
            throw ForgeRefusal.invalid("Repository", "name", "name already exists on this account")
        }
        defer { creating.remove(name) }
        try site.accounts.ensureOrganization(name.org)
        let id = try site.accounts.change { $0.takeID() }
        try FileManager.default.createDirectory(atPath: folder(name.org), withIntermediateDirectories: true)
        // What an earlier, interrupted creation left behind has no state file beside it.
        for rest in ["git", "journal"] {
            try? FileManager.default.removeItem(atPath: "\(folder(name.org))/\(name.repo).\(rest)")
        }
        let host = RepositoryHost(
            state: RepositoryState(id: id, name: name, createdAt: .now()), folder: folder(name.org), site: site)
        try await host.create()
        hosts[name] = host
        opening.yield(host)
        return host
    }
}
