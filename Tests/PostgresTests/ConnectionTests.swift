import FoundationEssentials
import LocalServices
import Postgres
import SlipwayTesting
import Testing

@Suite struct ConnectionTests {
    @Test func interpolationBindsAndRawDoesNot() async throws {
        try await withConnection { connection async throws in
            let text = "'; drop table x; --"
            let table = "pg_class"
            let query: Query = "select \(text), count(*) > 0 from \(raw: table) where relname = \("pg_class")"
            #expect(query.sql == "select $1, count(*) > 0 from pg_class where relname = $2")
            let (back, exists) = try await connection.query(query).one().decode((String, Bool).self)
            #expect(back == text)
            #expect(exists)
        }
    }

    @Test func aStatementIsPreparedOncePerConnection() async throws {
        try await withConnection { connection async throws in
            let statement = Statement("tests.double", "select $1::int * 2")
            for number in 0..<5 {
                #expect(try await connection.execute(statement, number).one().decode(Int.self) == number * 2)
            }
            // The same name over another text is another statement.
            let other = Statement("tests.double", "select $1::int * 3")
            #expect(try await connection.execute(other, 2).one().decode(Int.self) == 6)
            let names = try await connection.query("select name from pg_prepared_statements order by 1")
                .map { try $0.decode(String.self) }
            #expect(names == ["tests.double#1", "tests.double#2"])
        }
    }

    @Test func aStatementIsPreparedAnewWhenItsTableChangesOrTheSessionForgetsIt() async throws {
        try await withConnection { connection async throws in
            try await connection.script("create table t (a int); insert into t values (1)")
            let all = Statement("tests.all", "select * from t")
            #expect(try await connection.execute(all).columns == ["a"])
            try await connection.script("alter table t add b int")
            #expect(try await connection.execute(all).columns == ["a", "b"])
            try await connection.script("deallocate all")
            #expect(try await connection.execute(all).columns == ["a", "b"])
        }
    }

    @Test func errorsCarryTheServersWordsAndTheStatementButNoValues() async throws {
        try await withConnection { connection async throws in
            try await connection.script(
                """
                create table parents (id int primary key);
                create table children (
                    id int constraint children_id_unique unique,
                    parent int constraint children_parent_known references parents (id),
                    age int not null constraint children_age_sane check (age > 0))
                """)
            let insert = Statement(
                "tests.insert_child",
                """
                insert into children (id, parent, age)
                    values   ($1, $2, $3)
                """)
            try await connection.execute(insert, 1, nil as Int?, 5)

            let duplicate = await failure { try await connection.execute(insert, 1, nil as Int?, 987_654) }
            #expect(duplicate?.code == "23505")
            #expect(duplicate?.isUniqueViolation == true)
            #expect(duplicate?.constraint == "children_id_unique")
            #expect(duplicate?.table == "children")
            #expect(duplicate?.statement == "tests.insert_child")
            #expect(duplicate?.sql == "insert into children (id, parent, age) values ($1, $2, $3)")
            #expect(duplicate?.source?.contains("ConnectionTests.swift:") == true)
            #expect(duplicate?.description.contains("987654") == false)

            let unknown = await failure { try await connection.execute(insert, 2, 42_424_242, 5) }
            #expect(unknown?.constraint == "children_parent_known")
            #expect(unknown?.isForeignKeyViolation == true)
            // The server's detail quotes the key; the description leaves it out.
            #expect(unknown?.detail?.contains("42424242") == true)
            #expect(unknown?.description.contains("42424242") == false)

            let check = await failure { try await connection.execute(insert, 2, nil as Int?, -5) }
            #expect(check?.code == "23514")
            let missing = await failure { try await connection.execute(insert, 2, nil as Int?, nil as Int?) }
            #expect(missing?.code == "23502")
            #expect(missing?.column == "age")

            let value = await failure { try await connection.query("select \("hunter2")::int") }
            #expect(value?.code == "22P02")
            #expect(value.map { "\($0)" }?.contains("hunter2") == false)

            let syntax = await failure { try await connection.query("selec 1") }
            #expect(syntax?.code == "42601")
            #expect(syntax.map { "\($0)" }?.contains("in: selec 1") == true)
            #expect(try await connection.query("select 1").one().decode(Int.self) == 1)
        }
    }

    @Test func longStatementsAreCutInErrors() {
        let error = PostgresError(.server, "no", sql: "select " + String(repeating: "x,  ", count: 500))
        #expect((error.sql?.count ?? 0) <= 300)
        #expect(error.sql?.hasSuffix("…") == true)
    }

