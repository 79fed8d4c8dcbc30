-- The API's functions. They run as their caller, whose search_path and time zone a run
-- takes over; so the ones that hand those on pin nothing, use no operator, and qualify
-- every name.

-- Raise for options of pg_durable's that have another meaning here: a run lives in this
-- database, and starts with its caller's transaction.
create function df.check_options(database text, transaction_mode text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if database <> current_database() then
    raise exception 'a run executes in the database that it was started in, not in %',
      quote_ident(database) using errcode = 'PD003';
  elsif transaction_mode <> 'caller' then
    raise exception 'transaction_mode % is not supported: a run starts with its caller''s transaction',
      quote_literal(transaction_mode) using errcode = 'PD003';
  end if;
end
$$;

-- Start a run and return its id, eight hexadecimal digits. Part of the caller's
-- transaction. The steps see the caller's search_path and time zone. `input` is read as
-- `$input.name`; a second start with the same `key` returns the first one's run.
create function df.start(node text, label text default null, database text default null,
  transaction_mode text default null, input jsonb default '{}', key text default null)
returns text
language plpgsql
as $$
declare
  v_run text;
begin
  perform df.check_options(database, transaction_mode);
  insert into df.commands (verb, text1, text2, key, data, search_path, time_zone)
  values ('start', node, label, key, input, pg_catalog.current_setting('search_path'),
    pg_catalog.current_setting('TimeZone'))
  returning result into v_run;
  return v_run;
end
$$;

-- Send a signal to a run: kept until a wait of that name takes it.
create function df.signal(instance_id text, signal_name text, data text default '{}')
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1, text2)
  values ('signal', instance_id, signal_name, data)
$$;

-- Cancel a run.
create function df.cancel(instance_id text, reason text default null) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1) values ('cancel', instance_id, reason)
$$;

-- Return a run's status: pending, running, completed, failed or cancelled; null when
-- there is no such run.
create function df.status(instance_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select i.status from df.instances i where i.id = instance_id $$;

-- Return a run's result as JSON text; null until it has completed.
create function df.result(instance_id text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select i.result from df.instances i where i.id = instance_id $$;

-- Wait until a run has ended and return its status; after the timeout, the status that
-- it has. The run must have been committed. Somebody else must do the work.
create function df.await_instance(instance_id text, timeout_seconds integer default 30)
returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := clock_timestamp() + make_interval(secs => timeout_seconds);
  v_status text;
  v_pause double precision := 0.005;
begin
  loop
    v_status := df.status(instance_id);
    if v_status is null then
      raise exception 'there is no run %', coalesce(quote_literal(instance_id), 'null')
        using errcode = 'PD002';
    end if;
    if v_status in ('completed', 'failed', 'cancelled') or clock_timestamp() >= v_until then
      return v_status;
    end if;
    perform pg_sleep(v_pause);
    v_pause := least(v_pause * 2, 0.25);
  end loop;
end
$$;

-- Set a variable of the caller's, read as `{name}` by runs that start afterwards.
create function df.setvar(name text, value text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1, text2) values ('setvar', name, value) $$;

-- Return a variable of the caller's.
create function df.getvar(name text) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1) values ('getvar', name) returning result $$;

-- Remove a variable of the caller's.
create function df.unsetvar(name text) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb, text1) values ('unsetvar', coalesce(name, '')) $$;

-- Remove all variables of the caller's.
create function df.clearvars() returns void
language sql
set search_path = pg_catalog, pg_temp
as $$ insert into df.commands (verb) values ('unsetvar') $$;

-- Set the engine's settings, those that are given: the pace that df.loop keeps from round
-- to round, and how many milliseconds of short steps may share a commit (0: none).
create function df.configure(loop_pace interval default null, batch_ms integer default null)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update df_engine.settings s set loop_pace = coalesce(configure.loop_pace, s.loop_pace),
    batch_ms = coalesce(configure.batch_ms, s.batch_ms)
$$;
