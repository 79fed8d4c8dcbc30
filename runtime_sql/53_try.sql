-- Try: what a body's end leads to, and the errors that get names.

-- The body, `catch` or `finally` of a try ended, one way or another. What came of the
-- first two is held on the try's row while `finally` runs.
create function df_engine.try_child_ended(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
  v_finally integer := case when p_node.config ? 'finally'
    then p_node.children[cardinality(p_node.children)] end;
begin
  if p.child >= v_finally then
    return df_engine.finally_ended(p, p_node);
  elsif p.outcome = 'failed' and p_node.config ? 'catch' and p.child < p_node.children[2] then
    perform df_engine.bind_error(p, p_node);
    perform df_engine.hold_outcome(p, p_node.node);
    v.outcome := 'ok';
    return df_engine.go_to(v, p_node.children[2]);
  elsif v_finally is not null then
    perform df_engine.hold_outcome(p, p_node.node);
    v.outcome := 'ok';
    return df_engine.go_to(v, v_finally);
  elsif p.outcome <> 'ok' then
    perform df_engine.close_structure(p.instance, p_node.node, p.item, p.outcome);
    return df_engine.raise_up(p, p_node, p.outcome, p.result);
  end if;
  v.how := 'd';
  return v;
end
$$;

-- Go on after `finally`: as what it followed would have, or, if it did not end well, as it
-- says itself.
create function df_engine.finally_ended(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_held json;
begin
  update df_engine.node_runs r
  set held = case when p.outcome = 'failed' then r.held end  -- for a retry of the run
  from (select o.held from df_engine.node_runs o
    where o.instance = p.instance and o.node = p_node.node and o.item = p.item) b
  where r.instance = p.instance and r.node = p_node.node and r.item = p.item
  returning b.held into v_held;
  if p.outcome = 'ok' then
    v.outcome := v_held ->> 'outcome';
    v.result := (v_held -> 'result')::text;
  end if;
  if v.outcome = 'ok' then
    v.how := 'd';
    return v;
  end if;
  perform df_engine.close_structure(p.instance, p_node.node, p.item, v.outcome);
  return df_engine.raise_up(v, p_node, v.outcome, v.result);
end
$$;

-- Keep an outcome on the row of a try, which also shows that it goes on.
create function df_engine.hold_outcome(p df_engine.move, p_node integer) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  insert into df_engine.node_runs as r (instance, node, item, status, started_at, held)
  values (p.instance, p_node, p.item, 'running', clock_timestamp(),
    '{"outcome": ' || to_json(p.outcome) || coalesce(', "result": ' || p.result, '') || '}')
  on conflict (instance, node, item) do update set status = 'running', scope = null,
    earlier = case when r.scope is null then r.earlier
      else df_engine.keep_earlier(r.earlier, r.scope, r.result, null) end,
    executions = r.executions + case when r.status = 'running' then 0 else 1 end,
    finished_at = null, result = null, held = excluded.held
$$;

-- Bind the error of a try's body to its name, with empty text for what is not known: a
-- row of its own, whose node is the
-- negative of the try's, because the try may have a name too.
create function df_engine.bind_error(p df_engine.move, p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_error json := p.result;
  v_row json := json_build_object('node', coalesce(v_error ->> 'node', ''),
    'message', coalesce(v_error ->> 'message', ''),
    'sqlstate', coalesce(v_error ->> 'sqlstate', ''),
    'detail', coalesce(v_error ->> 'detail', ''), 'kind', coalesce(v_error ->> 'kind', ''));
begin
  perform df_engine.unbind(p.instance,
    array(select b::integer from jsonb_array_elements_text(p_node.config -> 'b') b), p.item,
    p_node.frame);
  insert into df_engine.node_runs as r (instance, node, item, status, scope, row_count,
    started_at, finished_at, result)
  values (p.instance, -p_node.node, p.item, 'completed', p_node.frame, 1, clock_timestamp(),
    clock_timestamp(), '{"rows": [' || v_row || '], "row_count": 1}')
  on conflict (instance, node, item) do update set scope = excluded.scope,
    finished_at = excluded.finished_at, result = excluded.result,
    executions = r.executions + 1;
end
$$;

-- Fail again with the error that is bound to a name.
create function df_engine.raise_bound(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move;
  v_row json;
  v_failure df_engine.failure;
begin
  begin
    v_row := df_engine.bound_result(p.instance, jsonb_build_object('n', p_node.config ->> 'of',
      'b', p_node.config -> 'b'), p_node.scopes, p.item) -> 'rows' -> 0;
    if v_row ->> 'message' is null or v_row ->> 'sqlstate' is null then
      raise exception 'df.raise: $% is not an error', p_node.config ->> 'of'
        using errcode = 'PD004';
    end if;
    v_failure.message := v_row ->> 'message';
    v_failure.sqlstate := v_row ->> 'sqlstate';
    v_failure.detail := v_row ->> 'detail';
    v_failure.kind := nullif(v_row ->> 'kind', '');
  exception when others then
    v_failure.message := sqlerrm;
    v_failure.sqlstate := sqlstate;
  end;
  v := df_engine.fail_on_entry(p, p_node, v_failure);
  if v_row ->> 'node' ~ '^\d{1,7}$' then
    v.result := df_engine.error_text((v_row ->> 'node')::integer, v_failure);
  end if;
  return v;
end
$$;
