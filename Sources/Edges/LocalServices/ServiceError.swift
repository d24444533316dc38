/// Why the private services did not start.
package enum ServiceError: Error, Sendable, CustomStringConvertible {
    case notInstalled(PrivateService, missing: String, package: String)
    case alreadyRunning(folder: String, owner: String)
    case busy(folder: String)
    case noUser(String)
    case unusableFolder(String, reason: String)
    case foreignData(folder: String, version: String)
    case failed(PrivateService, detail: String)
    case cancelled

    /// Somebody else listens on a port that a service was given.
    var isPortTaken: Bool {
        guard case .failed(_, let detail) = self else { return false }
        return detail.contains("Address already in use") || detail.contains("eaddrinuse")
    }

    package var description: String {
        switch self {
        case .notInstalled(let service, let missing, let package):
            "\(service) is not installed: there is no \(missing). Install it with “apt-get install \(package)”."
        case .alreadyRunning(let folder, let owner):
            "The services in \(folder) already run\(owner.isEmpty ? "" : ", started by process \(owner)"). "
                + "Stop them first, or choose another folder."
        case .busy(let folder):
            "The services that ran in \(folder) before did not end within a minute. "
                + "Look for guardian.sh among the processes and at the log files in the folder."
        case .noUser(let name):
            "PostgreSQL refuses to run as root and there is no user “\(name)” to run it as. "
                + "Install the Debian package postgresql, or start as another user."
        case .unusableFolder(let folder, let reason):
            "The folder \(folder) cannot hold the services: \(reason)."
        case .foreignData(let folder, let version):
            "\(folder) was written by PostgreSQL \(version), which is not installed. "
                + "Install the Debian package postgresql-\(version), or remove the folder and its data."
        case .failed(let service, let detail):
            "\(service) did not start: \(detail)"
        case .cancelled:
            "The start of the services was cancelled."
        }
    }
}
