/// Something wrong, or worth knowing, in a configuration: where, and a sentence that says what to do.
package struct ConfigProblem: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
    /// Relative to the loaded folder.
    package var file: String
    /// From 1; 0 where the whole file is meant.
    package var line: Int
    package var job: String?
    package var message: String

    enum CodingKeys: String, CodingKey { case file, line, job, message }

    package init(file: String, line: Int, job: String? = nil, message: String) {
        self.file = file
        self.line = line
        self.job = job
        self.message = message
    }

    /// `file:line: job NAME: message`, as compilers write it.
    package var description: String {
        (line > 0 ? "\(file):\(line): " : "\(file): ") + (job.map { "job \($0): " } ?? "") + message
    }

    /// `job` is there even where it is null, so that readers find the same keys everywhere.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(file, forKey: .file)
        try container.encode(line, forKey: .line)
        try container.encode(job, forKey: .job)
        try container.encode(message, forKey: .message)
    }

    package static func < (left: ConfigProblem, right: ConfigProblem) -> Bool {
        (left.file, left.line, left.message) < (right.file, right.line, right.message)
    }
}
