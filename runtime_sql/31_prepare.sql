-- Preparing a graph: validated, flattened and kept, once per text.
--
-- The functions work on arrays in variables of their own: an element of an array inside of
-- a composite value is reached, and set, by copying the array.

-- The shape of a graph as parallel arrays, indexed by node number.
create type df_engine.shape as (
  size integer,
  op text[], name text[], config jsonb[],
  parent integer[], "position" integer[], arity integer[], last_node integer[],
  frame integer[], scopes text[], guarded boolean[], keep boolean[],
  entry integer[], next_node integer[], next_state text[]
);

-- Return the number of children that a node must have, as {least, most}; null when
-- there is no such node.
create function df_engine.arity(p_op text, p_config jsonb) returns integer[]
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_op in ('seq', 'join', 'race') then array[1, 1000000]
    when p_op = 'if' then array[2, 3]
    when p_op = 'if_rows' then array[1, 2]
    when p_op = 'loop' then array[1, 2]
    when p_op = 'repeat' then array_fill(1 + coalesce((p_config ->> 'while')::boolean, false)::integer
      + coalesce((p_config ->> 'until')::boolean, false)::integer, array[2])
    when p_op in ('retry', 'timeout') then array[1, 1]
    when p_op = 'try' then array_fill(1 + (p_config ? 'catch')::integer
      + (p_config ? 'finally')::integer, array[2])
    when p_op = 'foreach' then array_fill(1 + (p_config ? 'collect')::integer, array[2])
    when p_op = 'transaction' then array[1, 1000000]
    when p_op in ('sql', 'return', 'sleep_for', 'sleep_until', 'sleep', 'signal', 'schedule',
                  'http', 'http_multipart', 'break', 'continue', 'raise', 'call') then array[0, 0]
  end
$$;

-- Raise if a node that somebody has written by hand lacks what the engine relies on.
create function df_engine.check_config(p_op text, p_config jsonb) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_op = 'foreach' and coalesce((p_config ->> 'parallel')::integer < 1
       or p_config ->> 'q' is null or p_config ->> 'item' is null, true)
     or p_op = 'timeout' and p_config ->> 's' is null
     or p_op = 'try' and p_config ? 'catch' and p_config ->> 'err' is null
     or p_op = 'call' and p_config ->> 'q' is null then
    raise exception 'a node % of the graph is not valid', p_op using errcode = 'PD001';
  end if;
end
$$;

-- Raise if a node is none, or has not the children that such a node has.
create function df_engine.check_node(p_node integer, p_item jsonb, p_children integer)
returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_op text := p_item ->> 'df';
  v_arity integer[] := df_engine.arity(v_op, p_item);
begin
  perform df_engine.refuse_several(p_item ->> 'q');
  perform df_engine.check_config(v_op, p_item);
  if v_arity is null or p_children not between v_arity[1] and v_arity[2] then
    raise exception 'node % of the graph is not valid: % with % children', p_node,
      coalesce(v_op, 'null'), p_children using errcode = 'PD001';
  end if;
end
$$;

-- Read the nodes of a graph and the tree that their numbers of children describe.
create function df_engine.read_tree(p_envelope text) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape;
  v_op text[] := '{}';
  v_name text[] := '{}';
  v_config jsonb[] := '{}';
  v_parent integer[] := '{}';
  v_position integer[] := '{}';
  v_count integer[] := '{}';  -- of children
  v_last integer[] := '{}';
  v_item jsonb;
  v_open integer[] := '{}';   -- ancestors whose children are not complete
  v_depth integer := 0;
  v_left integer[] := '{}';   -- children still to come, by node
  v_node integer := 0;
  v_up integer;
begin
  for v_item in select e from jsonb_array_elements(p_envelope::jsonb) e loop
    v_node := v_node + 1;
    if v_node > 1 and v_depth = 0 or v_node > 1000000 then
      raise exception 'the graph has more than 1,000,000 nodes, or nodes that belong to none'
        using errcode = 'PD001';
    end if;
    v_op[v_node] := v_item ->> 'df';
    v_name[v_node] := v_item ->> 'as';
    v_config[v_node] := v_item - array['df', 'as', 'n'];
    v_count[v_node] := coalesce((v_item ->> 'n')::integer, 0);
    perform df_engine.check_node(v_node, v_item, v_count[v_node]);
    v_up := case when v_depth > 0 then v_open[v_depth] else 0 end;
    v_parent[v_node] := v_up;
    v_position[v_node] := case when v_up > 0 then v_count[v_up] - v_left[v_up] + 1 else 1 end;
    v_last[v_node] := v_node;
    v_left[v_node] := v_count[v_node];
    if v_up > 0 then
      v_left[v_up] := v_left[v_up] - 1;
    end if;
    v_depth := v_depth + 1;
    v_open[v_depth] := v_node;
    while v_depth > 0 and v_left[v_open[v_depth]] = 0 loop
      v_last[v_open[v_depth]] := v_node;
      v_depth := v_depth - 1;
    end loop;
  end loop;
  if v_node = 0 or v_depth > 0 then
    raise exception 'the graph ends before its nodes do' using errcode = 'PD001';
  end if;
  v.size := v_node;
  v.op := df_engine.mark_handed_over(v_op, v_parent, v_config);
  v.name := v_name;
  v.config := v_config;
  v.parent := v_parent;
  v."position" := v_position;
  v.arity := v_count;
  v.last_node := v_last;
  return v;
