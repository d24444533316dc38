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
            for part in Self.names(noted ?? "") {
                var back = LeaseReturn(name: part, owner: Self.owner(name), dest: "dirty")
                back.isOperator = true
                _ = try await desk.giveBack(back)
            }
            try await database.execute(LeasesStore.bury, name)
        }
    }

    private func build() async throws {
        for row in try await database.execute(LeasesStore.unbuilt) {
            let (name, needs) = try row.decode((String, JSON<[String: Int]>).self)
            let wish = LeaseWish(
                items: needs.value.sorted { $0.key < $1.key }.map { LeaseWish.Item(types: [$0.key], count: $0.value) })
            let claim = LeaseClaim(owner: Self.owner(name), wish: wish)
            guard case .granted(let parts, _, _) = try await desk.claim(claim) else { continue }
            let names = parts.map { "- \($0.name)\n" }.joined()
            let built = try await database.execute(LeasesStore.noteParts, name, names)
            if let line = built.first {
                let (type, state) = try line.decode((String, String).self)
                try await desk.serve([LeaseLine(type: type, state: state)])
                continue
            }
            // It went away meanwhile.
            for part in parts {
                var back = LeaseReturn(name: part.name, token: part.token, dest: "free")
                back.isOperator = true
                _ = try await desk.giveBack(back)
            }
        }
        // What a composite is made of lasts as long as it does.
        try await database.execute(LeasesStore.keepParts)
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
