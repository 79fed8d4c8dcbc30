-- Fork: a new run of a run's graph that begins at a node, with copies of the results that
-- the original had before it. The original may be in any state, and is not touched.

-- Fork a run at a node, given by its id; with another input, if one is given. Returns the
-- new run's id. It has the original's label and options but not its key.
create function df_engine.fork_run(p_role regrole, p_run text, p_node text, p_input jsonb)
returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
  v_node df_engine.nodes := df_engine.fork_point(v_run, p_node);
  v_role df_engine.roles := df_engine.starter(v_run.role);
  v_graph df_engine.graphs;
  v_new bigint;
  v_state "char" := df_engine.entry_state((select op from df_engine.nodes
    where graph = v_node.graph and node = v_node.first_node));
begin
  select * into strict v_graph from df_engine.graphs where id = v_run.graph;
  perform df_engine.check_start(v_graph, v_role, coalesce(p_input, v_run.input));
  v_new := df_engine.copy_run(v_run, v_role, coalesce(p_input, v_run.input));
  perform df_engine.copy_results(v_run.id, v_new, v_node);
  if v_run.concurrency_key is not null then
    perform df_engine.queue_run(v_new, null, v_node.first_node, v_state);
  else
    insert into df_engine.tasks (instance, node, state, frame, ready_at)
    values (v_new, v_node.first_node, v_state, 1, clock_timestamp());
  end if;
  if v_run.timeout is not null then
    perform df_engine.set_deadline(v_new);
  end if;
  perform pg_notify('df_work', '');
  return (select run_id from df_engine.instances where id = v_new);
end
$$;

-- Return the node at which a run is to be forked, or raise where no run can begin.
create function df_engine.fork_point(p_run df_engine.instances, p_node text)
returns df_engine.nodes
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_node df_engine.nodes;
  v_around df_engine.nodes;
begin
  select * into v_node from df_engine.nodes n
  where n.graph = p_run.graph and n.node::text = p_node;
  if not found then
    raise exception 'run % has no node %', p_run.run_id, coalesce(quote_literal(p_node), 'null')
      using errcode = 'PD003', hint = format(
        'Its nodes: select node_id, node_type, query from df.instance_nodes(%L);', p_run.run_id);
  end if;
  select * into v_around from df_engine.nodes n
  where n.graph = p_run.graph and n.node < v_node.node and n.last_node >= v_node.node
    and (n.op in ('join', 'race', 'foreach', 'timeout', 'transaction')
      or n.op = 'try' and v_node.node >= n.children[2])
  order by n.node limit 1;
  if found then
    raise exception 'a run cannot begin at node %, which is inside of the % at node %',
      p_node, case v_around.op when 'try' then 'catch or finally of the try' else v_around.op end,
      v_around.node using errcode = 'PD003',
      hint = format('Fork it at node %s.', v_around.node);
  end if;
  return v_node;
end
$$;

-- Insert a copy of a run with another input and return its number.
create function df_engine.copy_run(p_run df_engine.instances, p_role df_engine.roles,
  p_input jsonb) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_new bigint;
begin
  while v_new is null loop
    insert into df_engine.instances (run_id, graph, role, executor, search_path, time_zone,
      label, input, vars, database, concurrency_key, timeout, deadline)
    values (lpad(to_hex((random() * 4294967295)::bigint), 8, '0'), p_run.graph, p_run.role,
      p_role.id, p_run.search_path, p_run.time_zone, p_run.label, p_input, p_run.vars,
      p_run.database, p_run.concurrency_key, p_run.timeout,
      case when p_run.timeout is not null then df.now() + p_run.timeout end)
    on conflict do nothing returning id into v_new;
  end loop;
  return v_new;
end
$$;

-- Copy the results of the nodes that ended before a node, with their names and items; and
-- the rounds of the loops around it, that they keep their pace.
create function df_engine.copy_results(p_from bigint, p_to bigint, p_node df_engine.nodes)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  insert into df_engine.node_runs (instance, node, item, status, executions, attempts, scope,
    row_count, started_at, finished_at, round_at, result, earlier, rendered_sql, filled)
  select p_to, r.node, r.item,
    case when n.last_node >= p_node.node then 'running' else r.status end, r.executions,
    r.attempts, r.scope, r.row_count, r.started_at, r.finished_at,
    case when n.last_node >= p_node.node then df.now() end, r.result, r.earlier,
    r.rendered_sql, r.filled
  from df_engine.node_runs r
  join df_engine.nodes n on n.graph = p_node.graph and n.node = abs(r.node)
  where r.instance = p_from and abs(r.node) < p_node.node
    and (n.last_node < p_node.node and r.status = 'completed'
      or n.last_node >= p_node.node and n.op in ('loop', 'repeat'))
$$;
