-- Suspects: steps that may be what ends their sessions.
--
-- A claim is a row lock, so a step that takes its session down with it (it terminates its
-- backend, exhausts the memory, cannot be committed) leaves no trace and would be tried
-- for ever. After a worker has lost a session, it therefore works carefully for a while:
-- each step is noted in a committed row before it executes, and its task goes to state
-- 'k', which every session treats so from then on. A note whose session is gone counts
-- against its step; with the third the step fails with PD030. Steps that have something
-- against them execute one at a time, so that when a crash ends all sessions at once, the
-- count of what merely ran beside the culprit stays at one. A new start of the server
-- excuses the step nine times: it may have been the operator's.
--
-- (To note every step was the other way: it would double the commits of the hot path.)

-- Notes. A row is written under the lock of its task.
create table df_engine.suspects (
  task bigint primary key,
  pid integer,                      -- session that is about to execute it, null for none
  session timestamptz,              -- when that session began
  server timestamptz not null,      -- when its server began
  noted_in xid8 not null,           -- transaction of the note
  deaths integer not null default 0,
  restarts integer not null default 0,
  gone integer[] not null default '{}',  -- sessions that were counted
  reason text                       -- of the last end, as its client saw it
);
revoke all on df_engine.suspects from public;

-- Return when this session began.
create function df_engine.session_start() returns timestamptz
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select backend_start from pg_stat_activity where pid = pg_backend_pid() $$;

-- Return a note with what has happened since it was written: the session gone, or the
-- whole server. One that is alive, and has not got the task, has lost it to the caller.
create function df_engine.count_deaths(p_note df_engine.suspects) returns df_engine.suspects
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_note df_engine.suspects := p_note;
begin
  if p_note.server <> pg_postmaster_start_time() then
    v_note.restarts := p_note.restarts + (p_note.pid is not null)::integer;
  elsif p_note.pid is not null and not exists (
      select from pg_stat_activity a where a.pid = p_note.pid
        and coalesce(a.backend_start = p_note.session, true)) then
    v_note.deaths := p_note.deaths + 1;
    v_note.gone := p_note.gone || p_note.pid;
  end if;
  v_note.pid := null;
  return v_note;
end
$$;

-- Return whether a step with such a note may execute now: one that has something against
-- it only while no other one does. The lock lasts as long as the transaction; it is the
-- one of retention, which waits for nobody either, because any role could take an advisory
-- lock and keep it.
create function df_engine.may_execute(p_note df_engine.suspects) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_note.deaths + p_note.restarts = 0 then
    return true;
  end if;
  perform from df_engine.retention for update skip locked;
  return found;
end
$$;

