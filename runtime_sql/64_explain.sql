-- df.explain: a graph or a run as a tree of text, in pg_durable's form.
--
-- A tree is drawn from a JSON array of nodes in pre-order, numbered from 1: {p: parent,
-- k: position among its children, c: number of children, t: type, q: query, n: result
-- name, s: state or null, e: what is to be said about it}. Sequences are not drawn but
-- their nodes, one under the other. One pass from the top: a recursion would be as deep
-- as the graph.

-- Return text on one line, cut.
create function df_graph.short(p_text text, p_length integer) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when length(t) > p_length then left(t, p_length - 3) || '...' else t end
  from regexp_replace(btrim(p_text), '\s+', ' ', 'g') t
$$;

-- Return the line of a node.
create function df_graph.node_line(p_type text, p_query text, p_name text, p_children integer)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v jsonb := case when p_query like '{%' and p_type <> 'SQL' then p_query::jsonb else '{}' end;
begin
  return case
    when p_type = 'SQL' then 'SQL: ' || df_graph.short(p_query, 50)
    when p_type = 'SLEEP' then 'SLEEP ' || p_query || 's'
    when p_type = 'WAIT_SCHEDULE' then 'WAIT ''' || (v ->> 'cron_expr') || ''''
      || coalesce(' ' || (v ->> 'tz'), '')
      || coalesce(' ' || (v ->> 'timezone'), '')
    when p_type in ('HTTP', 'HTTP_MULTIPART')
      then concat_ws(' ', p_type, v ->> 'method', df_graph.short(v ->> 'url', 40))
    when p_type = 'SIGNAL' then 'SIGNAL ''' || (v ->> 'signal_name') || ''''
      || coalesce(' (' || (v ->> 'timeout_seconds') || 's)', '')
    when p_type = 'LOOP' then case when p_children > 1 then 'LOOP (while)' else 'LOOP (infinite)' end
    when p_type = 'BREAK' then 'BREAK' || coalesce(' ''' || df_graph.short(v ->> 'break_value', 20) || '''', '')
    when p_type in ('JOIN', 'RACE', 'TRANSACTION') then p_type || ' (' || p_children || ')'
    when p_type = 'IF' then 'IF' || coalesce(' $' || (v ->> 'result_name') || ' has rows', '')
    else p_type || coalesce(': ' || df_graph.short(p_query, 60), '') end
    || coalesce(' |=> ''' || p_name || '''', '');
end
$$;

-- Return the line above a child, null for none.
create function df_graph.child_title(p_type text, p_query text, p_position integer) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v jsonb := case when p_query like '{%' and p_type in ('IF', 'REPEAT', 'TRY', 'FOREACH')
    then p_query::jsonb else '{}' end;
  v_titles text[];
begin
  v_titles := case p_type
    when 'IF' then case when v ? 'condition_type' then array['✓ then:', '✗ else:']
      else array['? condition:', '✓ then:', '✗ else:'] end
    when 'LOOP' then array['↻ body:', '? while:']
    when 'REPEAT' then array_remove(array['↻ body:', case when v -> 'while' = 'true' then '? while:' end,
      case when v -> 'until' = 'true' then '? until:' end], null)
    when 'TRY' then array_remove(array['body:', case when v -> 'catch' = 'true' then '✗ catch:' end,
      case when v -> 'finally' = 'true' then 'finally:' end], null)
    when 'FOREACH' then array['↻ item:', 'collect:']
    when 'JOIN' then array_fill('║ branch '::text, array[p_position])
    when 'RACE' then array_fill('║ branch '::text, array[p_position]) end;
  return v_titles[p_position] || case when p_type in ('JOIN', 'RACE') then p_position || ':' else '' end;
end
$$;

-- Return the tree.
create function df_graph.tree(p_nodes jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_items jsonb[] := array(select e from jsonb_array_elements(p_nodes) e);
  v_count integer := cardinality(v_items);
  v_inner text[];     -- what the lines of a node's children begin with
  v_lead text[];      -- of a sequence: what its first child's line begins with
  v_out text[] := '{}';
  v jsonb;
  v_parent jsonb;
  v_p integer;
  v_type text;
  v_base text;
  v_mark text;
begin
  for n in 1 .. v_count loop
    v := v_items[n];
    v_p := (v ->> 'p')::integer;
    v_parent := v_items[v_p];
    v_type := v_parent ->> 't';
    if v_parent is null then
      v_base := '';
      v_mark := '';
    elsif v_type = 'THEN' then
      v_base := v_inner[v_p];
      v_mark := case when (v ->> 'k')::integer = 1 then v_lead[v_p] else '→ ' end;
    else
      v_base := v_inner[v_p] || '  ';
      v_mark := case when v_type in ('JOIN', 'RACE') and v ->> 'k' <> v_parent ->> 'c'
        then '├─' else '└─' end;
      v_out := v_out || (v_inner[v_p]
        || df_graph.child_title(v_type, v_parent ->> 'q', (v ->> 'k')::integer));
    end if;
    v_lead[n] := v_mark;
    if v ->> 't' = 'THEN' then
      v_inner[n] := v_base;
      continue;
    end if;
    v_inner[n] := v_base || case when v_mark = '├─' then '│   ' else '    ' end;
    v_out := v_out || (v_base || v_mark
      || df_graph.node_line(v ->> 't', v ->> 'q', v ->> 'n', (v ->> 'c')::integer)
      || case v ->> 's' when 'completed' then ' ✓' when 'failed' then ' ✗' when 'running' then ' ⏳'
        when 'pending' then ' ○' when 'skipped' then ' ⊘' when 'cancelled' then ' ⊘' else '' end);
    if v ->> 'e' is not null then
      v_out := v_out || (v_base || '    ! ' || df_graph.short(v ->> 'e', 200));
    end if;
  end loop;
  return array_to_string(v_out, E'\n');
end
$$;

-- Return the tree of a graph. Volatile, to see a graph that its own statement has just
-- prepared.
create function df_engine.explain_graph(p_graph integer) returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  select df_graph.tree(jsonb_agg(jsonb_build_object('p', n.parent, 'k', n.position,
    'c', cardinality(n.children), 't', df_graph.node_type(n.op), 'q', df_graph.node_text(n),
    'n', n.name, 'e', case when n.op = 'handed_over' then 'handed over to the worker' end)
    order by n.node))
  from df_engine.nodes n where n.graph = p_graph
$$;

-- Return the tree of a run with the states of its nodes, errors, and why a node waits.
create function df_graph.explain_run(p_run text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_run df.instances;
  v_tree text;
begin
  select * into v_run from df.instances i where i.id = p_run;
  if not found then
    raise exception 'there is no run %', quote_literal(p_run) using errcode = 'PD002';
  end if;
  with found as materialized (
    select n.*, row_number() over (partition by n.parent_node order by n.id::integer) as position
    from df.nodes n where n.instance_id = p_run),
  families as (
    select parent_node as id, count(*) as children from found group by parent_node)
  select df_graph.tree(jsonb_agg(jsonb_build_object('p', coalesce(n.parent_node::integer, 0),
    'k', n.position, 'c', coalesce(f.children, 0), 't', n.node_type, 'q', n.query,
    'n', n.result_name, 's', i.inferred_status, 'e', case
      when n.error is not null then concat_ws(' ', n.error, '(' || n.sqlstate || ')')
      when n.status = 'running' then n.detail end) order by n.id::integer)) into v_tree
  from found n
  left join families f on f.id = n.id
  join df.instance_nodes(p_run) i on i.node_id = n.id;
  return concat_ws(E'\n', 'Instance: ' || v_run.id || coalesce(' (' || v_run.label || ')', ''),
    'Status:   ' || case v_run.status when 'completed' then '✓' when 'running' then '⏳'
      when 'pending' then '○' when 'paused' then '○' else '✗' end || ' ' || initcap(v_run.status),
    'Output:   ' || df_graph.short(coalesce(v_run.result, v_run.error), 60), '', v_tree);
end
$$;

-- Return a graph, or a run with the states of its nodes, as a tree. Text that is neither
-- is a statement, or, when it has operators or functions of df, an SQL expression that
-- gives a graph: it is evaluated, as the caller.
create function df.explain(input text) returns text
language plpgsql
set search_path = pg_catalog, df, pg_temp
set standard_conforming_strings = on
as $$
declare
  v_input text := btrim(input, E' \t\r\n');
  v_text text;
begin
  if v_input ~ '^[0-9a-fA-F]{8}$' then
    return df_graph.explain_run(lower(v_input));
  elsif left(v_input, 7) not in ('[{"df":', '[{"as":')
      and v_input !~* '^(select|insert|update|delete|merge|with|values|create|alter|drop|call|do|truncate|grant|revoke|explain)\M'
      and v_input ~ '~>|\|=>|\?>|!>|@>|df\.' then
    execute 'select ' || v_input into v_input;
  end if;
  insert into df.commands (verb, text1) values ('explain', v_input) returning result into v_text;
  return v_text;
end
$$;