    @Test func aPipelineIsAllOrNothing() async throws {
        try await withConnection { connection async throws in
            try await connection.script("create table t (a int primary key)")
            let insert = Statement("tests.insert", "insert into t values ($1)")
            let count = Statement("tests.count", "select count(*) from t")
            let rows = try await connection.pipeline([(insert, [1]), (insert, [2]), (count, [])])
            #expect(rows.count == 3)
            #expect(try rows[2].one().decode(Int.self) == 2)

            let other = Statement("tests.other", "select 'never prepared'")
            let error = await failure {
                try await connection.pipeline([(insert, [3]), (insert, [1]), (count, []), (other, [])])
            }
            #expect(error?.code == "23505")
            #expect(error?.statement == "tests.insert")
            #expect(try await connection.execute(count).one().decode(Int.self) == 2)
            // What was to be prepared after the error is prepared when it is needed.
            #expect(try await connection.execute(other).one().decode(String.self) == "never prepared")
            #expect(try await connection.pipeline([]).isEmpty)
        }
    }

    @Test func aLongPipelineWithLargeParametersFlowsBothWays() async throws {
        try await withConnection { connection async throws in
            let echo = Statement("tests.echo", "select $1::text")
            let large = String(repeating: "0123456789abcdef", count: 4096)
            let rows = try await connection.pipeline(Array(repeating: (echo, [large]), count: 100))
            #expect(rows.count == 100)
            #expect(try rows.allSatisfy { try $0.one().decode(String.self) == large })
        }
    }

    @Test func scriptRunsSeveralStatements() async throws {
        try await withConnection { connection async throws in
            let rows = try await connection.script(
                "create temporary table t (a int); insert into t values (1), (2); table t")
            #expect(rows.map(\.commandTag) == ["CREATE TABLE", "INSERT 0 2", "SELECT 2"])
            let error = await failure { try await connection.script("select 1; select 1/0; select 2") }
            #expect(error?.code == "22012")
            #expect(try await connection.script("").first?.count == 0)
        }
    }