-- Write a note; `p_pid` is null when the step is not going to execute now.
create function df_engine.note(p_task bigint, p_note df_engine.suspects, p_pid integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  insert into df_engine.suspects as s (task, pid, session, server, noted_in, deaths, restarts,
    gone)
  values (p_task, p_pid, df_engine.session_start(), pg_postmaster_start_time(),
    pg_current_xact_id(), coalesce(p_note.deaths, 0), coalesce(p_note.restarts, 0),
    coalesce(p_note.gone, '{}'))
  on conflict (task) do update set pid = excluded.pid, session = excluded.session,
    server = excluded.server, noted_in = excluded.noted_in, deaths = excluded.deaths,
    restarts = excluded.restarts, gone = excluded.gone
$$;

-- Remove the note of a task.
create function df_engine.clear(p_task bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  delete from df_engine.suspects where task = p_task;
  return true;
end
$$;

-- Let a suspect wait for a second, while another one executes.
create function df_engine.postpone(p_task bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_task df_engine.tasks;
begin
  select * into strict v_task from df_engine.tasks where id = p_task;
  v_task.ready_at := null;
  v_task.wake_at := df.now() + interval '1 second';
  perform df_engine.replace_task(v_task);
end
$$;

-- Return a suspect's step as one that can be attempted, its statement rendered.
create function df_engine.as_executable(p_step df_engine.step) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step df_engine.step := p_step;
begin
  v_step.state := 'x';
  if v_step.rendered then
    v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
      v_step.scopes, v_step.item, true);
  end if;
  return v_step;
exception when others then
  v_step.error := sqlerrm;
  return v_step;
end
$$;

-- Fail a step that has ended too many sessions.
create function df_engine.condemn(p_step df_engine.step, p_note df_engine.suspects)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_failure df_engine.failure;
begin
  v_failure.sqlstate := 'PD030';
  v_failure.message := format('the session that executed the step ended before the step did, %s times',
    p_note.deaths + p_note.restarts);
  v_failure.detail := coalesce('The last time: ' || p_note.reason, 'The step is not tried again.');
  perform df_engine.fail(df_engine.as_executable(p_step), v_failure, false);
  perform df_engine.clear(p_step.task);
end
$$;

-- Return the step of a suspect if it is to be executed in this transaction: this session
-- has noted it, in an earlier one. Otherwise note it, let it wait, or fail it, and return
-- null. Lock order: the task is held; then the one lock of suspects, if it is free.
create function df_engine.judge(p_step df_engine.step) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_note df_engine.suspects;
begin
  select * into v_note from df_engine.suspects where task = p_step.task;
  if found and v_note.pid = pg_backend_pid() and v_note.session = df_engine.session_start()
     and v_note.noted_in < pg_current_xact_id() then
    if df_engine.may_execute(v_note) then
      return df_engine.as_executable(p_step);
    end if;
    v_note.pid := null;
  elsif found then
    v_note := df_engine.count_deaths(v_note);
  end if;
  if v_note.deaths >= 3 or v_note.restarts >= 10 then
    perform df_engine.condemn(p_step, v_note);
  elsif v_note.task is null or df_engine.may_execute(v_note) then
    perform df_engine.note(p_step.task, v_note, pg_backend_pid());
  else
    perform df_engine.note(p_step.task, v_note, null);
    perform df_engine.postpone(p_step.task);
  end if;
  return null;
end
$$;

-- Do a leaf whose task is a suspect, or take the next step towards that. Like attempt(),
-- it uses no operator and no unqualified name, and must be alone in its transaction.
create function df_engine.attempt_suspect(p_step df_engine.step) returns boolean
language plpgsql
as $$
declare
  v_step df_engine.step := df_engine.judge(p_step);
  v_ok boolean;
begin
  if v_step.task is null then
    return true;
  end if;
  v_ok := df_engine.attempt(v_step);
  return df_engine.clear(v_step.task);
end
$$;

-- Make a task whose leaf is about to execute a suspect, and note it.
create function df_engine.suspect(p_step df_engine.step) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  update df_engine.tasks set state = 'k' where id = p_step.task;
  perform df_engine.judge(p_step);
  return true;
end
$$;

-- Keep what a client knows about the end of a session, and remove the notes of tasks that
-- went away with their runs.
create function df_engine.heed(p_pid integer, p_reason text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update df_engine.suspects set reason = left(p_reason, 500)
  where p_pid = pid or p_pid = any (gone);
  delete from df_engine.suspects s where not exists (
    select from df_engine.tasks t where t.id = s.task and t.state = 'k');
  return true;
end
$$;

-- Do what df.work does, and note each leaf before it executes, at the price of a second
-- commit. For a worker that has lost a session, whose process id and end it may tell.
create procedure df.work_carefully(max_steps integer, max_ms integer,
  lost_pid integer default null, lost_reason text default null,
  inout steps integer default 0, inout wait_ms integer default null)
language plpgsql
as $$
declare
  v_step df_engine.step;
  v_ok boolean;
  v_busy bigint[] := '{}';  -- as in df.work
  v_until timestamptz := pg_catalog.clock_timestamp() operator(pg_catalog.+)
    pg_catalog.make_interval(secs => max_ms operator(pg_catalog./) 1000::pg_catalog.float8);
begin
  steps := 0;
  v_ok := df_engine.heed(lost_pid, lost_reason);
  commit;
  loop
    if df_engine.take_due() then
      commit;
    end if;
    v_step := df_engine.claim(v_step.task, v_step.turn, '-infinity', v_busy);
    exit when v_step.task is null;
    if v_step.state operator(pg_catalog.=) '~' then
      v_busy := pg_catalog.array_append(v_busy, v_step.instance);
      v_step := null;
      rollback;
      exit when pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
      continue;
    end if;
    if v_step.state operator(pg_catalog.=) 'x' then
      v_ok := df_engine.suspect(v_step);
    elsif v_step.state operator(pg_catalog.=) 'k' then
      v_ok := df_engine.attempt_suspect(v_step);
    else
      v_ok := df_engine.resume(v_step);
    end if;
    commit;
    v_ok := df_engine.deallocate();
    steps := steps operator(pg_catalog.+) 1;
    exit when steps operator(pg_catalog.>=) max_steps
      or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  end loop;
  wait_ms := df_engine.next_wait(v_busy);
end
$$;
