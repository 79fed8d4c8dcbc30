-- For pg_durable: the result of a run that returned out of a loop or a branch.
--
-- The extension can leave a loop but not end a run. Compiled code stores the result
-- here, leaves loop by loop, and asks before each thing that follows.

create table if not exists perdure.outcomes (
  run_id text primary key,
  result jsonb,
  stored_at timestamptz not null default clock_timestamp()
);

alter table perdure.outcomes enable row level security;

-- A role sees the outcomes of the runs that it sees. Before the slash stands the run,
-- after it the branch of a race.
drop policy if exists own_runs on perdure.outcomes;
create policy own_runs on perdure.outcomes
  using (exists (select from df.instances as i where i.id = split_part(run_id, '/', 1)));

-- Store the result of a run; the first one stays, so that doing it twice is harmless.
create function perdure.set_outcome(p_run_id text, p_result jsonb) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into perdure.outcomes (run_id, result) values (p_run_id, p_result)
  on conflict (run_id) do nothing;
  select true
$$;

-- Say whether a run has returned.
create function perdure.has_outcome(p_run_id text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select exists (select from perdure.outcomes where run_id = p_run_id) $$;

-- Return the result of a run that has returned.
create function perdure.outcome(p_run_id text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select result from perdure.outcomes where run_id = p_run_id $$;

-- Take over the result of the branch that has won a race, if it has returned.
create function perdure.take_outcome(p_run_id text, p_branch text) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into perdure.outcomes (run_id, result)
  select p_run_id, o.result from perdure.outcomes o where o.run_id = p_branch
  on conflict (run_id) do nothing;
  select true
$$;
