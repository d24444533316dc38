import FoundationEssentials
import Subprocess
import SystemPackage

extension PrivateServices {
    /// Runs RabbitMQ's own tool against the broker that runs in a folder of services: alarms, limits, faults.
    package static func control(folder: String, _ arguments: [String]) async throws(ServiceError) {
        let record = try ServiceRecord.read(from: folder)
        let tool = try Installation.rabbitMQServer().dropLast("rabbitmq-server".count) + "rabbitmqctl"
        let environment: [Environment.Key: String] = [
            "PATH": Installation.searchPath, "LANG": "C.UTF-8",
            "HOME": "\(folder)/\(PrivateService.rabbitMQ.folderName)/home",
            "ERL_EPMD_PORT": "\(record.portMapperPort)", "RABBITMQ_NODENAME": RabbitMQSetup.nodeName,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        ]
        let printed: String
        do {
            let result = try await run(
                .path(FilePath(String(tool))), arguments: Arguments(arguments), environment: .custom(environment),
                output: .string(limit: 1 << 16), error: .combinedWithOutput)
            if result.terminationStatus.isSuccess { return }
            printed = result.standardOutput
        } catch {
            printed = "\(error)"
        }
        throw .failed(.rabbitMQ, detail: "rabbitmqctl \(arguments.joined(separator: " ")) failed: \(printed)")
    }
}
