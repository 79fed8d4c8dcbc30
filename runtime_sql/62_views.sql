-- What users see of their runs. The views run as their owner and show the rows of the
-- roles whose privileges the caller has; a superuser sees all.

-- Runs. `pending` until the first step is done, and while waiting for a turn (`queued`).
create view df.instances with (security_barrier) as
select i.run_id as id, i.label, '1'::text as root_node,
  case when i.status <> 'active' then i.status
    when i.paused_at is not null then 'paused'
    when i.concurrency_key is not null and q.instance is not null then 'pending'
    when exists (select from df_engine.tasks t
      where t.instance = i.id and t.started_at is not null)
      or exists (select from df_engine.node_runs r where r.instance = i.id) then 'running'
    else 'pending' end as status,
  i.role as submitted_by, i.created_at, coalesce(i.completed_at, i.created_at) as updated_at,
  case when i.status = 'completed' then i.completed_at end as completed_at, i.database,
  i.completed_at as ended_at, i.error, i.sqlstate, i.input, i.key, i.result,
  coalesce(i.started_at, (select min(t.started_at) from df_engine.tasks t
    where t.instance = i.id)) as started_at,
  i.concurrency_key, q.instance is not null as queued, i.deadline, i.paused_at, i.pause_reason
from df_engine.instances i
left join df_engine.turns q on q.instance = i.id and not q.active and i.status = 'active'
where pg_has_role(i.role, 'usage');

