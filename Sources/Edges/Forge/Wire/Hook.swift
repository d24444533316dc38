package import SlipwayModel

/// A repository's webhook, its secret left out.
package struct Hook: Hashable, Sendable, Codable {
    package struct Config: Hashable, Sendable, Codable {
        package var url: String?
        package var contentType: String?

        package init(url: String?, contentType: String?) {
            self.url = url
            self.contentType = contentType
        }

        enum CodingKeys: String, CodingKey {
            case url
            case contentType = "content_type"
        }
    }

    package var id: Int64
    package var name: String
    package var isActive: Bool
    package var events: [String]
    package var config: Config
    package var url: String?

    package init(id: Int64, name: String, isActive: Bool, events: [String], config: Config, url: String?) {
        self.id = id
        self.name = name
        self.isActive = isActive
        self.events = events
        self.config = config
        self.url = url
    }

    enum CodingKeys: String, CodingKey {
        case id, name, events, config, url
        case isActive = "active"
    }
}

/// One attempt to deliver an event.
package struct HookDelivery: Hashable, Sendable, Codable {
    package struct Exchange: Hashable, Sendable, Codable {
        package var headers: [String: String]
        package var payload: JSONValue

        package init(headers: [String: String], payload: JSONValue) {
            self.headers = headers
            self.payload = payload
        }
    }

    package var id: Int64
    /// The same for every attempt to deliver one event: the header `X-GitHub-Delivery`.
    package var guid: String
    package var event: String
    package var action: String?
    package var isRedelivery: Bool
    package var deliveredAt: Timestamp?
    /// Seconds.
    package var duration: Double?
    package var status: String
    /// 0 where there was no answer.
    package var statusCode: Int
    package var repositoryID: Int64?
    package var url: String?
    package var request: Exchange?
    package var response: Exchange?

    package init(
        id: Int64, guid: String, event: String, action: String?, isRedelivery: Bool, deliveredAt: Timestamp?,
        duration: Double, status: String, statusCode: Int, repositoryID: Int64
    ) {
        self.id = id
        self.guid = guid
        self.event = event
        self.action = action
        self.isRedelivery = isRedelivery
        self.deliveredAt = deliveredAt
        self.duration = duration
        self.status = status
        self.statusCode = statusCode
        self.repositoryID = repositoryID
    }

    enum CodingKeys: String, CodingKey {
        case id, guid, event, action, duration, status, url, request, response
        case isRedelivery = "redelivery"
        case deliveredAt = "delivered_at"
        case statusCode = "status_code"
        case repositoryID = "repository_id"
    }
}