    @Test func copyTakesRows() async throws {
        try await withConnection { connection async throws in
            try await connection.script(
                "create table t (id bigint, name text, tags text[], data bytea, at timestamptz)")
            let instant = Date(timeIntervalSince1970: 1_700_000_000.123456)
            let rows = (0..<20_000).map { number -> [any PostgresEncodable] in
                [
                    number, number % 3 == 0 ? nil : "tab\t, line\n, \\N, \(number)" as String?, ["a\"b", "c\\d", "\t"],
                    [0, 10, 92, 255] as [UInt8], instant,
                ]
            }
            #expect(try await connection.copyIn("copy t from stdin", rows: rows) == 20_000)
            let (id, name, tags, data, at) = try await connection.query("select * from t where id = 20000 - 1").one()
                .decode((Int, String?, [String], [UInt8], Date).self)
            #expect(id == 19_999)
            #expect(name == "tab\t, line\n, \\N, 19999")
            #expect(tags == ["a\"b", "c\\d", "\t"])
            #expect(data == [0, 10, 92, 255])
            #expect(at == instant)
            #expect(
                try await connection.query("select count(*) from t where name is null").one().decode(Int.self) == 6667)
            #expect(try await connection.copyIn("copy t from stdin", rows: []) == 0)
        }
    }

    @Test func aFailedCopyLeavesNothingAndAUsableConnection() async throws {
        try await withConnection { connection async throws in
            try await connection.script("create table t (a int primary key)")
            let rows = (0..<200_000).map { number -> [any PostgresEncodable] in [number == 150 ? 7 : number] }
            let duplicate = await failure { try await connection.copyIn("copy t from stdin", rows: rows) }
            #expect(duplicate?.code == "23505")
            let malformed = await failure {
                try await connection.copyIn("copy t from stdin", rows: [[1], ["private"]])
            }
            #expect(malformed?.code == "22P02")
            #expect(malformed?.context == "COPY t, line 2, column a")
            #expect(malformed.map { "\($0)" }?.contains("private") == false)
            let unknown = await failure { try await connection.copyIn("copy nowhere from stdin", rows: [[1]]) }
            #expect(unknown?.code == "42P01")
            let unsendable = await failure { try await connection.copyIn("copy t from stdin", rows: [["\0"]]) }
            #expect(unsendable?.kind == .encoding)
            #expect(try await connection.query("select count(*) from t").one().decode(Int.self) == 0)
        }
    }

    @Test func copyByTheWrongDoorSaysWhichIsRight() async throws {
        try await withConnection { connection async throws in
            let error = await failure { try await connection.query("copy (select 1) to stdout") }
            #expect(error?.kind == .misuse)
        }
        try await withConnection { connection async throws in
            try await connection.script("create table t (a int)")
            let error = await failure { try await connection.query("copy t from stdin") }
            #expect(error?.message.contains("copyIn()") == true)
        }
    }

    @Test func notificationsArriveWithoutAsking() async throws {
        try await withDatabase(address: []) { configuration async throws in
            let listening = try await PostgresConnection.connect(configuration, logger: quietLogger)
            let speaking = try await PostgresConnection.connect(configuration, logger: quietLogger)
            let stream = try await listening.listen("Odd \"name\"")
            let other = try await listening.listen("other")
            for word in ["one", "", "ž"] {
                try await speaking.query("select pg_notify('Odd \"name\"', \(word))")
            }
            var iterator = stream.makeAsyncIterator()
            #expect(await iterator.next()?.payload == "one")
            #expect(await iterator.next()?.payload == "")
            #expect(await iterator.next()?.payload == "ž")
            // The stream ends with the connection.
            await listening.close()
            #expect(await iterator.next() == nil)
            var otherIterator = other.makeAsyncIterator()
            #expect(await otherIterator.next() == nil)
            await speaking.close()
        }
    }

    @Test func aDroppedStreamStopsListening() async throws {
        try await withConnection { connection async throws in
            _ = try await connection.listen("passing")
            try await eventually("it listens no more") {
                try await connection.query("select * from pg_listening_channels()").isEmpty
            }
        }
    }

    @Test func aCancelledTaskCancelsItsStatementAndLeavesTheConnectionUsable() async throws {
        try await withDatabase(address: []) { configuration async throws in
            let holder = try await PostgresConnection.connect(configuration, logger: quietLogger)
            let waiting = try await PostgresConnection.connect(configuration, logger: quietLogger)
            try await holder.query("select pg_advisory_lock(1)")
            for _ in 0..<5 {
                let task = Task { try await waiting.query("select pg_advisory_lock(1)") }
                try await waitUntilBlocked(holder)
                // Commands behind it in the queue are not touched, and one that is cancelled there is never sent.
                async let next = waiting.query("select 'next'").one().decode(String.self)
                task.cancel()
                let error = await failure { _ = try await task.value }
                #expect(error?.kind == .cancelled)
                #expect(error?.code == "57014")
                #expect(try await next == "next")
            }
            let cancelledBefore = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await waiting.query("select pg_advisory_lock(1)")
            }
            let error = await failure { _ = try await cancelledBefore.value }
            #expect(error?.kind == .cancelled)
            await holder.close()
            await waiting.close()
        }
    }

    @Test func theServerEndsAStatementThatTakesTooLong() async throws {
        try await withConnection {
            $0.statementTimeout = .milliseconds(50)
        } _: { connection async throws in
            let error = await failure { try await connection.query("select pg_sleep(60)") }
            #expect(error?.kind == .timedOut)
            #expect(error?.code == "57014")
            #expect(try await connection.query("select 1").one().decode(Int.self) == 1)
        }
    }

    @Test func aSessionThatTheServerEndsSaysWhy() async throws {
        try await withDatabase(address: []) { configuration async throws in
            let admin = try await PostgresConnection.connect(configuration, logger: quietLogger)
            let victim = try await PostgresConnection.connect(configuration, logger: quietLogger)
            let pid = try await victim.query("select pg_backend_pid()").one().decode(Int.self)
            try await admin.query("select pg_advisory_lock(1)")
            let task = Task { try await victim.query("select pg_advisory_lock(1)") }
            try await waitUntilBlocked(admin)
            try await admin.query("select pg_terminate_backend(\(pid))")
            let error = await failure { _ = try await task.value }
            #expect(error?.kind == .connectionLost)
            #expect(error?.code == "57P01")
            #expect(error?.isOutage == true)
            let after = await failure { try await victim.query("select 1") }
            #expect(after?.kind == .connectionLost)
            await admin.close()
        }
    }

    @Test(
        arguments: [
            ("08006", true), ("53100", true), ("53200", true), ("53300", true), ("57P01", true), ("57P03", true),
            ("23505", false), ("40001", false), ("42703", false), ("57014", false), (nil, false),
        ] as [(String?, Bool)])
    func anOutageSaysNothingOfTheStatement(code: String?, isOutage: Bool) {
        #expect(PostgresError(.server, "text", code: code).isOutage == isOutage)
    }

    @Test func aCutLinkIsALostConnection() async throws {
        try await withProxy { proxy, configuration async throws in
            let connection = try await PostgresConnection.connect(configuration, logger: quietLogger)
            await proxy.hold()
            let answer = Task { try await connection.query("select 1") }
            await proxy.cut()
            let error = await failure { _ = try await answer.value }
            #expect(error?.kind == .connectionLost)
            #expect(error?.message.contains("127.0.0.1") == true)
        }
    }

    @Test func aCloseFailsWhatIsUnderWay() async throws {
        try await withDatabase(address: []) { configuration async throws in
            let holder = try await PostgresConnection.connect(configuration, logger: quietLogger)
            let waiting = try await PostgresConnection.connect(configuration, logger: quietLogger)
            try await holder.query("select pg_advisory_lock(1)")
            let task = Task { try await waiting.query("select pg_advisory_lock(1)") }
            try await waitUntilBlocked(holder)
            await waiting.close()
            #expect(await failure { _ = try await task.value }?.kind == .closed)
            #expect(await failure { try await waiting.query("select 1") }?.kind == .closed)
            await holder.close()
        }
    }

    @Test func noticesGoToTheLog() async throws {
        try await withDatabase(address: []) { configuration async throws in
            let log = LogLines()
            let connection = try await PostgresConnection.connect(configuration, logger: log.logger)
            try await connection.script("do $$ begin raise notice 'hello from the server'; end $$")
            #expect(log.lines == ["debug PostgreSQL says: hello from the server"])
            await connection.close()
        }
    }
}
