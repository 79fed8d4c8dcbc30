-- What users see of their runs. The views run as their owner and show the rows of the
-- roles whose privileges the caller has; a superuser sees all.

-- Runs. `pending` until the first step is done.
create view df.instances with (security_barrier) as
select i.run_id as id, i.label, '1'::text as root_node,
  case when i.status <> 'active' then i.status
    when exists (select from df_engine.tasks t
      where t.instance = i.id and t.started_at is not null)
      or exists (select from df_engine.node_runs r where r.instance = i.id) then 'running'
    else 'pending' end as status,
  i.role::text as submitted_by, i.created_at, coalesce(i.completed_at, i.created_at) as updated_at,
  i.completed_at, i.database, i.error, i.sqlstate, i.input, i.key, i.result,
  coalesce(i.started_at, (select min(t.started_at) from df_engine.tasks t
    where t.instance = i.id)) as started_at
from df_engine.instances i
where pg_has_role(i.role, 'usage');

-- Return the API's name of a node type.
create function df_graph.node_type(p_op text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case p_op when 'seq' then 'THEN' when 'if_rows' then 'IF' when 'schedule'
    then 'WAIT_SCHEDULE' else upper(p_op) end
$$;

-- Return what a node does, as text: its statement as written, or its configuration.
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
    return nullif(coalesce(p_node.config -> 'shown', p_node.config - 'b'), '{}')::text;
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

-- Nodes that have run or are running: the ones with a row of their own, and the
-- structures around them, whose state follows from what is inside. A node that was
-- waiting when its run ended was cancelled with it.
create view df.nodes with (security_barrier) as
with shown as (
  select r.instance, r.node, r.status, r.executions, r.attempts, r.row_count, r.started_at,
    r.finished_at, r.wake_at, r.result, r.rendered_sql, r.error, r.sqlstate, r.detail, r.context
  from df_engine.node_runs r
  union all
  select r.instance, a.node,
    case when i.status = 'active' and exists (select from df_engine.tasks t
        where t.instance = r.instance and t.node between a.node and a.last_node
          and t.state <> 'f') then 'running'
      when bool_or(r.status = 'failed') and i.status = 'failed' then 'failed'
      when bool_or(r.status = 'running') and i.status <> 'active' then 'cancelled'
      else 'completed' end,
    null::integer, null::integer, null::bigint, min(r.started_at), max(r.finished_at),
    null::timestamptz, null::text, null::text, null::text, null::text, null::text, null::text
  from df_engine.node_runs r
  join df_engine.instances i on i.id = r.instance
  join df_engine.nodes a on a.graph = i.graph and a.node < r.node and a.last_node >= r.node
  where not exists (select from df_engine.node_runs o
    where o.instance = r.instance and o.node = a.node)
  group by r.instance, a.graph, a.node, a.last_node, i.status)
select i.run_id as instance_id, s.node::text as id, df_graph.node_type(n.op) as node_type,
  df_graph.node_text(n) as query, n.name as result_name, n.children[1]::text as left_node,
  n.children[2]::text as right_node,
  case when s.status = 'running' and i.status <> 'active' then 'cancelled'
    else s.status end as status,
  s.result, coalesce(s.finished_at, s.started_at) as updated_at, s.error, s.sqlstate, s.detail,
  s.context, s.attempts, s.executions, s.row_count,
  coalesce(s.rendered_sql, case when n.refs is null then n.parts[1] end) as rendered_sql,
  s.started_at, s.finished_at, s.wake_at
from shown s
join df_engine.instances i on i.id = s.instance
join df_engine.nodes n on n.graph = i.graph and n.node = s.node
where pg_has_role(i.role, 'usage');
