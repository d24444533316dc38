package import FoundationEssentials

/// Times as people read them.
package enum HumanTime {
    /// `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`.
    package static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds > 0 else { return "0 s" }
        if seconds < 0.9995 { return "\(max(1, Int((seconds * 1000).rounded()))) ms" }
        if seconds < 9.95 {
            let tenths = Int((seconds * 10).rounded())
            return tenths % 10 == 0 ? "\(tenths / 10) s" : "\(tenths / 10).\(tenths % 10) s"
        }
        let whole = Int(min(seconds, 1e12).rounded())
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return whole % 60 == 0 ? "\(whole / 60) min" : "\(whole / 60) min \(whole % 60) s"
        case ..<86_400:
            let minutes = whole / 60
            return minutes % 60 == 0 ? "\(minutes / 60) h" : "\(minutes / 60) h \(minutes % 60) min"
        default:
            let hours = whole / 3600
            return hours % 24 == 0 ? "\(hours / 24) d" : "\(hours / 24) d \(hours % 24) h"
        }
    }

    /// `just now`, `40 s ago`, `3 min ago`, `2 h ago`, `5 d ago`; the page's script goes on in the same words.
    package static func age(_ date: Date, now: Date = Date()) -> String {
        let seconds = Int(max(0, now.timeIntervalSince(date)))
        switch seconds {
        case ..<1: return "just now"
        case ..<60: return "\(seconds) s ago"
        case ..<3600: return "\(seconds / 60) min ago"
        case ..<86_400: return "\(seconds / 3600) h ago"
        default: return "\(seconds / 86_400) d ago"
        }
    }

    /// `2026-11-24 03:15:09 UTC`.
    package static func instant(_ date: Date) -> String {
        let parts = iso(date)
        return parts.prefix(10) + " " + parts.dropFirst(11).prefix(8) + " UTC"
    }

    /// RFC 3339 in UTC with whole seconds.
    package static func iso(_ date: Date) -> String { date.formatted(.iso8601) }

    /// `512 bytes`, `3.4 KB`, `12 MB`.
    package static func size(_ bytes: Int64) -> String {
        guard bytes >= 1024 else { return "\(bytes) bytes" }
        var value = Double(bytes) / 1024
        var unit = "KB"
        for next in ["MB", "GB", "TB"] where value >= 1023.5 { (value, unit) = (value / 1024, next) }
        let tenths = Int((value * 10).rounded())
        return value < 9.95 && tenths % 10 != 0
            ? "\(tenths / 10).\(tenths % 10) \(unit)" : "\(Int(value.rounded())) \(unit)"
    }
}

extension Markup {
    /// `<time>` with how long ago it was, and the instant as its title.
    package static func age(_ date: Date, now: Date = Date()) -> Markup {
        "<time datetime=\"\(HumanTime.iso(date))\" title=\"\(HumanTime.instant(date))\" data-age>\(HumanTime.age(date, now: now))</time>"
    }

    /// `<time>` with the instant itself.
    package static func instant(_ date: Date) -> Markup {
        "<time datetime=\"\(HumanTime.iso(date))\">\(HumanTime.instant(date))</time>"
    }
}
