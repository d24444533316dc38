/// A named statement with parameters `$1…`, prepared once per connection when it is first used there. Name it after its
/// intent (`scheduling.claim_runs`); errors, logs and `pg_prepared_statements` show the name.
package struct Statement: Sendable, Hashable {
    package let name: String
    package let sql: String

    package init(_ name: String, _ sql: String) {
        self.name = name
        self.sql = sql
    }
}

/// A query written as a string whose interpolations are bound as parameters: `"select 1 where id = \(id)"`.
/// `\(raw: text)` inserts text as it is, and so must never come from outside. Parsed anew each time; what runs often
/// is a `Statement`.
package struct Query: ExpressibleByStringInterpolation, Sendable {
    package let sql: String
    let parameters: ParameterBuffer

    package init(stringLiteral value: String) {
        sql = value
        parameters = ParameterBuffer()
    }

    package init(stringInterpolation: StringInterpolation) {
        sql = stringInterpolation.sql
        parameters = stringInterpolation.parameters
    }

    /// SQL without parameters, made at run time.
    package init(raw sql: String) {
        self.init(stringLiteral: sql)
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        var sql: String
        var parameters = ParameterBuffer()

        package init(literalCapacity: Int, interpolationCount: Int) {
            sql = ""
            sql.reserveCapacity(literalCapacity + interpolationCount * 3)
        }

        package mutating func appendLiteral(_ literal: String) {
            sql += literal
        }

        package mutating func appendInterpolation(_ value: some PostgresEncodable) {
            parameters.append(value)
            sql += "$\(parameters.count)"
        }

        package mutating func appendInterpolation(raw text: String) {
            sql += text
        }
    }
}
