import ArtifactStore
import Fleet
import Forge
import FoundationEssentials
import Git
import Leases
import Merging
import Postgres
import PullRequests
import Reporting
import Results
import RoomKit
import Scheduling
import Triggers
import Web

/// The rooms of the house, wired: the only place that knows them all.
func makeRooms(_ settings: Settings, bus: FleetBus) throws -> [any Room] {
    let forge = try makeForge(settings)
    let mirrors = makeMirrors(settings, forge)
    let artifacts = try makeArtifacts(settings)
    let excerpt = FailureExcerpt(artifacts)
    let ownJobs = OwnPresubmits(database: bus.database, mirrors: mirrors)
    let merging = MergingService(
        bus: bus, forge: forge, mirrors: mirrors, settings: settings,
        presubmits: { try await ownJobs.presubmits(of: $0, branch: $1, at: $2, merging: $3) },
        failureLines: { try await excerpt.lines(in: $0, count: $1) })
    let pullRequests = PullRequestsService(
        bus: bus, forge: forge, mirrors: mirrors, settings: settings,
        mergeObstacles: { try await merging.obstacles($0, $1) })
    return [
        TriggersService(bus: bus, settings: settings, forge: forge),
        pullRequests,
        SchedulingService(
            bus: bus, forge: forge, mirrors: mirrors, settings: settings, trust: pullRequests.trust),
        ResultsService(
            bus: bus, artifacts: artifacts, settings: settings, whichJobs: PresubmitRules.answer,
            pullPart: { try await pullRequests.pullPart($0, $1) }),
        ReportingService(bus: bus, forge: forge, settings: settings),
        merging,
        LeasesService(bus: bus, settings: settings),
    ]
}

/// Copies of the forge's repositories, for rooms that look at files or merge.
func makeMirrors(_ settings: Settings, _ forge: ForgeClient) -> GitMirrors {
    GitMirrors(folder: settings.mirrors, forge: forge)
}

func makeForge(_ settings: Settings) throws -> ForgeClient {
    ForgeClient(address: try ForgeAddress(url: settings.forgeURL), credential: try settings.forgeCredential)
}

extension Settings {
    /// What Slipway proves itself with at the forge.
    fileprivate var forgeCredential: ForgeCredential {
        get throws {
            guard let id = forgeAppID else {
                guard forgeAppKey == nil else {
                    throw SettingsError(
                        "forge.app_key is set without forge.app_id; set the id of the App it belongs to")
                }
                return forgeToken.map { .token($0.reveal) } ?? .anonymous
            }
            guard forgeToken == nil else {
                throw SettingsError(
                    "forge.token and forge.app_id are both set; Slipway is one or the other: remove one")
            }
            guard let key = forgeAppKey else {
                throw SettingsError("forge.app_id is set without forge.app_key; set it to file:/path of the App's key")
            }
            do {
                return .app(try ForgeApp(id: id, key: key.reveal))
            } catch {
                throw SettingsError("forge.app_key: \(error)")
            }
        }
    }
}

/// How people sign in by the forge; nil where no application is registered for it.
func makeLogin(_ settings: Settings) throws -> ForgeLogin? {
    guard let id = settings.loginClientID else { return nil }
    guard let secret = settings.loginClientSecret else {
        throw SettingsError(
            "login.client_id is set without login.client_secret; set it to the secret that the forge shows beside the id"
        )
    }
    return ForgeLogin(
        provider: ForgeOAuth(
            address: try ForgeAddress(url: settings.forgeURL), clientID: id, clientSecret: secret.reveal),
        publicURL: settings.pageURL, secret: settings.loginSessionSecret?.reveal ?? secret.reveal)
}

extension ForgeOAuth: LoginProvider {}

func makeArtifacts(_ settings: Settings) throws -> LocalArtifactStore {
    try LocalArtifactStore(folder: settings.artifacts)
}
