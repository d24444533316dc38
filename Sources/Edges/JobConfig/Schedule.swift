/// When a periodic falls due. Exactly one of the three, as in Prow.
package enum Schedule: Sendable, Hashable {
    case cron(CronExpression)
    /// Seconds from the start of the last run.
    case interval(Double)
    /// Seconds from the end of the last run.
    case minimumInterval(Double)
}

extension Schedule: Codable, CustomStringConvertible {
    enum CodingKeys: String, CodingKey {
        case cron, interval
        case minimumInterval = "minimum_interval"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let cron = try container.decodeIfPresent(CronExpression.self, forKey: .cron) {
            self = .cron(cron)
        } else if let seconds = try container.decodeIfPresent(Double.self, forKey: .interval) {
            self = .interval(seconds)
        } else {
            self = .minimumInterval(try container.decode(Double.self, forKey: .minimumInterval))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .cron(let expression): try container.encode(expression, forKey: .cron)
        case .interval(let seconds): try container.encode(seconds, forKey: .interval)
        case .minimumInterval(let seconds): try container.encode(seconds, forKey: .minimumInterval)
        }
    }

    /// For people: `cron 0 6 * * 1-5 (UTC)`, `every 3600 s from start`.
    package var description: String {
        switch self {
        case .cron(let expression): "cron \(expression) (UTC)"
        case .interval(let seconds): "every \(Schedule.words(seconds)) from start"
        case .minimumInterval(let seconds): "\(Schedule.words(seconds)) after completion"
        }
    }

    private static func words(_ seconds: Double) -> String {
        let whole = Int(seconds)
        guard Double(whole) == seconds, whole >= 60, whole % 60 == 0 else { return "\(seconds) s" }
        return whole % 3600 == 0 ? "\(whole / 3600) h" : "\(whole / 60) min"
    }
}
