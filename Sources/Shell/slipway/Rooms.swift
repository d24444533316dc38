import ArtifactStore
import Fleet
import Forge
import FoundationEssentials
import Postgres
import Reporting
import Results
import RoomKit
import Scheduling
import Triggers

/// The rooms of the house, wired: the only place that knows them all.
func makeRooms(_ settings: Settings, bus: FleetBus) throws -> [any Room] {
    let forge = try makeForge(settings)
    return [
        TriggersService(bus: bus, settings: settings),
        SchedulingService(bus: bus, forge: forge, settings: settings),
        ResultsService(bus: bus, artifacts: try makeArtifacts(settings), settings: settings),
        ReportingService(bus: bus, forge: forge, settings: settings),
    ]
}

func makeForge(_ settings: Settings) throws -> ForgeClient {
    ForgeClient(address: try ForgeAddress(url: settings.forgeURL), token: settings.forgeToken?.reveal)
}

func makeArtifacts(_ settings: Settings) throws -> LocalArtifactStore {
    try LocalArtifactStore(folder: settings.artifacts)
}
