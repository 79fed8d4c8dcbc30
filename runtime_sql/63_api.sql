-- The API's functions. They run as their caller, whose search_path and time zone a run
-- takes over; so the ones that hand those on pin nothing, use no operator, and qualify
-- every name.

-- Return whether a start is to have a transaction of its own. Raise for what cannot be
-- honoured: a run lives in this database.
create function df_graph.wants_new_transaction(database text, transaction_mode text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if database <> current_database() then
    raise exception 'a run executes in the database that it was started in, not in %',
      quote_ident(database) using errcode = 'PD003';
  elsif lower(transaction_mode) = 'new' then
    return true;
  elsif lower(transaction_mode) <> 'caller' then
    raise exception 'transaction_mode is % and must be "caller" or "new"',
      to_json(transaction_mode) using errcode = 'PD003';
  end if;
  return false;
end
$$;

-- Start a run and return its id, eight hexadecimal digits. Part of the caller's
-- transaction, unless `transaction_mode` is "new" (63_new_transaction.sql). The steps see
-- the caller's search_path and time zone. `input` is read as `$input.name`; a second start
-- with the same `key` returns the first one's run. Of the runs with one `concurrency_key`,
-- `concurrency_limit` are active at once. A run that is not done after `timeout` fails.
-- `run_now` does the first steps in the caller's transaction.
create function df.start(fut text, label text default null, database text default null,
  transaction_mode text default 'caller', input jsonb default '{}', key text default null,
  concurrency_key text default null, concurrency_limit integer default null,
  timeout interval default null, run_now boolean default false)
returns text
language plpgsql
as $$
declare
  v_run text;
begin
  if df_graph.wants_new_transaction(database, transaction_mode) then
    if run_now then
      raise exception 'run_now does the first steps in the caller''s transaction, not in a new one'
        using errcode = 'PD003';
    end if;
    return df_graph.start_in_new_transaction(pg_catalog.format('df.start(fut => %L, label => %L,'
      ' input => %L, key => %L, concurrency_key => %L, concurrency_limit => %L, timeout => %L)',
      fut, label, input, key, concurrency_key, concurrency_limit, timeout),
      pg_catalog.current_setting('search_path'), pg_catalog.current_setting('TimeZone'));
  end if;
  insert into df.commands (verb, text1, text2, key, data, search_path, time_zone,
    concurrency_key, concurrency_limit, timeout, run_now)
  values ('start', fut, label, key, input, pg_catalog.current_setting('search_path'),
    pg_catalog.current_setting('TimeZone'), concurrency_key, concurrency_limit, timeout, run_now)
  returning result into v_run;
  return v_run;
end
$$;

-- Start a run of a graph for each input and return their ids in the order of the inputs;
-- with `keys`, one for each input, as df.start does with a key.
create function df.start_many(fut text, inputs jsonb[], label text default null,
  keys text[] default null, concurrency_key text default null,
  concurrency_limit integer default null) returns setof text
language plpgsql
as $$
declare
  v_runs text[];
begin
  insert into df.commands (verb, text1, text2, inputs, keys, search_path, time_zone,
    concurrency_key, concurrency_limit)
  values ('start_many', fut, label, inputs, keys, pg_catalog.current_setting('search_path'),
    pg_catalog.current_setting('TimeZone'), concurrency_key, concurrency_limit)
  returning results into v_runs;
  return query select pg_catalog.unnest(v_runs);
end
$$;

-- Send a signal to a run: kept until a wait of that name takes it. `run_now` does the
-- steps that follow in the caller's transaction.
create function df.signal(instance_id text, signal_name text, signal_data text default '{}',
  run_now boolean default false) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1, text2, run_now)
  values ('signal', instance_id, signal_name, signal_data, run_now)
  returning 'OK'
$$;

-- Cancel a run. One that has ended stays as it is.
create function df.cancel(instance_id text, reason text default 'Cancelled by user')
returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1) values ('cancel', instance_id, reason)
  returning format('Instance %s cancelled: %s', instance_id, reason)
$$;

