import Postgres

extension PullRequestsStore {
    static let peopleStatements = [personAnswers, notePerson, forgetPeople, trimPeople]

    /// Answers that are not older than so many seconds.
    static let personAnswers = Statement(
        "pull_requests.person_answers",
        """
        select question, answer
          from pull_requests.people
         where question = any($1::text[])
           and asked_at > now() - make_interval(secs => case when answer in ('false', 'none') then $3::double precision else $2::double precision end)
        """)

    static let notePerson = Statement(
        "pull_requests.note_person",
        """
        insert into pull_requests.people (question, answer) values ($1, $2)
        on conflict (question) do update set answer = excluded.answer, asked_at = now()
        """)

    /// What was remembered of an organisation's people; of one login where it is named.
    static let forgetPeople = Statement(
        "pull_requests.forget_people",
        """
        delete from pull_requests.people
         where split_part(question, '/', 2) = $1 and ($2::text is null or question like '%/' || $2 or question like 'collaborators/%')
        """)

    static let trimPeople = Statement(
        "pull_requests.trim_people",
        """
        delete from pull_requests.people
         where ctid = any(array(
               select ctid from pull_requests.people where asked_at < now() - interval '1 day' limit 5000))
        """)
}
