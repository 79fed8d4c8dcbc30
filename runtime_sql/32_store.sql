-- Preparing a graph, second part: keeping it.

-- Return the references of a node's texts with the nodes that bind their names: refs
-- get `b`, an array of node numbers.
create function df_engine.bind(p_refs jsonb, p_binders jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(case when r ->> 'n' <> 'input'
    then r || jsonb_build_object('b', p_binders -> (r ->> 'n')) else r end order by i)
  from jsonb_array_elements(p_refs) with ordinality a (r, i)
$$;

-- Return {p: parts, r: references} of a raw text, null for null. `$secrets.name` counts
-- where it is wanted, unless a node binds the name.
create function df_engine.template(p_text text, p_names text[], p_binders jsonb)
returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('p', parts, 'r', df_engine.bind(refs, p_binders))
  from df_engine.split_raw(p_text, p_names) where p_text is not null
$$;

-- Return the configuration of a node that is not a statement, its texts made templates.
create function df_engine.node_config(p_op text, p_config jsonb, p_names text[],
  p_binders jsonb) returns jsonb
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_op in ('http', 'http_multipart') then
    return p_config || jsonb_build_object(
      'url', df_engine.template(p_config ->> 'url', p_names || 'secrets'::text, p_binders),
      'body', df_engine.template(p_config ->> 'body', p_names || 'secrets'::text, p_binders),
      'headers', (select coalesce(jsonb_object_agg(key,
          df_engine.template(value, p_names || 'secrets'::text, p_binders)), '{}')
        from jsonb_each_text(coalesce(p_config -> 'headers', '{}'))),
      'parts', (select jsonb_agg(jsonb_build_object(
          'name', df_engine.template(part ->> 'name', p_names, p_binders),
          'filename', df_engine.template(part ->> 'filename', p_names, p_binders),
          'data_b64', df_engine.template(btrim(part ->> 'data_b64'), p_names, p_binders),
          'content_type', part -> 'content_type') order by i)
        from jsonb_array_elements(p_config -> 'parts') with ordinality a (part, i)),
      'shown', p_config);
  elsif p_op = 'try' then
    return p_config || jsonb_build_object('b', coalesce(p_binders -> (p_config ->> 'err'), '[]'));
  elsif p_op in ('if_rows', 'raise') then
    if p_binders -> (p_config ->> 'of') is null then
      raise exception 'df.%: no node binds the name %', p_op, p_config ->> 'of'
        using errcode = 'PD001';
    end if;
    return p_config || jsonb_build_object('b', p_binders -> (p_config ->> 'of'));
  end if;
  return p_config - 'q';
end
$$;

-- Return whether a statement surely returns no rows; anything else is tried as a query
-- first. Only a guess that spares time: the executor finds out.
create function df_engine.surely_no_rows(p_sql text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_sql ~* '^\s*(insert|update|delete|merge|create|alter|drop|truncate|set|reset|do|copy'
      '|grant|revoke|comment|lock|analyze|refresh|notify|listen)\M'
     and p_sql !~* '\mreturning\M'
$$;

-- Insert the instructions of a graph.
create function df_engine.insert_nodes(p_graph integer, v df_engine.shape, p_names text[],
  p_binders jsonb) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df_engine.nodes (graph, node, op, parent, position, last_node, children,
    name, keep, frame, scopes, guarded, first_node, next_node, next_state, rebinds, parts, refs, rows,
    config)
  select p_graph, n.node, n.op, n.parent, n.position, n.last_node,
    coalesce(c.children, '{}'), n.name, n.keep, n.frame, n.scopes::integer[], n.guarded,
    n.first_node, n.next_node, n.next_state::"char",
    coalesce((select array_agg(b::integer) from jsonb_array_elements_text(p_binders -> n.name) b
      where b::integer <> n.node), '{}'),
    s.parts, nullif(df_engine.bind(s.refs, p_binders), '[]'),
    not df_engine.surely_no_rows(n.config ->> 'q'),
    df_engine.node_config(n.op, n.config, p_names, p_binders)
  from (
    select row_number() over (order by i) :: integer as node, u.*
    from unnest(v.op, v.parent, v."position", v.last_node, v.name, v.keep, v.frame, v.scopes,
      v.guarded, v.entry, v.next_node, v.next_state, v.config) with ordinality
      u (op, parent, position, last_node, name, keep, frame, scopes, guarded, first_node,
         next_node, next_state, config, i)) n
  left join (
    select parent, array_agg(i::integer order by i) as children
    from unnest(v.parent) with ordinality u (parent, i) group by parent) c on c.parent = n.node
  left join lateral df_engine.split_sql(n.config ->> 'q', p_names) s
    on n.config ->> 'q' is not null
$$;

-- Return the names of the input that a graph reads.
create function df_engine.inputs_of(p_graph integer) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct r ->> 'c'), '{}')
  from df_engine.nodes n
  cross join lateral (
    select r from jsonb_array_elements(n.refs) r
    union all
    select r from jsonb_path_query(coalesce(n.config, '{}'),
      'strict $.**.r[*]', silent => true) r
    where n.op in ('http', 'http_multipart')) x
  where n.graph = p_graph and r ->> 'n' = 'input' and r ->> 'c' is not null