-- Return the API's name of a node type.
create function df_graph.node_type(p_op text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case p_op when 'seq' then 'THEN' when 'if_rows' then 'IF' when 'schedule'
    then 'WAIT_SCHEDULE' when 'handed_over' then 'SQL' else upper(p_op) end
$$;

-- Return what a node does, as text: its statement as written, or, as pg_durable shows it,
-- its configuration with the nodes that are not its left and right one.
create function df_graph.node_text(p_node df_engine.nodes) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := p_node.parts[1];
  v_ref jsonb;
  v_at integer := 1;
begin
  if p_node.parts is null then
    return df_graph.config_text(p_node.op, coalesce(p_node.config, '{}'), p_node.children);
  end if;
  for v_ref in select r from jsonb_array_elements(coalesce(p_node.refs, '[]')) r loop
    v_at := v_at + 1;
    v_text := v_text || case when v_ref ? 'v' then '{' || (v_ref ->> 'v') || '}'
      else '$' || (v_ref ->> 'n') || coalesce('.' || (v_ref ->> 'c'), '')
        || case when v_ref ? 'star' then '.*' else '' end
        || case when v_ref ? 'q' then '?' else '' end end || p_node.parts[v_at];
  end loop;
  return v_text;
end
$$;

-- Return the configuration of a node without a statement, null for none.
create function df_graph.config_text(p_op text, p_config jsonb, p_children integer[])
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_op = 'sleep' then p_config ->> 's'
    when p_op = 'schedule' then
      (jsonb_build_object('cron_expr', p_config -> 'cron') || p_config - 'cron')::text
    when p_op = 'signal' then jsonb_build_object('signal_name', p_config -> 'name',
      'timeout_seconds', p_config -> 's')::text
    when p_op = 'break' then jsonb_build_object('break_value', case jsonb_typeof(p_config -> 'v')
      when 'null' then null else p_config ->> 'v' end)::text
    when p_op = 'if' then jsonb_build_object('condition_node', p_children[1]::text)::text
    when p_op in ('http', 'http_multipart') then ((p_config -> 'shown') - 'timeout'
      || jsonb_build_object('timeout_seconds', p_config -> 'timeout'))::text
    when p_op = 'if_rows' then jsonb_build_object('condition_type', 'result_has_rows',
      'result_name', p_config -> 'of')::text
    when p_op = 'loop' and cardinality(p_children) > 1 then
      (p_config || jsonb_build_object('condition_node', p_children[2]::text))::text
    when p_op in ('seq', 'join', 'race') and cardinality(p_children) > 2 then
      jsonb_build_object('extra_nodes', to_jsonb(p_children[3:]::text[]))::text
    else nullif(coalesce(p_config -> 'shown', p_config - '{b,catches,again}'::text[]),
      '{}')::text end
$$;

-- Return the left and the right node as pg_durable has them.
create function df_graph.side(p_node df_engine.nodes, p_right integer) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_node.op = 'if' then p_node.children[p_right + 2]
    when p_node.op = 'loop' and p_right = 1 then null
    else p_node.children[p_right + 1] end::text
$$;

-- Return the statement that a node has executed, from what is recorded of it.
create function df_graph.executed(p_node df_engine.nodes, p_rendered text, p_filled text)
returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_filled is not null
      then p_node.parts[1] || p_filled || p_node.parts[cardinality(p_node.parts)]
    when p_rendered is not null or p_node.refs is not null then p_rendered
    else p_node.parts[1] end
$$;

-- Return a result as jsonb, or as a string what jsonb cannot hold.
create function df_graph.result_json(p_result text) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_result::jsonb;
exception when data_exception or program_limit_exceeded then
  return to_jsonb(left(p_result, 1000000));
end
$$;

-- The nodes of runs; those that have not run are `pending`. A node that ran has a row of
-- its own; the state of a structure without one follows from what is inside. Of a node
-- inside of a df.foreach the most telling of all items is shown, and df.node_items shows
-- them all. A node that was in progress when its run ended was cancelled with it.
--
-- All that belongs to a node is looked up from it (lateral), so that a query for one run
-- reads no other.
create view df.nodes with (security_barrier) as
select n.node::text as id, i.run_id as instance_id, df_graph.node_type(n.op) as node_type,
  df_graph.node_text(n) as query, n.name as result_name, df_graph.side(n, 0) as left_node,
  df_graph.side(n, 1) as right_node, s.status,
  case when s.status = 'failed' then to_jsonb(r.error)
    else df_graph.result_json(case when n.node = 1 then coalesce(r.result, i.result)
      else r.result end) end as result,
  r.error, i.role as submitted_by, i.database, i.created_at,
  coalesce(r.finished_at, d.finished_at, r.started_at, d.started_at, i.created_at) as updated_at,
  case when s.status <> 'pending' then jsonb_build_object('execution_id',
    i.run_id || '::' || coalesce(r.executions, 1)) end as status_details,
  r.sqlstate, r.detail, r.context, r.attempts, r.executions, r.row_count,
  case when s.status <> 'pending'
    then df_graph.executed(n, r.rendered_sql, r.filled) end as rendered_sql,
  coalesce(r.started_at, d.started_at) as started_at,
  coalesce(r.finished_at, d.finished_at) as finished_at, r.wake_at, r.round_at,
  nullif(n.parent, 0)::text as parent_node
from df_engine.instances i
join df_engine.nodes n on n.graph = i.graph
left join lateral (
  select o.status, sum(o.executions) over ()::integer as executions, o.attempts, o.row_count,
    o.started_at, o.finished_at, o.wake_at, o.round_at, o.result, o.rendered_sql, o.filled, o.error,
    o.sqlstate, o.detail, o.context
  from df_engine.node_runs o where o.instance = i.id and o.node = n.node
  order by array_position('{failed,running,cancelled,completed}', o.status), o.item desc
  limit 1) r on true
left join lateral (
  select min(o.started_at) as started_at, max(o.finished_at) as finished_at,
    bool_or(o.status = 'failed') as failed, bool_or(o.status = 'running') as running,
    bool_and(o.status = 'cancelled') as cancelled,
    (array_agg(o.status order by o.finished_at desc nulls first))[1] = 'cancelled' as stopped,
    bool_or(o.node >= n.children[cardinality(n.children)] and o.status <> 'cancelled')
      as reached_last
  from df_engine.node_runs o
  where (r.status is null or r.status = 'running') and n.children <> '{}' and o.instance = i.id
    and o.node > n.node and o.node <= n.last_node) d on true
cross join lateral (
  select case
    when r.status = 'running' and i.status = 'failed' and d.failed then 'failed'
    when r.status = 'running' and i.status <> 'active' then 'cancelled'
    when r.status is not null then r.status
    when d.started_at is null then 'pending'
    when i.status = 'active' and exists (select from df_engine.tasks t
      where t.instance = i.id and t.node between n.node and n.last_node and t.state <> 'f')
      then 'running'
    when d.failed and i.status = 'failed' then 'failed'
    when d.cancelled or d.running and i.status <> 'active'
      or n.op = 'seq' and not d.reached_last and (d.stopped or i.status = 'cancelled')
      then 'cancelled'
    else 'completed' end as status offset 0) s
where pg_has_role(i.role, 'usage');

-- Variables of df.setvar.
create view df.vars with (security_barrier) as
select v.name, v.value, v.role as owner from df_engine.vars v
where pg_has_role(v.role, 'usage');

-- The calls that wait now: which node of which run waits for which run. Both ways are looked
-- up by an index, so that a query for some runs reads no other.
create view df.calls with (security_barrier) as
select i.run_id as instance_id, t.node::text as node_id, e.run_id as called_id
from df_engine.calls c
join df_engine.instances i on i.id = c.instance
join df_engine.instances e on e.id = c.called
left join lateral (
  select a.node from df_engine.tasks a where a.id = c.task
  union all
  select p.node from df_engine.paused_tasks p where p.id = c.task) t on true
where pg_has_role(i.role, 'usage');

-- What nodes did for each item of a df.foreach; `item` is the place of the item, from 1,
-- in each foreach around the node, outermost first.
create view df.node_items with (security_barrier) as
select n.node::text as id, i.run_id as instance_id, df_graph.node_type(n.op) as node_type,
  (select array_agg(o.ordinal order by x.n) from unnest(t.path) with ordinality x (item, n)
    join df_engine.items o on o.instance = i.id and o.item = x.item) as item,
  df_graph.result_json(t.value) as value,
  case when r.status = 'running' and i.status <> 'active' then 'cancelled' else r.status end as status,
  df_graph.result_json(r.result) as result, r.error, r.sqlstate, r.detail, r.context, r.attempts,
  r.executions, r.row_count,
  df_graph.executed(n, r.rendered_sql, r.filled) as rendered_sql,
  r.started_at, r.finished_at, r.wake_at
from df_engine.instances i
join df_engine.items t on t.instance = i.id
join df_engine.node_runs r on r.instance = i.id and r.item = t.item
join df_engine.nodes n on n.graph = i.graph and n.node = r.node
where pg_has_role(i.role, 'usage');
