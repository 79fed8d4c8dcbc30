-- What the commands of 65_*.sql ask of the sessions that do the work, and the deadlines of
-- runs.

-- Do a task that is about its run, not about a node: see df_engine.tasks for `o` and `q`;
-- `-` is one that claim() gives out to be set aside.
create function df_engine.control(p_step df_engine.step) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  case p_step.state
    when '-' then
      perform df_engine.set_aside(p_step.task);
    when 'q' then
      perform df_engine.give_turns(p_step.task, p_step.instance);
    when 'o' then
      perform df_engine.expire_run(p_step.task, p_step.instance);
  end case;
end
$$;

-- Forget what was kept for a run that has ended well.
create function df_engine.forget_run(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  delete from df_engine.signals where instance = p_instance;
  delete from df_engine.failed_tasks where instance = p_instance;
  if found then
    delete from df_engine.failed_names where instance = p_instance;
  end if;
end
$$;

-- Take a run that has ended out of what it was in by its options. Lock order: the instance;
-- the task of the deadline by SKIP LOCKED: whoever holds it finds out that the run has ended.
create function df_engine.release_run(p_run df_engine.instances) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  if p_run.concurrency_key is not null then
    perform df_engine.leave_turns(p_run.id);
  end if;
  if p_run.paused_at is not null then
    delete from df_engine.paused_tasks where instance = p_run.id;
  end if;
  if p_run.timeout is not null then
    delete from df_engine.tasks where id in (
      select t.id from df_engine.tasks t where t.instance = p_run.id and t.state = 'o'
      for update skip locked);
  end if;
end
$$;

-- Begin the timer of a run's deadline.
create function df_engine.set_deadline(p_instance bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  insert into df_engine.tasks (instance, node, state, frame, wake_at)
  select i.id, 0, 'o', 0, i.deadline from df_engine.instances i where i.id = p_instance
$$;

-- Fail a run whose deadline has passed. All steps of a run with a deadline lock its row
-- before they commit, so nothing of it commits afterwards; statements in progress are
-- cancelled. Where its branches stood is kept for a retry. Lock order: the task, the
-- instance, then other tasks by SKIP LOCKED.
create function df_engine.expire_run(p_task bigint, p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances;
begin
  select * into v_run from df_engine.instances where id = p_instance for update;
  perform df_engine.drop_task(p_task);
  if v_run.status <> 'active' or v_run.deadline > df.now() then
    return;
  end if;
  delete from df_engine.failed_tasks where instance = p_instance;
  delete from df_engine.failed_names where instance = p_instance;
  insert into df_engine.failed_tasks
  select t.* from df_engine.tasks t where t.instance = p_instance and t.frame > 0;
  update df_engine.instances i set status = 'failed', sqlstate = 'PD031',
    error = 'the run timed out after ' || i.timeout, completed_at = clock_timestamp(),
    started_at = coalesce(i.started_at,
      (select min(t.started_at) from df_engine.tasks t where t.instance = i.id))
  where i.id = p_instance;
  perform df_engine.interrupt_run(p_instance);
  perform df_engine.remove_tasks(p_instance);
  perform df_engine.release_run(v_run);
  if v_run.watched then
    perform df_engine.tell_callers(p_instance);
  end if;
end
$$;

-- Remove the tasks of a run that no session holds, and their requests.
create function df_engine.remove_tasks(p_instance bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  with free as (
    select t.id from df_engine.tasks t where t.instance = p_instance for update skip locked),
  gone as (delete from df_engine.requests r using free where r.task = free.id)
  delete from df_engine.tasks t using free where t.id = free.id;
  select df_engine.cancel_calls(p_instance, true);
$$;

-- Cancel the statements of the sessions that execute steps of a run: each holds a task,
-- with the lock of its transaction.
create function df_engine.interrupt_run(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  perform pg_cancel_backend(a.pid)
  from df_engine.tasks t join pg_stat_activity a on a.backend_xid = t.xmax
  where t.instance = p_instance and t.state in ('x', 'k') and a.pid <> pg_backend_pid();
exception when insufficient_privilege then
  null;  -- the session belongs to a superuser; its step is undone when it ends
end
$$;
