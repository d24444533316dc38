import FoundationEssentials
package import Postgres
package import SlipwayModel

// How the nouns stand in columns: names as text, run ids as uuid, build ids as bigint.

extension JobKind: PostgresEncodable, PostgresDecodable {}
extension RunOrigin: PostgresEncodable, PostgresDecodable {}
extension RunState: PostgresEncodable, PostgresDecodable {}

extension RunID: PostgresEncodable, PostgresDecodable {
    package func encode(into text: inout ParameterText) { uuid.encode(into: &text) }

    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> RunID {
        RunID(try UUID.decode(cell))
    }
}

extension BuildID: PostgresEncodable, PostgresDecodable {
    package func encode(into text: inout ParameterText) { number.encode(into: &text) }

    package static func decode(_ cell: PostgresCell) throws(PostgresCell.Failure) -> BuildID {
        BuildID(try Int64.decode(cell))
    }
}
