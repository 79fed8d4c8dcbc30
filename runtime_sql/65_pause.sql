-- Pause and resume. A paused run stays active, so that a step in progress ends as it
-- would; whoever takes a task of it next sets the task aside. What waits for others, for a
-- signal or for a response stays where it is, and is set aside when it is due.

-- Pause a run; `p_reason` is kept with it. Returns the run's status. Pausing twice, or
-- when the run has ended, changes nothing. Lock order: the instance.
create function df_engine.pause(p_role regrole, p_run text, p_reason text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
begin
  update df_engine.instances i set paused_at = clock_timestamp(), pause_reason = p_reason
  where i.id = v_run.id and i.status = 'active' and i.paused_at is null;
  return (select case when i.status = 'active' then 'paused' else i.status end
    from df_engine.instances i where i.id = v_run.id);
end
$$;

-- Let a paused run go on. Returns the run's status as df.status does, by and large: a run
-- that goes on is running. Lock order: the instance, then its tasks that are set aside,
-- which nobody else locks without it.
create function df_engine.unpause(p_role regrole, p_run text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
  v_task df_engine.tasks;
begin
  update df_engine.instances i set paused_at = null, pause_reason = null
  where i.id = v_run.id and i.status = 'active' and i.paused_at is not null;
  if found then
    for v_task in delete from df_engine.paused_tasks where instance = v_run.id returning * loop
      perform df_engine.queue_task(v_task);
    end loop;
    if v_run.concurrency_key is not null then
      perform df_engine.ask_for_turns(v_run.id);
    end if;
    perform pg_notify('df_work', '');
    perform pg_notify('df_work', case q.method when 'SQL' then 'sql' else 'http' end)
    from df_engine.requests q where q.instance = v_run.id;
  end if;
  return (select case when i.status = 'active' then 'running' else i.status end
    from df_engine.instances i where i.id = v_run.id);
end
$$;

-- Put a task back that was taken away: ready now, unless it is timed or waits. One that a
-- session has had in hand all the time is still there, and stays as it is.
create function df_engine.queue_task(p_task df_engine.tasks) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks := p_task;
begin
  v_task.ready_at := case when v_task.wake_at is null and v_task.state not in ('j', 'f', 's', 'c')
    then clock_timestamp() end;
  v_task.turns := 0;
  v_task.moved_at := clock_timestamp();
  insert into df_engine.tasks select v_task.* on conflict (id) do nothing;
end
$$;

-- Return whether the tasks of a run are set aside instead of being done.
create function df_engine.is_stopped(p_instance bigint) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.instances i where i.id = p_instance
    and (i.status = 'failed' or i.status = 'active' and i.paused_at is not null))
$$;

-- Set a task aside whose run is paused; one whose run has failed may be needed when that
-- is retried; if the run goes on already, leave the task where it is. Lock order: the
-- task is held, then the instance; alone in its transaction.
create function df_engine.set_aside(p_task bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks;
  v_run df_engine.instances;
begin
  select * into strict v_task from df_engine.tasks where id = p_task;
  select * into v_run from df_engine.instances where id = v_task.instance for update;
  if v_run.status = 'active' and v_run.paused_at is null then
    return;
  elsif v_run.status = 'active' then
    insert into df_engine.paused_tasks select v_task.*;
  elsif v_run.status = 'failed' and v_task.frame > 0 then
    perform df_engine.keep_task(v_task);
  end if;
  perform df_engine.drop_task(p_task);
end
$$;
