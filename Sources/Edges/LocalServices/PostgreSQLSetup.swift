import FoundationEssentials
import Glibc

/// Makes a private PostgreSQL's data folder when there is none, writes its configuration and says how it is started.
struct PostgreSQLSetup {
    let servicesFolder: String
    let record: ServiceRecord
    /// The data may be older than the record; then the password in them is not the record's.
    let recordIsNew: Bool
    let durability: PrivateServices.Durability
    let onProgress: PrivateServices.ProgressHandler

    /// Where the files really are.
    private var folder = ""
    private var data: String { folder + "/data" }

    init(
        servicesFolder: String, record: ServiceRecord, recordIsNew: Bool, durability: PrivateServices.Durability,
        onProgress: @escaping PrivateServices.ProgressHandler
    ) {
        self.servicesFolder = servicesFolder
        self.record = record
        self.recordIsNew = recordIsNew
        self.durability = durability
        self.onProgress = onProgress
    }

    mutating func prepare() async throws(ServiceError) -> ServicePlan {
        let user = try Self.user()
        folder = try await makeOwnFolder(user)
        let version = readTail(data + "/PG_VERSION", bytes: 16).split(separator: "\n").first.map(String.init)
        let programs = try Installation.postgreSQL(version: version, folder: data)
        if version == nil {
            onProgress(.creating(.postgreSQL))
            try await createData(programs: programs, user: user)
        } else if recordIsNew {
            try await single(
                "ALTER ROLE \(ServiceRecord.user) PASSWORD '\(record.databasePassword)'", data: data,
                programs: programs, user: user)
        }
        try writeFile(folder + "/pg_hba.conf", Array(hostRules.utf8), mode: 0o600, owner: user)
        try writeFile(folder + "/postgresql.conf", Array(configuration.utf8), mode: 0o600, owner: user)
        return ServicePlan(
            folder: folder, user: user,
            command: [programs + "/postgres", "-D", data, "-c", "config_file=\(folder)/postgresql.conf"],
            environment: ["PATH": Installation.searchPath, "LANG": "C.UTF-8"],
            // Fast shutdown, then immediate, then the hard way ("Shutting Down the Server" in PostgreSQL's manual).
            stopSteps: durability == .full ? "INT:30 QUIT:10 KILL:10" : "QUIT:5 KILL:10",
            port: record.databasePort, probe: .postgreSQL)
    }

    private static func user() throws(ServiceError) -> ServiceUser? {
        guard geteuid() == 0 else { return nil }
        guard let user = ServiceUser(named: "postgres") else { throw .noUser("postgres") }
        return user
    }

    /// Makes the service's folder and returns it. As root it belongs to the service's user, and where that user cannot
    /// reach the services' folder (a checkout in root's home, say) the folder is in /var/lib and a link leads there.
    private func makeOwnFolder(_ user: ServiceUser?) async throws(ServiceError) -> String {
        let usual = servicesFolder + "/" + PrivateService.postgreSQL.folderName
        guard let user else {
            try makeFolder(usual, mode: 0o700)
            return usual
        }
        var place = (try? FileManager.default.destinationOfSymbolicLink(atPath: usual)) ?? usual
        if place == usual, access(usual, F_OK) != 0,
            await failure(of: user.prefix + ["test", "-x", servicesFolder]) != nil
        {
            place = "/var/lib/slipway/postgres-\(ServiceRecord.secret().prefix(12))"
            try makeFolder("/var/lib/slipway", mode: 0o755)
            guard symlink(place, usual) == 0 else {
                throw .unusableFolder(usual, reason: String(cString: strerror(errno)))
            }
            onProgress(.relocated(.postgreSQL, to: place))
        }
        try makeFolder(place, mode: 0o700)
        guard chown(place, user.userID, user.groupID) == 0 else {
            throw .unusableFolder(place, reason: "it cannot be given to the user \(user.name)")
        }
        if let reason = await failure(of: user.prefix + ["test", "-w", place]) {
            throw .unusableFolder(place, reason: "the user \(user.name) cannot write to it. \(reason)")
        }
        return place
    }

    /// The data folder appears under its name only when it is complete.
    private func createData(programs: String, user: ServiceUser?) async throws(ServiceError) {
        let partial = data + ".new"
        if let reason = await failure(of: ["rm", "-rf", partial]) { throw .failed(.postgreSQL, detail: reason) }
        let passwordFile = folder + "/password"
        try writeFile(passwordFile, Array("\(record.databasePassword)\n".utf8), mode: 0o600, owner: user)
        defer { unlink(passwordFile) }
        var command = (user?.prefix ?? []) + [programs + "/initdb", "-D", partial, "-U", ServiceRecord.user]
        command += ["--pwfile=\(passwordFile)", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        if durability == .relaxed { command.append("--no-sync") }
        if let reason = await failure(of: command) { throw .failed(.postgreSQL, detail: reason) }
        try await single("CREATE DATABASE \(ServiceRecord.database)", data: partial, programs: programs, user: user)
        guard rename(partial, data) == 0 else {
            throw .unusableFolder(folder, reason: String(cString: strerror(errno)))
        }
    }

    /// Executes a statement in single-user mode, which needs neither a port nor a password.
    private func single(
        _ statement: String, data: String, programs: String, user: ServiceUser?
    ) async throws(ServiceError) {
        var command = (user?.prefix ?? []) + [programs + "/postgres", "--single", "-D", data]
        if durability == .relaxed { command += ["-c", "fsync=off"] }
        if let reason = await failure(of: command + ["postgres"], input: statement + "\n") {
            throw .failed(.postgreSQL, detail: reason)
        }
    }

    private var hostRules: String {
        """
        host all all 127.0.0.1/32 scram-sha-256

        """
    }

    private var configuration: String {
        let base = """
            listen_addresses = '127.0.0.1'
            port = \(record.databasePort)
            unix_socket_directories = ''
            hba_file = '\(folder)/pg_hba.conf'
            max_connections = 400
            password_encryption = 'scram-sha-256'
            shared_buffers = '128MB'
            wal_level = minimal
            max_wal_senders = 0
            min_wal_size = '32MB'
            max_wal_size = '512MB'
            random_page_cost = 1.1
            jit = off
            timezone = 'UTC'
            log_timezone = 'UTC'
            log_min_messages = log
            log_checkpoints = off
            cluster_name = 'slipway'

            """
        guard durability == .relaxed else { return base }
        return base + """
            fsync = off
            synchronous_commit = off
            full_page_writes = off
            autovacuum_naptime = '1h'

            """
    }
}
