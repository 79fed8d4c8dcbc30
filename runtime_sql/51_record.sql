-- Recording what nodes did. node_runs is the last of the locks.

-- Record that a node completed. A named result becomes readable in `p_scope`; an earlier
-- one of the same name there is no longer. (Two statements: most nodes run once. Nobody
-- else writes the row while the task is held, so ON CONFLICT is not needed, whose
-- speculative insertion costs a WAL record of its own.)
create function df_engine.record_success(p_step df_engine.step, p_result text,
  p_row_count bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  insert into df_engine.node_runs (instance, node, item, status, scope, row_count,
    started_at, finished_at, result, filled)
  select p_step.instance, p_step.node, p_step.item, 'completed', p_step.scope, p_row_count,
    p_step.claimed_at, clock_timestamp(), p_result,
    case when p_step.rendered then df_engine.filled(p_step.parts, p_step.sql) end
  where not exists (select from df_engine.node_runs r
    where r.instance = p_step.instance and r.node = p_step.node and r.item = p_step.item);
  if not found then
    perform df_engine.record_again(p_step, p_result, p_row_count);
  end if;
  if p_step.rebinds <> '{}' then
    perform df_engine.unbind(p_step.instance, p_step.rebinds, p_step.item, p_step.scope);
  end if;
  return true;
end
$$;

-- Record that a node completed which has a row already: in another round of a loop, or
-- in another attempt.
create function df_engine.record_again(p_step df_engine.step, p_result text,
  p_row_count bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
  update df_engine.node_runs r set status = 'completed', scope = p_step.scope,
    earlier = case when r.earlier is not null or r.scope < p_step.scope
      then df_engine.keep_earlier(r.earlier, r.scope, r.result, p_step.scope) end,
    row_count = p_row_count, finished_at = clock_timestamp(), wake_at = null,
    started_at = case when r.status = 'running' or p_step.again then r.started_at
      else p_step.claimed_at end,
    result = p_result, rendered_sql = null,
    filled = case when p_step.rendered then df_engine.filled(p_step.parts, p_step.sql) end,
    executions = r.executions + case when r.status = 'running' or p_step.again then 0 else 1 end,
    attempts = case when p_step.again then r.attempts + 1 else 1 end,
    error = case when p_step.again then r.error end,
    sqlstate = case when p_step.again then r.sqlstate end,
    detail = case when p_step.again then r.detail end,
    context = case when p_step.again then r.context end
  where r.instance = p_step.instance and r.node = p_step.node and r.item = p_step.item
$$;

-- Take the names of some nodes away from a frame.
create function df_engine.unbind(p_instance bigint, p_nodes integer[], p_item integer,
  p_scope integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
begin
  for i in 1 .. cardinality(p_nodes) loop
    update df_engine.node_runs set scope = nullif(scope, p_scope),
      earlier = case when earlier is not null
        then df_engine.drop_earlier(earlier, p_scope, p_scope) end
    where instance = p_instance and node = p_nodes[i] and item = p_item
      and (scope = p_scope or earlier is not null);
  end loop;
end
$$;

-- Record that a node failed; its last error stays visible when a retry succeeds.
create function df_engine.record_failure(p_step df_engine.step, p_failure df_engine.failure)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
  insert into df_engine.node_runs as r (instance, node, item, status, started_at,
    finished_at, rendered_sql, error, sqlstate, detail, context)
  values (p_step.instance, p_step.node, p_step.item, 'failed', p_step.claimed_at,
    clock_timestamp(),
    case when p_step.rendered and p_step.error is null then p_step.sql end,
    p_failure.message, p_failure.sqlstate, p_failure.detail, p_failure.context)
  on conflict (instance, node, item) do update set status = 'failed', scope = null,
    earlier = case when r.scope is null then r.earlier
      else df_engine.keep_earlier(r.earlier, r.scope, r.result, null) end,
    started_at = case when r.status = 'running' or p_step.again then r.started_at
      else excluded.started_at end,
    finished_at = excluded.finished_at, wake_at = null, result = null, row_count = null,
    rendered_sql = excluded.rendered_sql, filled = null, error = excluded.error,
    sqlstate = excluded.sqlstate, detail = excluded.detail, context = excluded.context,
    executions = r.executions + case when r.status = 'running' or p_step.again then 0 else 1 end,
    attempts = case when p_step.again then r.attempts + 1 else 1 end
$$;

-- Record that a node waits. `p_again` says that it does so as another attempt.
create function df_engine.record_wait(p_instance bigint, p_node integer, p_item integer,
  p_wake timestamptz, p_again boolean) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
  insert into df_engine.node_runs as r (instance, node, item, status, started_at, wake_at)
  values (p_instance, p_node, p_item, 'running', clock_timestamp(), p_wake)
  on conflict (instance, node, item) do update set status = 'running', scope = null,
    earlier = case when r.scope is null then r.earlier
      else df_engine.keep_earlier(r.earlier, r.scope, r.result, null) end,
    wake_at = excluded.wake_at, result = null, finished_at = null, row_count = null,
    started_at = case when p_again then r.started_at else excluded.started_at end,
    executions = r.executions + case when p_again then 0 else 1 end,
    attempts = case when p_again then r.attempts + 1 else 1 end
$$;

-- Record the end of a node that has no statement: a structural node with a name, a
-- timer, a wait. Returns the number of its executions.
create function df_engine.record_end(p_instance bigint, p_node df_engine.nodes,
  p_item integer, p_result text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_result text := case when p_node.keep then p_result end;
  v_scope integer := case when p_node.name is not null then p_node.frame end;
begin
  insert into df_engine.node_runs as r (instance, node, item, status, scope, started_at,
    finished_at, result)
  values (p_instance, p_node.node, p_item, 'completed', v_scope, clock_timestamp(),
    clock_timestamp(), v_result)
  on conflict (instance, node, item) do update set status = 'completed', scope = excluded.scope,
    earlier = case when r.earlier is not null or r.scope < excluded.scope
      then df_engine.keep_earlier(r.earlier, r.scope, r.result, excluded.scope) end,
    finished_at = excluded.finished_at, wake_at = null, result = excluded.result,
    started_at = case when r.status = 'running' then r.started_at else excluded.started_at end,
    executions = r.executions + case when r.status = 'running' then 0 else 1 end;
  if p_node.rebinds <> '{}' then
    perform df_engine.unbind(p_instance, p_node.rebinds, p_item, v_scope);
  end if;
end
$$;

-- Record the steps of a batch (58_batch.sql) and set their tasks to the next ones. Here and
-- below a task is told twice: by the array an index finds it, also where statistics that were
-- made of an empty queue let the planner read all of an index first.
create function df_engine.record_batch(p_done df_engine.done[]) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_tasks bigint[] := array(select d.task from unnest(p_done) d);
begin
  insert into df_engine.node_runs (instance, node, item, status, scope, row_count, started_at,
    finished_at, result, filled)
  select d.instance, d.node, d.item, 'completed', d.scope, d.row_count, d.started_at,
    d.finished_at, d.result, d.filled
  from unnest(p_done) d;
  update df_engine.tasks t set node = d.next_node,
    turns = case when d.turn < 10 then d.turn else 0 end, moved_at = clock_timestamp(),
    ready_at = case when d.turn < 10 then t.ready_at else clock_timestamp() end,
    started_at = coalesce(t.started_at, d.started_at)
  from unnest(p_done) d where t.id = d.task and t.id = any (v_tasks) and d.next_state = 'x';
  if exists (select from unnest(p_done) d where d.next_state = 'p' and d.parent is null) then
    perform df_engine.record_ends(p_done);
  end if;
  if exists (select from unnest(p_done) d where d.next_state = 'p' and d.parent is not null) then
    perform df_engine.record_arrivals(p_done);
  end if;
  return true;
end
$$;

-- End the runs that ended with a step of a batch: all that finish() does for one whose end
-- concerns nobody else.
create function df_engine.record_ends(p_done df_engine.done[]) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  with gone as (
    delete from df_engine.tasks t using unnest(p_done) d
    where t.id = d.task and t.id = any (array(select x.task from unnest(p_done) x))
      and d.next_state = 'p' and d.parent is null
    returning t.instance, t.started_at as run_began, d.started_at, d.finished_at, d.result),
  ended as (
    update df_engine.instances i set status = 'completed', result = coalesce(g.result, 'null'),
      started_at = coalesce(g.run_began, g.started_at), completed_at = g.finished_at
    from gone g where i.id = g.instance returning i.id),
  signals as (delete from df_engine.signals s using ended e where s.instance = e.id),
  names as (delete from df_engine.failed_names n using ended e where n.instance = e.id)
  delete from df_engine.failed_tasks f using ended e where f.instance = e.id
$$;

-- Let the branches that ended with a step of a batch arrive at their joins. The last one
-- that a join waits for does so in a transaction of its own, because the run goes on then.
create function df_engine.record_arrivals(p_done df_engine.done[]) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
  with arrived as (
    select d.task, d.node, d.next_node, d.started_at, d.result, d.parent,
      row_number() over (partition by d.parent) = p.pending as is_last
    from unnest(p_done) d join df_engine.tasks p on p.id = d.parent
    where d.next_state = 'p' and p.id = any (array(select x.parent from unnest(p_done) x))),
  parents as (
    update df_engine.tasks p set pending = p.pending - a.count
    from (select parent, count(*) filter (where not is_last) from arrived group by parent) a
    where p.id = a.parent and p.id = any (array(select x.parent from unnest(p_done) x))),
  gone as (
    delete from df_engine.tasks t using arrived a
    where t.id = a.task and t.id = any (array(select x.task from unnest(p_done) x))
    returning t.*, a.node as leaf, a.next_node, a.started_at as began, a.result as gave,
      a.is_last)
  insert into df_engine.tasks (id, instance, frame, item, node, state, turns, parent, epoch,
    forks, ready_at, started_at, outcome, result)
  select g.id, g.instance, g.frame, g.item, case when g.is_last then g.leaf else g.next_node end,
    case when g.is_last then 'a' else 'f' end::"char", g.turns, g.parent, g.epoch, g.forks,
    case when g.is_last then g.ready_at end, coalesce(g.started_at, g.began),
    case when not g.is_last then 'ok' end, g.gave
  from gone g
$$;
