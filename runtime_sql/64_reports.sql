-- Reports: a graph or a run as a tree of text, and pg_durable's listing functions.

-- Return one line about a node.
create function df_engine.node_line(p_node df_engine.nodes) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.node_type(p_node.op) || coalesce(' as ' || p_node.name, '')
    || coalesce(': ' || left(regexp_replace(df_graph.node_text(p_node), '\s+', ' ', 'g'), 100), '')
$$;

-- Return a graph as an indented tree. Volatile, to see a graph that its own statement
-- has just prepared.
create function df_engine.explain_graph(p_graph integer) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  with recursive tree as (
    select node, children, 0 as depth from df_engine.nodes where graph = p_graph and node = 1
    union all
    select n.node, n.children, t.depth + 1
    from tree t join df_engine.nodes n on n.graph = p_graph and n.node = any (t.children))
  select string_agg(repeat('  ', t.depth) || t.node || ' ' || df_engine.node_line(n), E'\n'
    order by t.node)
  from tree t join df_engine.nodes n on n.graph = p_graph and n.node = t.node
$$;

-- Return a graph, or a run with the state of its nodes, as an indented tree.
create function df.explain(input text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df.instances;
  v_text text;
begin
  if explain.input !~ '^[0-9a-f]{8}$' then
    insert into df.commands (verb, text1) values ('explain', explain.input) returning result into v_text;
    return v_text;
  end if;
  select * into v_run from df.instances i where i.id = explain.input;
  if not found then
    raise exception 'there is no run %', quote_literal(explain.input) using errcode = 'PD002';
  end if;
  return concat_ws(E'\n', format('%s %s: %s', v_run.id, v_run.label, v_run.status), v_run.error,
    (select string_agg(format('%s %s %s %s', n.id, n.node_type, n.status,
        left(regexp_replace(coalesce(n.query, ''), '\s+', ' ', 'g'), 80))
        || coalesce(E'\n    ' || n.error, ''), E'\n' order by n.id::integer)
      from df.nodes n where n.instance_id = explain.input));
end
$$;

-- List runs, newest first.
create function df.list_instances(status_filter text default null, limit_count integer default 100)
returns table (instance_id text, label text, function_name text, status text,
  execution_count bigint, output text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.id, i.label, 'df'::text, i.status, 1::bigint, i.result from df.instances i
  where status_filter is null or i.status = status_filter
  order by i.created_at desc, i.id limit limit_count
$$;

-- Return one run.
create function df.instance_info(instance_id text)
returns table (instance_id text, label text, function_name text, function_version text,
  current_execution_id bigint, status text, output text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select i.id, i.label, 'df'::text, df.runtime_version(), 1::bigint, i.status,
    coalesce(i.result, i.error)
  from df.instances i where i.id = $1
$$;

-- Return the nodes of a run that ran.
create function df.instance_nodes(instance_id text)
returns table (node_id text, node_type text, query text, result_name text, left_node text,
  right_node text, status text, result text, updated_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select n.id, n.node_type, n.query, n.result_name, n.left_node, n.right_node, n.status,
    n.result, n.updated_at
  from df.nodes n where n.instance_id = $1 order by n.id::integer
$$;

-- Count the caller's runs by status.
create function df.metrics()
returns table (total_instances bigint, running_instances bigint, completed_instances bigint,
  failed_instances bigint)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*), count(*) filter (where status in ('pending', 'running')),
    count(*) filter (where status = 'completed'), count(*) filter (where status = 'failed')
  from df.instances
$$;
