-- Claiming. A claim is a row lock on a task, held by the transaction that does the work;
-- a session that dies lets go of it. Lock order: the task is the first lock of its
-- transaction, and taken by SKIP LOCKED only.
--
-- The functions of the hot path set enable_seqscan off: their plans are kept for the
-- session's life, and one that was made while a table was empty would scan it for ever.

-- Return the next step, its task locked; `task` is null when there is none. The session
-- goes on with the task `p_same` for ten steps; with the tenth the task queues again
-- behind the others. A statement that cannot be rendered comes with the reason.
create function df_engine.claim(p_same bigint, p_turn integer) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_step df_engine.step;
begin
  if p_same is not null and p_turn < 10 then
    select t.id, t.instance, i.graph, t.node, t.state, n.op, t.frame, t.parent, t.epoch,
      n.guarded, i.executor, i.search_path, i.time_zone,
      case when n.refs is null then n.parts[1] end, n.refs is not null, n.keep,
      n.rows, n.next_node, n.next_state, case when n.name is not null then n.frame end,
      n.rebinds, t.retries is not null, p_turn + 1, clock_timestamp(), null, i.status = 'active',
      n.parts, n.refs, n.scopes, case when n.refs is not null then i.input end
    into v_step
    from df_engine.tasks t
    join df_engine.instances i on i.id = t.instance
    left join df_engine.nodes n on n.graph = i.graph and n.node = t.node
    where t.id = p_same and t.ready_at is not null for update of t skip locked;
  end if;
  if v_step.task is not null and v_step.op is null then  -- see claim_next()
    v_step := df_engine.claim_same(v_step.task);
  end if;
  if v_step.task is null or not v_step.active or v_step.guarded
     and not df_engine.is_awaited(v_step.parent, v_step.epoch) then
    v_step := df_engine.claim_next();
  end if;
  if v_step.rendered and v_step.state = 'x' then
    begin
      v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
        v_step.scopes, true);
    exception when others then
      v_step.error := sqlerrm;
    end;
    v_step.parts := null;
    v_step.input := null;
  end if;
  return v_step;
end
$$;

-- Return the next step of the task that is ready for longest, or of the timer that is
-- overdue for longest. Tasks whose run has ended, or whose race is over, are removed on
-- the way. Plans with the settings of claim(), which alone calls it.
create function df_engine.claim_next() returns df_engine.step
language plpgsql
as $$
declare
  v_step df_engine.step;
begin
  loop
    select t.id, t.instance, i.graph, t.node, t.state, n.op, t.frame, t.parent, t.epoch,
      n.guarded, i.executor, i.search_path, i.time_zone,
      case when n.refs is null then n.parts[1] end, n.refs is not null, n.keep,
      n.rows, n.next_node, n.next_state, case when n.name is not null then n.frame end,
      n.rebinds, t.retries is not null, 1, clock_timestamp(), null, i.status = 'active',
      n.parts, n.refs, n.scopes, case when n.refs is not null then i.input end
    into v_step
    from df_engine.tasks t
    join df_engine.instances i on i.id = t.instance
    left join df_engine.nodes n on n.graph = i.graph and n.node = t.node
    where t.ready_at is not null order by t.ready_at limit 1 for update of t skip locked;
    if v_step.task is null then
      v_step := df_engine.claim_due();
      if v_step.task is null then
        return null;
      end if;
    end if;
    -- A task that moved on between the snapshot and its lock comes without its node:
    -- the recheck joins the new task with the old node. It is locked now, so read again.
    if v_step.op is null and v_step.node <> 0 then
      v_step := df_engine.claim_same(v_step.task);
    end if;
    exit when v_step.active and (v_step.parent is null
      or df_engine.is_awaited(v_step.parent, v_step.epoch));
    perform df_engine.drop_task(v_step.task);
    v_step := null;
  end loop;
  return v_step;
end
$$;

-- Return the next step of one task, locked; `task` is null when it cannot go on or
-- somebody else has it. Plans with the settings of
-- claim(), which alone calls it.
create function df_engine.claim_same(p_task bigint) returns df_engine.step
language plpgsql
as $$
declare
  v_step df_engine.step;
begin
  select t.id, t.instance, i.graph, t.node, t.state, n.op, t.frame, t.parent, t.epoch,
    n.guarded, i.executor, i.search_path, i.time_zone,
    case when n.refs is null then n.parts[1] end, n.refs is not null, n.keep,
    n.rows, n.next_node, n.next_state, case when n.name is not null then n.frame end,
    n.rebinds, t.retries is not null, 1, clock_timestamp(), null, i.status = 'active',
    n.parts, n.refs, n.scopes, case when n.refs is not null then i.input end
  into v_step
  from df_engine.tasks t
  join df_engine.instances i on i.id = t.instance
  left join df_engine.nodes n on n.graph = i.graph and n.node = t.node
  where t.id = p_task and t.ready_at is not null for update of t skip locked;
  return v_step;
end
$$;

-- Make the longest overdue timer's task a ready one and return its step; `task` is null
-- when none is due.
create function df_engine.claim_due() returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_task df_engine.tasks;
begin
  select * into v_task from df_engine.tasks t
  where t.wake_at <= df.now() order by t.wake_at limit 1 for update skip locked;
  if v_task.id is null then
    return null;
  end if;
  v_task.wake_at := null;
  v_task.ready_at := clock_timestamp();
  perform df_engine.replace_task(v_task);
  return df_engine.claim_same(v_task.id);
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
