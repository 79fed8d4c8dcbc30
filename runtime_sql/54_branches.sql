-- Branches: forking, joining, racing, and the end of a run. Everything that concerns
-- more than one branch of a run happens under the lock of its instance row.

-- Lock the run's row and return whether the run, and this branch of it, is still wanted.
-- Lock order: after the branch's own task, before everything else.
create function df_engine.lock_run(p_instance bigint, p_parent bigint, p_epoch integer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_status text;
begin
  select status into v_status from df_engine.instances where id = p_instance for update;
  return v_status = 'active'
    and (p_parent is null or df_engine.is_awaited(p_parent, p_epoch));
end
$$;

-- Begin the branches of a join or a race, each with a task of its own; this branch waits
-- for them. What an earlier execution bound inside is forgotten.
create function df_engine.fork(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_task df_engine.tasks;
begin
  perform df_engine.forget_inside(p.instance, p.item, p_node);
  v := df_engine.park(p, 'j', p_node.node, null, true);
  update df_engine.tasks t set pending = cardinality(p_node.children), forks = t.forks + 1
  where t.id = p.task returning * into v_task;
  insert into df_engine.tasks (instance, node, state, frame, item, parent, epoch, ready_at)
  select p.instance, f.node, df_engine.entry_state(f.op)::"char", c.node, p.item, p.task,
    v_task.forks, clock_timestamp()
  from df_engine.nodes c
  join df_engine.nodes f on f.graph = c.graph and f.node = c.first_node
  where c.graph = p.graph and c.node = any (p_node.children);
  perform pg_notify('df_work', '');
  return v;
end
$$;

-- End a branch at its join or race. A branch that nobody waits for any more is lost:
-- the error makes the caller undo the step and remove the task.
create function df_engine.end_branch(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  if p_node.op in ('race', 'timeout') then
    v := df_engine.decide_race(p, p_node);
  else
    v := df_engine.arrive(p, p_node);
  end if;
  if v.how = '.' then
    return v;
  elsif v.outcome = 'ok' then
    v.how := 'd';
    v.node := p_node.node;
    return v;
  end if;
  perform df_engine.close_structure(v.instance, p_node.node, v.item, v.outcome);
  return df_engine.raise_up(v, p_node, v.outcome, v.result);
end
$$;

-- Raise the error of a branch whose work is not wanted any more; it never leaves the
-- engine.
create function df_engine.raise_lost() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the branch has lost its race, or its run has ended' using errcode = 'PD099';
end
$$;

-- Mark the row of a structural node, if it has one, as ended without a result.
create function df_engine.close_structure(p_instance bigint, p_node integer, p_item integer,
  p_outcome text) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  update df_engine.node_runs set finished_at = clock_timestamp(), scope = null, wake_at = null,
    status = case when p_outcome = 'failed' then 'failed' else 'completed' end
  where instance = p_instance and node = p_node and item = p_item and status = 'running'
$$;

-- Return the move of the task that waits for this branch.
create function df_engine.to_parent(p df_engine.move, p_outcome text, p_result text)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_parent df_engine.tasks;
begin
  select * into strict v_parent from df_engine.tasks where id = p.parent;
  v.task := v_parent.id;
  v.frame := v_parent.frame;
  v.item := v_parent.item;
  v.parent := v_parent.parent;
  v.epoch := v_parent.epoch;
  v.how := 'p';
  v.outcome := p_outcome;
  v.result := p_result;
  return v;
end
$$;

-- Decide a race for the branch that has just ended, or a timeout for its timer. The losers
-- that no session is executing go now; one that is being executed is interrupted, and
-- undone at the latest when it wants the instance row. The winner's names become the
-- parent's.
create function df_engine.decide_race(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  if p.outcome = 'failed' then
    perform df_engine.keep_branches(p, p_node, p.task);
  end if;
  perform df_engine.remove_branches(p.instance, p.item, p_node);
  perform df_engine.merge_names(p.instance, p.graph, p.frame, p.item, p_node);
  return df_engine.to_parent(p, p.outcome, p.result);
end
$$;

-- Return an item and the items of all that runs inside of a node of it: each has a task.
create function df_engine.items_below(p_instance bigint, p_item integer,
  p_node df_engine.nodes) returns integer[]
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off
as $$
  select array_append(array(
    select t.item from df_engine.tasks t
    join df_engine.items i on i.instance = p_instance and i.item = t.item
    where t.instance = p_instance and t.frame > p_node.node and t.frame <= p_node.last_node
      and t.item <> p_item and p_item = any (i.path)), p_item)
$$;

-- Remove the branches inside of a node that no session is executing, with what they wait
-- for, and mark their nodes as cancelled. Outside of a foreach all that runs inside of
-- the node belongs to it; an item's share is the item's and its own foreaches'. (No bitmap
-- scans: an index scan removes the index entries of the many tasks that a long run has
-- had, a bitmap scan reads them every time.)
create function df_engine.remove_branches(p_instance bigint, p_item integer,
  p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set enable_bitmapscan = off
as $$
declare
  v_items integer[] := case when p_item > 0
    then df_engine.items_below(p_instance, p_item, p_node) end;
  v_row record;
  v_given integer;
begin
  with losers as (
    select t.id, t.state, t.signal, t.result from df_engine.tasks t
    where t.instance = p_instance and t.frame > p_node.node and t.frame <= p_node.last_node
      and (v_items is null or t.item = any (v_items))
    for update skip locked),
  gone as (delete from df_engine.requests r using losers where r.task = losers.id),
  dropped as (delete from df_engine.tasks t using losers where t.id = losers.id)
  select count(*) into v_given
  from losers l cross join lateral df_engine.give_back(p_instance, l.signal, l.result)
  where l.state = 'd' and l.signal is not null;
  perform 1 from df_engine.tasks t
  where t.instance = p_instance and t.frame > p_node.node and t.frame <= p_node.last_node
    and (v_items is null or t.item = any (v_items));
  if found then
    perform df_engine.interrupt(p_instance, p_node.node + 1, p_node.last_node, v_items);
  end if;
  perform df_engine.cancel_calls(p_instance);
  if v_items is null then
    update df_engine.node_runs set status = 'cancelled', wake_at = null,
      finished_at = clock_timestamp()
    where instance = p_instance and node > p_node.node and node <= p_node.last_node
      and status = 'running';
    return;
  end if;
  for v_row in
    select n as node, i as item
    from unnest(v_items) i, generate_series(p_node.node + 1, p_node.last_node) n
  loop
    update df_engine.node_runs set status = 'cancelled', wake_at = null,
      finished_at = clock_timestamp()
    where instance = p_instance and node = v_row.node and item = v_row.item
      and status = 'running';
  end loop;
end
$$;

-- Let a branch arrive at its join. The last one finishes it: any failure fails it, then
-- the first return, break or continue counts, in the order of the branches.
create function df_engine.arrive(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_branch record;
  v_results text[] := '{}';
  v_outcome text := 'ok';
  v_result text;
  v_apart boolean;
begin
  v := df_engine.park(p, 'f', p_node.node, null, true);
  update df_engine.tasks set outcome = p.outcome, result = p.result where id = p.task;
  update df_engine.tasks set pending = pending - 1 where id = p.parent
  returning case when pending = 0 then 'p' else '.' end into v.how;
  if v.how = '.' then
    return v;
  end if;
  if exists (select from df_engine.tasks t
      where t.instance = p.instance and t.parent = p.parent and t.outcome = 'failed') then
    perform df_engine.keep_branches(p, p_node, null);
  end if;
  v_apart := df_engine.merge_branches(p.instance, p.graph, p.item, p_node);
  for v_branch in
    select t.id, t.frame, t.outcome, t.result from df_engine.tasks t
    where t.instance = p.instance and t.parent = p.parent order by t.frame
  loop
    v_results := v_results || coalesce(v_branch.result, 'null');
    if v_outcome = 'ok' or v_outcome <> 'failed' and v_branch.outcome = 'failed' then
      v_outcome := v_branch.outcome;
      v_result := v_branch.result;
    end if;
    if v_apart then
      perform df_engine.merge_names(p.instance, p.graph, v_branch.frame, p.item, p_node);
    end if;
  end loop;
  delete from df_engine.tasks where instance = p.instance and parent = p.parent;
  return df_engine.to_parent(p, v_outcome, case when v_outcome = 'ok'
    then case when p_node.keep then '[' || array_to_string(v_results, ', ') || ']' end
    else v_result end);
end
$$;

-- End a run. Lock order: own task, then the instance. A break or a continue that got
-- this far had no loop.
create function df_engine.finish(p df_engine.move) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_error json := case when p.outcome = 'failed' then p.result::json end;
  v_stray text := case when p.outcome in ('break', 'continue')
    then format('df.%s() outside of a loop', p.outcome) end;
  v_run df_engine.instances;
begin
  update df_engine.instances i set
    status = case when v_error is null and v_stray is null then 'completed' else 'failed' end,
    result = case when p.outcome in ('ok', 'return') then coalesce(p.result, 'null') end,
    error = coalesce(v_stray, v_error ->> 'message'),
    sqlstate = case when v_stray is not null then 'PD006' else v_error ->> 'sqlstate' end,
    started_at = coalesce((select t.started_at from df_engine.tasks t where t.id = p.task),
      clock_timestamp()),
    completed_at = clock_timestamp()
  where i.id = p.instance and i.status = 'active'
  returning * into v_run;
  delete from df_engine.tasks where id = p.task;
  if v_run.status = 'failed' then
    perform df_engine.check_note(p, (v_error ->> 'node')::integer);
  else
    perform df_engine.forget_run(p.instance);
  end if;
  if v_run.watched then
    perform df_engine.tell_callers(p.instance);
  end if;
  if coalesce(v_run.concurrency_key, v_run.timeout::text, v_run.paused_at::text) is not null then
    perform df_engine.release_run(v_run);
  end if;
end
$$;
