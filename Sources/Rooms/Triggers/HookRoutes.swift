import Forge
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import RoomKit
import SlipwayModel
import Web

/// `POST /hook`: the forge's deliveries, signed, answered once they are stored.
struct HookRoutes {
    /// GitHub sends at most 25 MB.
    static let maximumBody = 25 * 1024 * 1024

    let intake: DeliveryIntake
    let normaliser: DeliveryNormaliser
    let secrets: [Secret]

    func add(to router: Router<SlipwayContext>) {
        router.post("hook") { request, _ in try await receive(request) }
        for method in [HTTPRequest.Method.get, .put, .delete, .patch] {
            router.on("hook", method: method) { _, _ in
                HookAnswer.methodNotAllowed
            }
        }
    }

    private func receive(_ request: Request) async throws -> HookAnswer {
        guard let type = request.headers[.contentType], type.lowercased().hasPrefix("application/json") else {
            return .unsupportedType
        }
        guard let event = request.headers[HookHeader.event], !event.isEmpty else { return .missing("X-GitHub-Event") }
        guard let id = request.headers[HookHeader.delivery], (1...100).contains(id.utf8.count) else {
            return .missing("X-GitHub-Delivery")
        }
        guard let signature = request.headers[HookHeader.signature] else {
            return .missing("X-Hub-Signature-256", .forbidden)
        }
        guard !secrets.isEmpty else { return .noSecrets }
        let body: [UInt8]
        do {
            let buffer = try await request.body.collect(upTo: Self.maximumBody)
            body = Array(buffer.readableBytesView)
        } catch {
            return .tooLarge
        }
        guard WebhookSignature.verify(header: signature, body: body, secrets: secrets.map(\.reveal)) else {
            return .badSignature
        }
        let delivery: WebhookDelivery
        do {
            delivery = try WebhookDelivery(event: event, payload: body)
        } catch {
            return .unreadable("\(error)")
        }
        guard let payload = StoredPayload.text(body) else {
            return .unreadable("the payload is not UTF-8")
        }
        let outcome = try await intake.store(
            StoredDelivery(
                id: id, event: String(event.prefix(100)), action: delivery.action, repository: delivery.repository,
                sender: delivery.sender, payload: payload, headers: DeliveryHeaders.kept(request.headers),
                meaning: normaliser.meaning(of: delivery, id: id)))
        return outcome == .stored ? .accepted : .repeated
    }
}

enum HookHeader {
    static let event = header("X-GitHub-Event")
    static let delivery = header("X-GitHub-Delivery")
    static let signature = header("X-Hub-Signature-256")

    private static func header(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("'\(name)' is not a header name") }
        return name
    }
}

/// What `/hook` answers: a status and a sentence for whoever set the webhook up.
struct HookAnswer: ResponseGenerator {
    let status: HTTPResponse.Status
    let message: String

    static let accepted = HookAnswer(status: .accepted, message: "stored")
    static let repeated = HookAnswer(status: .ok, message: "already received: nothing was done")
    static let methodNotAllowed = HookAnswer(
        status: .methodNotAllowed, message: "webhooks are sent with POST")
    static let unsupportedType = HookAnswer(
        status: .unsupportedMediaType,
        message: "only application/json is understood: set the webhook's content type to it")
    static let tooLarge = HookAnswer(status: .contentTooLarge, message: "the payload is over 25 MB")
    static let badSignature = HookAnswer(
        status: .forbidden,
        message: "the signature does not match: give the webhook the secret that webhook.secrets holds")
    static let noSecrets = HookAnswer(
        status: .forbidden, message: "no webhook secret is configured here: set webhook.secrets")

    static func missing(_ header: String, _ status: HTTPResponse.Status = .badRequest) -> HookAnswer {
        HookAnswer(status: status, message: "the header \(header) is missing or too long")
    }

    static func unreadable(_ reason: String) -> HookAnswer { HookAnswer(status: .badRequest, message: reason) }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var headers: HTTPFields = [.contentType: "text/plain; charset=utf-8"]
        if status == .methodNotAllowed { headers[.allow] = "POST" }
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: message + "\n")))
    }
}
