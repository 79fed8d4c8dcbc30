-- Claiming. A claim is a row lock on a task, held by the transaction that does the work;
-- a session that dies lets go of it. Lock order: the task is the first lock of its
-- transaction, and taken by SKIP LOCKED only. (In a batch, 58_batch.sql, it may be the
-- first lock of a later step; SKIP LOCKED waits for nobody.)
--
-- A task is locked by one statement and joined with its run and node by the next: a task
-- that moved on between the snapshot and its lock would be joined with its old node.
--
-- The functions of the hot path set enable_seqscan off: their plans are kept for the
-- session's life, and one that was made while a table was empty would scan it for ever.

-- Return the next step, its task locked; `task` is null when there is none. The session
-- goes on with the task `p_same` for ten steps; with the tenth the task queues again
-- behind the others. Tasks whose run has ended, or whose race is over, are removed on
-- the way.
create function df_engine.claim(p_same bigint, p_turn integer) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_task df_engine.tasks;
  v_step df_engine.step;
begin
  if p_turn < 10 then
    select * into v_task from df_engine.tasks t
    where t.id = p_same and t.ready_at is not null for update skip locked;
  end if;
  loop
    if v_task.id is null then
      select * into v_task from df_engine.tasks t
      where t.ready_at is not null order by t.ready_at limit 1 for update skip locked;
    end if;
    if v_task.id is null then
      v_task := df_engine.take_due();
      if v_task.id is null then
        return null;
      end if;
    end if;
    v_step := df_engine.read_step(v_task);
    if v_step.active and (v_step.parent is null
       or df_engine.is_awaited(v_step.parent, v_step.epoch)) then
      return v_step;
    end if;
    perform df_engine.drop_task(v_task.id);
    v_task := null;
  end loop;
end
$$;

-- Return the next step for a batch, after the place `p_after` in the queue; `task` is
-- null when there is none. Tasks that moved since the transaction began are left out:
-- now() must not go back from one step of a run to the next, and a step of the batch's
-- own runs would share it.
create function df_engine.claim_more(p_after timestamptz) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_task df_engine.tasks;
begin
  select * into v_task from df_engine.tasks t
  where t.ready_at > p_after and t.moved_at <= now()
  order by t.ready_at limit 1 for update skip locked;
  if v_task.id is null then
    return null;
  end if;
  return df_engine.read_step(v_task);
end
$$;

-- Return the step that a locked task is about to do. A statement that cannot be rendered
-- comes with the reason. Plans with the settings of claim() and claim_more(), which alone
-- call it.
create function df_engine.read_step(p_task df_engine.tasks) returns df_engine.step
language plpgsql
as $$
declare
  v_step df_engine.step;
begin
  select p_task.id, p_task.instance, i.graph, p_task.node, p_task.state, n.op, p_task.frame,
    p_task.parent, p_task.epoch, n.guarded, i.executor, i.search_path, i.time_zone,
    case when n.refs is null then n.parts[1] end, n.refs is not null, n.keep,
    n.rows, n.next_node, n.next_state, case when n.name is not null then n.frame end,
    n.rebinds, p_task.retries is not null, p_task.turns + 1, clock_timestamp(), null,
    i.status = 'active', p_task.ready_at, n.short_runs,
    n.parts, n.refs, n.scopes, case when n.refs is not null then i.input end
  into v_step
  from df_engine.instances i
  left join df_engine.nodes n on n.graph = i.graph and n.node = p_task.node
  where i.id = p_task.instance;
  if v_step.rendered and v_step.state = 'x' then
    begin
      v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
        v_step.scopes, true);
    exception when others then
      v_step.error := sqlerrm;
    end;
  end if;
  return v_step;
end
$$;

-- Make the longest overdue timer's task a ready one, locked, and return it; null when
-- none is due.
create function df_engine.take_due() returns df_engine.tasks
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_task df_engine.tasks;
begin
  select * into v_task from df_engine.tasks t
  where t.wake_at <= df.now() order by t.wake_at limit 1 for update skip locked;
  if v_task.id is not null then
    v_task.wake_at := null;
    v_task.ready_at := clock_timestamp();
    perform df_engine.replace_task(v_task);
  end if;
  return v_task;
end
$$;

-- Return whether a branch's parent still waits for it: it does not when a race was
-- decided, and then the parent's number of forks may be another by now.
create function df_engine.is_awaited(p_parent bigint, p_epoch integer) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.tasks t
    where t.id = p_parent and t.state = 'j' and t.forks = p_epoch)
$$;

-- Remove a task and its request, if it has one.
create function df_engine.drop_task(p_task bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  delete from df_engine.requests where task = p_task;
  delete from df_engine.tasks where id = p_task;
$$;
