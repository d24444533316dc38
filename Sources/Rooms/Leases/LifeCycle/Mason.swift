import Fleet
import FoundationEssentials
import Postgres

/// Takes apart what dynamic resources are made of, and makes them of it: Boskos's mason and cleaner.
///
/// A dynamic type with `needs` leases what it needs when a resource of it is dirty, notes the names under
/// `leasedResources`, and lets it be free; one that is to be deleted gives them back, dirty, and becomes a tombstone.
struct Mason: Sendable {
    let desk: LeaseDesk
    private var database: PostgresPool { desk.bus.database }

    func round() async throws {
        try await takeApart()
        try await build()
    }

    private func takeApart() async throws {
        for row in try await database.execute(LeasesStore.toBeDeleted) {
            let (name, noted) = try row.decode((String, String?).self)
            try await giveBack(Self.names(noted ?? ""), of: name, dest: "dirty")
            try await database.execute(LeasesStore.bury, name)
        }
    }

    private func build() async throws {
        for row in try await database.execute(LeasesStore.unbuilt) {
            let (name, needs, held) = try row.decode((String, JSON<[String: Int]>, [String]).self)
            // Held, and not noted: whoever took them died in between.
            guard let parts = held.isEmpty ? try await take(needs.value, for: name) : held else { continue }
            let noted = parts.map { "- \($0)\n" }.joined()
            let built = try await database.execute(LeasesStore.noteParts, name, noted)
            if let line = built.first {
                let (type, state) = try line.decode((String, String).self)
                try await desk.serve([LeaseLine(type: type, state: state)])
                continue
            }
            // It went away meanwhile.
            try await giveBack(parts, of: name, dest: "free")
        }
        // What a composite is made of lasts as long as it does.
        try await database.execute(LeasesStore.keepParts)
    }

    /// - Returns: the names of what it needs, all of it; nil where that is not to be had yet.
    private func take(_ needs: [String: Int], for name: String) async throws -> [String]? {
        let items = needs.sorted { $0.key < $1.key }.map { LeaseWish.Item(types: [$0.key], count: $0.value) }
        let claim = LeaseClaim(owner: Self.owner(name), wish: LeaseWish(items: items))
        guard case .granted(let parts, _, _) = try await desk.claim(claim) else { return nil }
        return parts.map(\.name)
    }

    private func giveBack(_ parts: [String], of name: String, dest: String) async throws {
        _ = try await desk.giveBack(
            parts.map { part in
                var back = LeaseReturn(name: part, owner: Self.owner(name), dest: dest)
                back.isOperator = true
                return back
            })
    }

    private static func owner(_ name: String) -> String { "part-of/\(name)" }

    /// The names of a YAML list, one a line.
    static func names(_ noted: String) -> [String] {
        noted.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("- ") else { return nil }
            let name = line.dropFirst(2).filter { $0 != "\"" && $0 != "'" }
            return name.isEmpty ? nil : String(name)
        }
    }
}