exception when invalid_text_representation then
  raise exception 'the graph is not one: %', sqlerrm using errcode = 'PD001';
end
$$;

-- Add what a node inherits: its frame, the frames that it sees, whether a race can end
-- it, and whether anybody may read its result.
create function df_engine.add_scopes(p df_engine.shape) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape := p;
  v_ops text[] := p.op;
  v_names text[] := p.name;
  v_configs jsonb[] := p.config;
  v_parents integer[] := p.parent;
  v_positions integer[] := p."position";
  v_arity integer[] := p.arity;
  v_frame integer[] := '{1}';
  v_scopes text[] := '{"{1}"}';
  v_guarded boolean[] := '{f}';
  v_keep boolean[] := '{t}';
  v_up integer;
  v_op text;  -- of the parent
begin
  for n in 2 .. v.size loop
    v_up := v_parents[n];
    v_op := v_ops[v_up];
    if v_op = 'transaction' and v_ops[n] <> 'sql' then
      raise exception 'df.transaction: holds SQL nodes only' using errcode = 'PD001';
    end if;
    v_guarded[n] := v_guarded[v_up] or v_op in ('race', 'timeout');
    if v_op in ('join', 'race', 'timeout') or v_op = 'foreach' and v_positions[n] = 1 then
      v_frame[n] := n;
      v_scopes[n] := '{' || n || ',' || substr(v_scopes[v_up], 2);
    elsif v_op = 'foreach' then  -- `collect` reads what the body has bound
      v_frame[n] := v_up + 1;
      v_scopes[n] := v_scopes[v_up + 1];
    else
      v_frame[n] := v_frame[v_up];
      v_scopes[n] := v_scopes[v_up];
    end if;
    v_keep[n] := v_names[n] is not null
      or v_ops[n] in ('return', 'sleep_for', 'sleep_until', 'foreach', 'call') or case
      when v_op = 'foreach' then v_positions[n] = 2
      when v_op = 'try' and v_configs[v_up] ? 'finally'
        then v_positions[n] < v_arity[v_up] and v_keep[v_up]
      when v_op in ('seq', 'transaction') then v_positions[n] = v_arity[v_up] and v_keep[v_up]
      when v_op = 'if' then v_positions[n] = 1 or v_keep[v_up]
      when v_op in ('loop', 'repeat') then v_positions[n] > 1 or v_keep[v_up]
      else v_keep[v_up] end;
  end loop;
  v.frame := v_frame;
  v.scopes := v_scopes;
  v.guarded := v_guarded;
  v.keep := v_keep;
  return v;
end
$$;

-- Add where each node leads: sequences, tries and retries are passed through on the way
-- in, unnamed sequences, ifs, retries and the bodies of tries without `finally` on the way
-- out, so that the step after a step is known without a walk.
create function df_engine.add_successors(p df_engine.shape) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape := p;
  v_ops text[] := p.op;
  v_names text[] := p.name;
  v_configs jsonb[] := p.config;
  v_parents integer[] := p.parent;
  v_positions integer[] := p."position";
  v_arity integer[] := p.arity;
  v_last integer[] := p.last_node;
  v_entry integer[] := array_fill(0, array[p.size]);
  v_next integer[] := array[0];
  v_state text[] := array['p'];
  v_up integer;
  v_op text;  -- of the parent
begin
  for n in reverse v.size .. 1 loop
    v_entry[n] := case when v_ops[n] in ('seq', 'retry', 'try') then v_entry[n + 1] else n end;
  end loop;
  for n in 2 .. v.size loop
    v_up := v_parents[n];
    v_op := v_ops[v_up];
    v_next[n] := v_up;
    v_state[n] := 'p';
    if v_op = 'seq' and v_positions[n] < v_arity[v_up] then
      v_next[n] := v_entry[v_last[n] + 1];
      v_state[n] := df_engine.entry_state(v_ops[v_next[n]]);
    elsif v_names[v_up] is null and (v_op in ('seq', 'retry', 'if_rows')
          or v_op = 'if' and v_positions[n] > 1
          or v_op = 'try' and v_positions[n] = 1 and not v_configs[v_up] ? 'finally') then
      v_next[n] := v_next[v_up];
      v_state[n] := v_state[v_up];
    end if;
  end loop;
  v.entry := v_entry;
  v.next_node := v_next;
  v.next_state := v_state;
  return v;
end
$$;

-- Return the state of a task that is to begin with such a node.
create function df_engine.entry_state(p_op text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_op in ('sql', 'return', 'sleep_for', 'sleep_until', 'foreach', 'transaction',
    'call') then 'x' else 'e' end
$$;