-- Pause a run: the steps in progress end, no others begin, and what is due waits, until
-- df.resume. Returns the run's status.
create function df.pause(instance_id text, reason text default null) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1) values ('pause', instance_id, reason)
  returning result
$$;

-- Let a paused run go on. Returns the run's status.
create function df.resume(instance_id text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id) values ('resume', instance_id) returning result
$$;

-- Let a failed run go on from where it failed; nothing that succeeded is repeated.
-- Returns the run's id.
create function df.retry_failed(instance_id text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id) values ('retry_failed', instance_id) returning result
$$;

-- Start a new run of a run's graph that begins at a node, with the results that the run
-- had before it, and with its input unless another one is given. Returns its id.
create function df.fork(instance_id text, node_id text, input jsonb default null) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1, data) values ('fork', instance_id, node_id, input)
  returning result
$$;

-- Return a run's status: pending, running, paused, completed, failed or cancelled; null
-- when there is no such run.
create function df.status(instance_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select i.status from df.instances i where i.id = instance_id $$;

-- Return a run's result as JSON text; null until it has completed.
create function df.result(instance_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select i.result from df.instances i where i.id = instance_id $$;

-- Wait until a run has ended and return its status; raise PD031 after the timeout. The run
-- must have been committed, and somebody else must do the work: so not inside of a step.
create function df.await_instance(instance_id text, timeout_seconds integer default 30)
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := clock_timestamp() + make_interval(secs => timeout_seconds);
  v_status text;
  v_pause double precision := 0.005;
  v_context text;
begin
  get diagnostics v_context = pg_context;
  perform df_graph.refuse_in_step('df.await_instance', v_context);
  if timeout_seconds is null or timeout_seconds <= 0 then
    raise exception 'the timeout is % and must be a second or more', timeout_seconds
      using errcode = 'PD003';
  end if;
  loop
    v_status := df.status(instance_id);
    if v_status is null then
      raise exception 'there is no run %', coalesce(quote_literal(instance_id), 'null')
        using errcode = 'PD002';
    elsif v_status in ('completed', 'failed', 'cancelled') then
      return v_status;
    elsif clock_timestamp() >= v_until then
      raise exception 'run % has not ended after % s, it is %', instance_id, timeout_seconds,
        v_status using errcode = 'PD031', hint = 'Is a worker running?';
    end if;
    perform pg_sleep(v_pause);
    v_pause := least(v_pause * 2, 0.25);
  end loop;
end
$$;

-- Set the engine's settings, those that are given: the pace that df.loop keeps from round
-- to round; how many milliseconds of short steps may share a commit (0: none); how long
-- runs are kept that have ended, and how many of each status (0: all, see 66_retention.sql).
create function df.configure(loop_pace interval default null, batch_ms integer default null,
  keep_completed interval default null, keep_failed interval default null,
  keep_cancelled interval default null, keep_runs integer default null)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_wrong text := (select string_agg(name, ', ') from (values
    ('loop_pace', configure.loop_pace < '0'), ('keep_completed', configure.keep_completed < '0'),
    ('keep_failed', configure.keep_failed < '0'),
    ('keep_cancelled', configure.keep_cancelled < '0'), ('keep_runs', configure.keep_runs < 0),
    ('batch_ms', configure.batch_ms < 0)) given (name, negative) where negative);
begin
  if v_wrong is not null then
    raise exception '% must not be negative', v_wrong using errcode = 'PD003';
  elsif batch_ms > 1000 then
    raise exception 'batch_ms is % and must be 1000 at most', batch_ms using errcode = 'PD003';
  end if;
  update df_engine.settings s set loop_pace = coalesce(configure.loop_pace, s.loop_pace),
    batch_ms = coalesce(configure.batch_ms, s.batch_ms),
    keep_completed = coalesce(configure.keep_completed, s.keep_completed),
    keep_failed = coalesce(configure.keep_failed, s.keep_failed),
    keep_cancelled = coalesce(configure.keep_cancelled, s.keep_cancelled),
    keep_runs = coalesce(configure.keep_runs, s.keep_runs);
end
$$;
