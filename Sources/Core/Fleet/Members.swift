package import FoundationEssentials
import Logging
package import Postgres
import SlipwayModel

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// This process among the fleet: renewed every few seconds, listed on the workers page.
package struct FleetMember: Sendable {
    package let id: UUID
    package let role: String

    package init(role: String) {
        id = .version7()
        self.role = role
    }

    package static var host: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Renews the row every 10 s.
    ///
    /// - Parameter doing: what the process does now, a JSON object.
    package func renewal(
        _ database: PostgresPool, doing: @escaping @Sendable () async -> String = { "{}" }
    ) -> Chore {
        Chore(name: "membership", every: .seconds(10)) { [self] in
            try await database.execute(
                FleetStore.renewMember, id, role, Self.host, Int(getpid()), await doing())
        }
    }

    package func leave(_ database: PostgresPool) async {
        _ = try? await database.execute(FleetStore.removeMember, id)
    }
}

extension FleetBus {
    /// Deletes what nobody can need any more.
    package var trimming: Chore {
        Chore(name: "fleet-trimming", every: .seconds(300), owner: .single) { [database] in
            for statement in [FleetStore.trimTicks, FleetStore.trimMembers] {
                try await database.execute(statement)
            }
        }
    }
}
