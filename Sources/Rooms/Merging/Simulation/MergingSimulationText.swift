import RoomKit

/// What the simulator prints for people: rows as a Markdown table, then the checks.
enum MergingSimulationText {
    static func report(
        _ rows: [SimulationRow], _ goals: [GoalCheck], _ bounds: [BoundCheck], _ planning: PlanningCheck
    ) -> String {
        var lines = [
            TextTable(
                [
                    "C", "bad", "flakes", "conflicts", "load", "policy", "merges/h", "95 %", "p50 wait", "p95 wait",
                    "oldest", "runs/merge", "false ejections", "broken",
                ],
                rows.map { row in
                    [
                        "\(row.capacity)", percent(row.failure), percent(row.flake), percent(row.conflict),
                        row.arrivals == "burst" ? "burst" : "\(row.load)",
                        row.policy.rawValue + (row.batchLimit.map { $0 == 0 ? " (no limit)" : " (\($0))" } ?? ""),
                        "\(row.mergesPerHour.rounded(to: 2))",
                        row.mergesPerHourCI.map { "\($0.rounded(to: 2))" }.joined(separator: "–"),
                        "\(row.p50WaitMinutes)", "\(row.p95WaitMinutes)", "\(row.oldestWaitMinutes)",
                        "\(row.runsPerMerge.rounded(to: 2))", "\(row.falseEjections.rounded(to: 2))",
                        "\(row.brokenMain)",
                    ]
                }
            ).description, "",
        ]
        for goal in goals {
            lines.append("\(goal.rows - goal.missed.count) of \(goal.rows) rows: \(goal.goal)")
            lines += goal.missed.map { "    missed at \($0)" }
        }
        for bound in bounds {
            lines.append(
                "\(percent(bound.failure)) bad, drained: \(bound.mergesPerRun) merges per run; no policy does more than \(bound.bound)"
            )
        }
        lines.append("Planning a pool of \(planning.pullRequests) pull requests: \(planning.milliseconds) ms")
        return lines.joined(separator: "\n")
    }

    private static func percent(_ value: Double) -> String { "\((value * 100).rounded(to: 2)) %" }
}
