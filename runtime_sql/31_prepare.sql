-- Preparing a graph: validated, flattened and kept, once per text.

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

-- Read the nodes of a graph and the tree that their numbers of children describe.
create function df_engine.read_tree(p_envelope text) returns df_engine.shape
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.shape;
  v_item jsonb;
  v_open integer[] := '{}';   -- ancestors whose children are not complete
  v_depth integer := 0;
  v_left integer[] := '{}';   -- children still to come, by node
  v_node integer := 0;
  v_arity integer[];
begin
  v.op := '{}'; v.name := '{}'; v.config := '{}'; v.parent := '{}'; v."position" := '{}';
  v.arity := '{}'; v.last_node := '{}';
  for v_item in select e from jsonb_array_elements(p_envelope::jsonb) e loop
    v_node := v_node + 1;
    if v_node > 1 and v_depth = 0 or v_node > 1000000 then
      raise exception 'the graph has more than 1,000,000 nodes, or nodes that belong to none'
        using errcode = 'PD001';
    end if;
    v.op[v_node] := v_item ->> 'df';
    v.name[v_node] := v_item ->> 'as';
    v.arity[v_node] := coalesce((v_item ->> 'n')::integer, 0);
    v.config[v_node] := v_item - array['df', 'as', 'n'];
    perform df_engine.refuse_several(v_item ->> 'q');
    perform df_engine.check_config(v.op[v_node], v.config[v_node]);
    v_arity := df_engine.arity(v.op[v_node], v_item);
    if v_arity is null or v.arity[v_node] not between v_arity[1] and v_arity[2] then
      raise exception 'node % of the graph is not valid: % with % children', v_node,
        coalesce(v.op[v_node], 'null'), v.arity[v_node] using errcode = 'PD001';
    end if;
    v.parent[v_node] := case when v_depth > 0 then v_open[v_depth] else 0 end;
    v."position"[v_node] := case when v_depth > 0
      then v.arity[v_open[v_depth]] - v_left[v_open[v_depth]] + 1 else 1 end;
    v.last_node[v_node] := v_node;
    v_left[v_node] := v.arity[v_node];
    if v_depth > 0 then
      v_left[v_open[v_depth]] := v_left[v_open[v_depth]] - 1;
    end if;
    v_depth := v_depth + 1;
    v_open[v_depth] := v_node;
    while v_depth > 0 and v_left[v_open[v_depth]] = 0 loop
      v.last_node[v_open[v_depth]] := v_node;
      v_depth := v_depth - 1;
    end loop;
  end loop;
  if v_node = 0 or v_depth > 0 then
    raise exception 'the graph ends before its nodes do' using errcode = 'PD001';
  end if;
  v.size := v_node;
  return df_engine.mark_handed_over(v);
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
  v_parent integer;
  v_op text;
begin
  v.frame := '{}'; v.scopes := '{}'; v.guarded := '{}'; v.keep := '{}';
  for n in 1 .. v.size loop
    v_parent := v.parent[n];
    if v_parent = 0 then
      v.frame[n] := 1;
      v.scopes[n] := '{1}';
      v.guarded[n] := false;
      v.keep[n] := true;
      continue;
    end if;
    v_op := v.op[v_parent];
    if v_op = 'transaction' and v.op[n] <> 'sql' then
      raise exception 'df.transaction: holds SQL nodes only' using errcode = 'PD001';
    end if;
    v.guarded[n] := v.guarded[v_parent] or v_op in ('race', 'timeout');
    if v_op in ('join', 'race', 'timeout') or v_op = 'foreach' and v."position"[n] = 1 then
      v.frame[n] := n;
      v.scopes[n] := '{' || n || ',' || substr(v.scopes[v_parent], 2);
    elsif v_op = 'foreach' then  -- `collect` reads what the body has bound
      v.frame[n] := v_parent + 1;
      v.scopes[n] := v.scopes[v_parent + 1];
    else
      v.frame[n] := v.frame[v_parent];
      v.scopes[n] := v.scopes[v_parent];
    end if;
    v.keep[n] := v.name[n] is not null
      or v.op[n] in ('return', 'sleep_for', 'sleep_until', 'foreach', 'call') or case
      when v_op = 'foreach' then v."position"[n] = 2
      when v_op = 'try' and v.config[v_parent] ? 'finally'
        then v."position"[n] < v.arity[v_parent] and v.keep[v_parent]
      when v_op in ('seq', 'transaction') then v."position"[n] = v.arity[v_parent] and v.keep[v_parent]
      when v_op = 'if' then v."position"[n] = 1 or v.keep[v_parent]
      when v_op in ('loop', 'repeat') then v."position"[n] > 1 or v.keep[v_parent]
      else v.keep[v_parent] end;
  end loop;
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
  v_parent integer;
  v_next integer;
begin
  v.entry := array_fill(0, array[v.size]);
  v.next_node := '{}'; v.next_state := '{}';
  for n in reverse v.size .. 1 loop
    v.entry[n] := case when v.op[n] in ('seq', 'retry', 'try') then v.entry[n + 1] else n end;
  end loop;
  for n in 1 .. v.size loop
    v_parent := v.parent[n];
    v.next_node[n] := v_parent;
    v.next_state[n] := 'p';
    if v_parent = 0 then
      continue;
    elsif v.op[v_parent] = 'seq' and v."position"[n] < v.arity[v_parent] then
      v_next := v.entry[v.last_node[n] + 1];
      v.next_node[n] := v_next;
      v.next_state[n] := df_engine.entry_state(v.op[v_next]);
    elsif v.name[v_parent] is null and (v.op[v_parent] in ('seq', 'retry', 'if_rows')
          or v.op[v_parent] = 'if' and v."position"[n] > 1
          or v.op[v_parent] = 'try' and v."position"[n] = 1
             and not v.config[v_parent] ? 'finally') then
      v.next_node[n] := v.next_node[v_parent];
      v.next_state[n] := v.next_state[v_parent];
    end if;
  end loop;
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