$$;

-- Return the nodes that bind each name, as JSON. A try binds its error, and a foreach its
-- item, with the negative of its number: their own may have a name of its own.
create function df_engine.binders(p df_engine.shape) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(name, nodes), '{}')
  from (select name, jsonb_agg(i order by i) as nodes
    from (select name, i from unnest(p.name) with ordinality u (name, i)
      union all
      select case c.op when 'try' then c.config ->> 'err' else c.config ->> 'item' end, -c.i
      from unnest(p.op, p.config) with ordinality c (op, config, i)
      where c.op in ('try', 'foreach')) n
    where name is not null group by name) b
$$;

-- Insert a graph without its nodes and return its id; null when it was there, or came from
-- another session that has committed meanwhile. One whose transaction stays open holds
-- nobody up for longer than the timeout: the graph is kept a second time then, where the
-- next ones find it.
create function df_engine.insert_graph(p_digest bytea, p_envelope text, v df_engine.shape)
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
declare
  v_digest bytea;
  v_graph integer;
begin
  foreach v_digest in array array[p_digest, sha256(p_digest),
      sha256(p_digest || xid8send(pg_current_xact_id()))] loop
    begin
      insert into df_engine.graphs (digest, envelope, inputs, shared_names, has_http,
        start_node, start_state)
      values (v_digest, p_envelope, '{}', false, v.op && '{http,http_multipart}', v.entry[1],
        df_engine.entry_state(v.op[v.entry[1]])::"char")
      on conflict (digest) do nothing returning id into v_graph;
      return v_graph;
    exception when lock_not_available then
      continue;
    end;
  end loop;
end
$$;

-- Return the id of a graph, keeping it first when it is new. Two sessions that bring the
-- same graph at once: the second waits on the digest and uses the first one's.
create function df_engine.prepare(p_graph text) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_envelope text := '[' || df_graph.elements(p_graph) || ']';
  v_digest bytea := sha256(convert_to(v_envelope, 'UTF8'));
  v_graph integer;
  v df_engine.shape;
  v_binders jsonb;
begin
  -- Locked as by the reference of the run that follows, so that retention leaves it.
  select id into v_graph from df_engine.graphs where digest = v_digest for key share;
  if not found then
    select id into v_graph from df_engine.graphs where digest = sha256(v_digest) for key share;
  end if;
  if found then
    return v_graph;
  end if;
  v := df_engine.add_successors(df_engine.add_scopes(df_engine.read_tree(v_envelope)));
  v_graph := df_engine.insert_graph(v_digest, v_envelope, v);
  if v_graph is null then
    select id into strict v_graph from df_engine.graphs
    where digest in (v_digest, sha256(v_digest)) limit 1;
    return v_graph;
  end if;
  v_binders := df_engine.binders(v);
  perform df_engine.insert_nodes(v_graph, v,
    array(select jsonb_object_keys(v_binders)) || 'input'::text, v_binders);
  update df_engine.graphs set inputs = df_engine.inputs_of(v_graph),
    shared_names = exists (select from jsonb_each(v_binders) where jsonb_array_length(value) > 1)
  where id = v_graph;
  update df_engine.nodes a set config = a.config || '{"catches": true}'
  where a.graph = v_graph and a.op in ('join', 'race', 'timeout') and exists (
    select from df_engine.nodes t where t.graph = v_graph and t.op = 'try'
      and t.node between a.node and a.last_node and t.config ? 'catch');
  update df_engine.nodes a set config = a.config || '{"again": true}'
  where a.graph = v_graph and a.op in ('join', 'race', 'timeout') and exists (
    select from df_engine.nodes l where l.graph = v_graph
      and l.op in ('loop', 'repeat', 'retry')
      and (a.node between l.node and l.last_node or l.node between a.node and a.last_node));
  return v_graph;
end
$$;
