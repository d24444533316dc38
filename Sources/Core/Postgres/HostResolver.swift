import Glibc
import SocketLoop

/// Resolves host names for libpq, whose own look-up would block the loop: libpq is handed both the name (which TLS
/// verifies) and the addresses, and tries them in turn.
enum HostResolver {
    /// The keywords to add: none when every host is a socket folder or an address already.
    static func resolve(_ configuration: PostgresConfiguration) async throws(PostgresError) -> [String: String] {
        let keywords = configuration.keywords
        guard keywords["hostaddr"] == nil, let list = keywords["host"] else { return [:] }
        let hosts = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard hosts.contains(where: needsLookup) else { return [:] }
        let ports = (keywords["port"] ?? "5432").split(separator: ",", omittingEmptySubsequences: false).map(
            String.init)

        var names: [String] = []
        var addresses: [String] = []
        var chosenPorts: [String] = []
        var failure = ""
        for (index, host) in hosts.enumerated() {
            let port = ports.count == hosts.count ? ports[index] : ports.first ?? "5432"
            guard needsLookup(host) else {
                names.append(host)
                addresses.append("")
                chosenPorts.append(port)
                continue
            }
            let found: Found = await onBlockingThread("pq-resolve") { lookUp(host) }
            if let reason = found.failure { failure = "cannot resolve host '\(host)': \(reason)" }
            for address in found.addresses {
                names.append(host)
                addresses.append(address)
                chosenPorts.append(port)
            }
        }
        guard !names.isEmpty else { throw PostgresError(.connectionFailed, failure) }
        return [
            "host": names.joined(separator: ","), "hostaddr": addresses.joined(separator: ","),
            "port": chosenPorts.joined(separator: ","),
        ]
    }

    private struct Found {
        var addresses: [String] = []
        var failure: String?
    }

    private static func needsLookup(_ host: String) -> Bool {
        guard let first = host.first, first != "/", first != "@" else { return false }
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1
    }

    private static func lookUp(_ host: String) -> Found {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else { return Found(failure: String(cString: gai_strerror(status))) }
        defer { freeaddrinfo(list) }
        var found = Found()
        var entry = list
        while let current = entry {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(text.count)
            if getnameinfo(current.pointee.ai_addr, current.pointee.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST)
                == 0
            {
                let address = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
                if !found.addresses.contains(address) { found.addresses.append(address) }
            }
            entry = current.pointee.ai_next
        }
        return found
    }
}
