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
