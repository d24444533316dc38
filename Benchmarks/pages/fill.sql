-- Runs :first to :last, the last one now, each 2.6 s after the one before it.
set synchronous_commit = off;
create function pg_temp.run_id(at timestamptz, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5(number::text), 1, 3)
            || '8' || substr(md5(number::text), 4, 15))::uuid
$$;
create temporary table numbered as
    select :last::bigint - offset_runs as number, now() - offset_runs * interval '2.6 s' as requested_at
      from generate_series(0, :last::bigint - :first::bigint) as offset_runs;
insert into scheduling.runs
       (run_id, build_id, request_id, origin, kind, job, job_hash, cluster, context, org, repo, base_ref, base_sha,
        pull_numbers, head_sha, head_shas, author, refs, state, description, agent, requested_at, dispatched_at,
        started_at, heartbeat_at, finished_at, exit_code, phases, config_version, artifact_folder, source)
select pg_temp.run_id(requested_at, number), ((extract(epoch from requested_at) * 1000)::bigint << 20) + number % 1048576,
       gen_random_uuid(), 'trigger', 'presubmit', 'job-' || job, job_hash, 'default', 'job-' || job, 'lantern',
       'repo-' || job / 25, 'main', base_sha, array[pull], head_sha, array[head_sha], 'author-' || pull % 200,
       jsonb_build_object(
           'org', 'lantern', 'repo', 'repo-' || job / 25, 'base_ref', 'main', 'base_sha', base_sha,
           'pulls', jsonb_build_array(jsonb_build_object(
               'number', pull, 'author', 'author-' || pull % 200, 'sha', head_sha, 'title', 'Change ' || pull))),
       case when number % 12 = 0 then 'failure' else 'success' end,
       case when number % 12 = 0 then 'Job failed.' else 'Job succeeded.' end, 'agent-' || number % 20,
       requested_at, requested_at + interval '1 s', requested_at + interval '2 s', requested_at + interval '2 s',
       requested_at + interval '62 s', number % 12 / 11, '{"clone": 4, "test": 50, "upload": 1}', 1,
       'pr-logs/pull/lantern_repo-' || job / 25 || '/' || pull || '/job-' || job, 'many.yaml:3'
  from (
      select number, requested_at, (number * 7919 % 1000)::integer as job, (1 + number / 50 % 3000)::integer as pull,
             md5('base' || number / 400) || '00000000' as base_sha, md5('head' || number / 25) || '00000000' as head_sha
        from numbered
  ) as run
  join lateral (
      select hash as job_hash from scheduling.jobs where name = 'job-' || job and until is null limit 1
  ) as configured on true;
insert into results.pace (begins_at, passed, failed, aborted, waits)
select date_bin('10 minutes', requested_at, '2000-01-01'), count(*) * 11 / 12, count(*) / 12, 0,
       array[0, 0, 0, count(*), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]::integer[]
  from numbered group by 1
on conflict do nothing;
insert into scheduling.pulls
       (org, repo, number, version, title, author, head_ref, head_sha, base_ref, base_sha, is_open, is_draft, is_merged)
select 'lantern', 'repo-' || number % 40, number, 1, 'Change ' || number, 'author-' || number % 200, 'change', md5('head'),
       'main', md5('base'), true, false, false
  from generate_series(1, 2000) as number
on conflict do nothing;
analyze;
