import Foundation
import Testing
import Yams

/// The manifests as far as they can be judged without a cluster.
@Suite struct KubernetesTests {
    private struct Manifest: Decodable {
        struct Metadata: Decodable { var name: String }
        struct Spec: Decodable {
            struct Template: Decodable {
                struct Pod: Decodable {
                    struct Container: Decodable {
                        struct Probe: Decodable {}
                        struct Resources: Decodable {
                            var requests: [String: String]
                            var limits: [String: String]
                        }

                        var args: [String]
                        var livenessProbe: Probe?
                        var readinessProbe: Probe?
                        var resources: Resources
                    }

                    var containers: [Container]
                    var terminationGracePeriodSeconds: Int?
                }

                var spec: Pod
            }

            var template: Template?
        }

        var apiVersion: String
        var kind: String
        var metadata: Metadata
        var spec: Spec?
        var data: [String: String]?
    }

    private static func manifests() throws -> [Manifest] {
        let text = try String(contentsOfFile: LiveFleet.checkout + "/deploy/kubernetes/slipway.yaml", encoding: .utf8)
        return try text.components(separatedBy: "\n---\n").map { try YAMLDecoder().decode(Manifest.self, from: $0) }
    }

    @Test func everyRoleIsProbedBoundedAndGivenTimeToEnd() throws {
        let deployments = try Self.manifests().filter { $0.kind == "Deployment" }
        #expect(deployments.map(\.metadata.name) == ["slipway-gateway", "slipway-worker", "slipway-agent"])
        for deployment in deployments {
            let pod = try #require(deployment.spec?.template?.spec)
            // A process ends within 30 s of being asked to.
            #expect(try #require(pod.terminationGracePeriodSeconds) > 30)
            for container in pod.containers {
                #expect(container.livenessProbe != nil && container.readinessProbe != nil)
                #expect(container.resources.limits["memory"] != nil && container.resources.requests["cpu"] != nil)
                #expect(deployment.metadata.name == "slipway-\(container.args[0])")
            }
        }
    }

    @Test func settingsAreOnesThatThereAre() throws {
        let reference = try String(contentsOfFile: LiveFleet.checkout + "/docs/settings.md", encoding: .utf8)
        let settings = try #require(try Self.manifests().first { $0.kind == "ConfigMap" }?.data)
        for name in settings.keys { #expect(reference.contains("`\(name)`"), "there is no setting \(name)") }
    }
}
