-- Claiming. A claim is a row lock on a task, held by the transaction that does the work;
-- a session that dies lets go of it. Lock order: the task is the first lock of its
-- transaction, and taken by SKIP LOCKED only.
--
-- The functions of the hot path set enable_seqscan off: their plans are kept for the
-- session's life, and one that was made while a table was empty would scan it for ever.

-- Return a task that may run now, locked: the one that this session has just advanced,
-- else the longest ready one, else the longest overdue timer.
create function df_engine.claim_task(p_same bigint) returns df_engine.tasks
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
set enable_bitmapscan = off
as $$
declare
  v_task df_engine.tasks;
begin
  if p_same is not null then
    select * into v_task from df_engine.tasks t
    where t.id = p_same and t.ready_at is not null for update skip locked;
    if found then
      return v_task;
    end if;
  end if;
  select * into v_task from df_engine.tasks t
  where t.ready_at is not null order by t.ready_at limit 1 for update skip locked;
  if found then
    return v_task;
  end if;
  select * into v_task from df_engine.tasks t
  where t.wake_at <= df.now() order by t.wake_at limit 1 for update skip locked;
  return v_task;
end
$$;

-- Return the next step, its task locked; `task` is null when there is none. Tasks whose
-- run has ended, or whose race is over, are removed on the way. A session goes on with
-- the task `p_same` for ten steps; with the tenth the task queues again behind the others.
create function df_engine.claim(p_same bigint, p_turn integer) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_sort = off
as $$
declare
  v_task df_engine.tasks;
  v_step df_engine.step;
  v record;
begin
  loop
    v_task := df_engine.claim_task(case when p_turn < 10 then p_same end);
    if v_task.id is null then
      return null;
    end if;
    select i.status, i.graph, i.executor, p.search_path, p.time_zone, n as node into v
    from df_engine.instances i
    join df_engine.profiles p on p.id = i.profile
    left join df_engine.nodes n on n.graph = i.graph and n.node = v_task.node
    where i.id = v_task.instance;
    exit when v.status = 'active' and (v_task.parent is null
      or df_engine.is_awaited(v_task.parent, v_task.epoch));
    perform df_engine.drop_task(v_task.id);
  end loop;
  v_step.task := v_task.id;
  v_step.instance := v_task.instance;
  v_step.graph := v.graph;
  v_step.node := v_task.node;
  v_step.state := v_task.state;
  v_step.frame := v_task.frame;
  v_step.parent := v_task.parent;
  v_step.epoch := v_task.epoch;
  v_step.claimed_at := clock_timestamp();
  v_step.again := v_task.retries is not null;
  v_step.turn := case when v_task.id = p_same then p_turn + 1 else 1 end;
  v_step.executor := v.executor;
  v_step.search_path := v.search_path;
  v_step.time_zone := v.time_zone;
  if v_task.state in ('g', 'j', 'f') then
    return v_step;
  end if;
  v_step.op := (v.node).op;
  v_step.guarded := (v.node).guarded;
  v_step.capture := (v.node).keep;
  v_step.rows := (v.node).rows;
  v_step.next_node := (v.node).next_node;
  v_step.next_state := (v.node).next_state;
  v_step.scope := case when (v.node).name is not null then (v.node).frame end;
  v_step.rebinds := (v.node).rebinds;
  v_step.rendered := (v.node).refs is not null;
  v_step.sql := (v.node).parts[1];
  if v_step.rendered and v_task.state = 'x' then
    v_step := df_engine.render_step(v_step);
  end if;
  return v_step;
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

-- Return the step with its SQL text rendered, or with the reason why it cannot be.
create function df_engine.render_step(p_step df_engine.step) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_step df_engine.step := p_step;
  v_run df_engine.instances;
  v_node df_engine.nodes;
begin
  select * into v_run from df_engine.instances where id = p_step.instance;
  select * into v_node from df_engine.nodes where graph = p_step.graph and node = p_step.node;
  v_step.sql := df_engine.render(v_node.parts, v_node.refs, v_run, v_node.scopes, true);
  return v_step;
exception when others then
  v_step.error := sqlerrm;
  return v_step;
end
$$;
