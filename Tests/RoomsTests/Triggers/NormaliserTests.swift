import Forge
import SlipwayModel
import Testing
import Triggers

@Suite("What a delivery means")
struct NormaliserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var event: String
        var fields: String
        var sender = "octo"
        /// `merging.status_context`.
        var poolContext = "tide"
        /// The context that is told; nil for nothing.
        var told: String?
        var testDescription: String { "\(event) \(fields) by \(sender), the pool's being \(poolContext)" }
    }

    private static func check(_ action: String) -> String {
        #""action":"\#(action)","check_run":{"id":1,"name":"build","head_sha":"abc","status":"completed"}"#
    }
    private static let pool = #""sha":"abc","context":"tide","state":"pending""#
    private static let status = #""sha":"abc","context":"licence","state":"success""#
    private static func own(_ description: String, link: String = #""https://ci/runs/1""#) -> String {
        #""sha":"abc","context":"unit","state":"success","description":"\#(description)","target_url":\#(link)"#
    }

    @Test(
        "what others say of a commit is told; of what the bot says, the pool's word, overrides and what was skipped",
        arguments: [
            Case(event: "status", fields: status, told: "licence"),
            Case(event: "status", fields: own("Job succeeded."), sender: "Slipway-Bot"),
            Case(event: "status", fields: own("Job succeeded."), told: "unit"),
            Case(event: "status", fields: own("Overridden by maria"), sender: "slipway-bot", told: "unit"),
            Case(
                event: "status", fields: own("Overridden by maria", link: "null"), sender: "slipway-bot", told: "unit"),
            Case(event: "status", fields: own("Skipped", link: "null"), sender: "slipway-bot", told: "unit"),
            Case(event: "status", fields: own("Skipped", link: #""""#), sender: "slipway-bot", told: "unit"),
            Case(event: "status", fields: pool, sender: "slipway-bot", told: "tide"),
            Case(event: "status", fields: pool, sender: "slipway-bot", poolContext: "pool", told: "tide"),
            Case(event: "status", fields: pool, sender: "octo", poolContext: "pool", told: "tide"),
            Case(event: "check_run", fields: check("created"), told: "build"),
            Case(event: "check_run", fields: check("completed"), told: "build"),
            Case(event: "check_run", fields: check("completed"), sender: "slipway-bot", told: "build"),
            Case(event: "check_run", fields: check("rerequested")),
            Case(event: "check_run", fields: check("requested_action")),
        ])
    func statuses(row: Case) throws {
        let payload = """
            {\(row.fields),"sender":{"login":"\(row.sender)"},
            "repository":{"name":"crane","full_name":"harbor/crane","owner":{"login":"harbor"}}}
            """
        let delivery = try WebhookDelivery(event: row.event, payload: Array(payload.utf8))
        let told = DeliveryNormaliser(bot: "slipway-bot", poolContext: row.poolContext).meaning(
            of: delivery, id: "delivery"
        ).status
        #expect(told?.context == row.told)
        guard let told else { return }
        #expect(told.repository == RepositoryName(org: "harbor", repo: "crane") && told.sha == "abc")
        #expect(told.sender == row.sender && told.deliveryID == "delivery")
    }

    struct Naming: Sendable, CustomTestStringConvertible {
        var action: String
        var changes = "{}"
        var former: String?
        var isNews = true
        var testDescription: String { "\(action) \(changes)" }
    }

    @Test(
        "repositories that are called otherwise, and new ones, are told",
        arguments: [
            Naming(action: "created"),
            Naming(
                action: "renamed", changes: #"{"repository":{"name":{"from":"derrick"}}}"#, former: "harbor/derrick"),
            Naming(
                action: "transferred", changes: #"{"owner":{"from":{"organization":{"login":"dock"}}}}"#,
                former: "dock/crane"),
            Naming(
                action: "transferred", changes: #"{"owner":{"from":{"user":{"login":"noor"}}}}"#, former: "noor/crane"),
            Naming(action: "renamed", changes: #"{"repository":{"name":{"from":"crane"}}}"#, isNews: false),
            Naming(action: "edited", changes: #"{"description":{"from":"Old"}}"#, isNews: false),
            Naming(action: "archived", isNews: false),
        ])
    func namings(row: Naming) throws {
        let payload = """
            {"action":"\(row.action)","changes":\(row.changes),"sender":{"login":"maria"},
            "repository":{"name":"crane","full_name":"harbor/crane","owner":{"login":"harbor"}}}
            """
        let delivery = try WebhookDelivery(event: "repository", payload: Array(payload.utf8))
        #expect(delivery.action == row.action && delivery.sender == "maria" && delivery.event == "repository")
        let naming = DeliveryNormaliser(bot: "slipway-bot", poolContext: "tide").meaning(of: delivery, id: "7").naming
        #expect((naming != nil) == row.isNews)
        #expect(naming?.former?.description == row.former)
        #expect(naming.map { $0.repository.description == "harbor/crane" && $0.deliveryID == "7" } ?? true)
    }
}
