-- Foreach: items, of which so many run at once as the node allows. Each has a task, which
-- takes the next item when it has done one; so 10,000 items need no more tasks than run
-- together, and queue behind other runs as every task does. Everything here happens under
-- the lock of the instance row, except the items' own steps.

-- Begin the items of a foreach, whose query gave these rows.
create function df_engine.begin_items(p df_engine.move, p_node df_engine.nodes,
  p_step df_engine.step, p_result text) returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_first integer;
  v_count integer;
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  perform df_engine.forget_items(p.instance, p.graph, p.item, p_node);
  v_first := coalesce((select max(item) from df_engine.items where instance = p.instance), 0) + 1;
  v_count := df_engine.insert_items(p, p_node, v_first - 1, p_result);
  perform df_engine.record_wait(p.instance, p_node.node, p.item, null, p_step.again);
  update df_engine.node_runs set row_count = v_count,
    held = json_build_array(v_first, v_first + v_count - 1),
    rendered_sql = case when p_step.rendered then p_step.sql end
  where instance = p.instance and node = p_node.node and item = p.item;
  if v_count = 0 then
    v.how := 'd';
    v.node := p_node.node;
    v.result := '{"rows": [], "row_count": 0}';
    return v;
  end if;
  v := df_engine.park(p, 'j', p_node.node, null, true);
  perform df_engine.begin_first(p, p_node, v_first, v_first + v_count - 1);
  return v;
end
$$;

-- Keep the rows of a query's result as items, and return their number.
create function df_engine.insert_items(p df_engine.move, p_node df_engine.nodes, p_before integer,
  p_result text) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_path integer[] := coalesce((select path from df_engine.items
    where instance = p.instance and item = p.item), '{0}');
  v_count integer;
begin
  insert into df_engine.items (instance, item, parent_item, path, node, ordinal, value)
  select p.instance, p_before + i, p.item, v_path || (p_before + i)::integer, p_node.node, i, r
  from json_array_elements(p_result::json -> 'rows') with ordinality x (r, i);
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- Give the first items of a foreach a task each.
create function df_engine.begin_first(p df_engine.move, p_node df_engine.nodes,
  p_first integer, p_last integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_epoch integer;
  v_count integer := least((p_node.config ->> 'parallel')::integer, p_last - p_first + 1);
begin
  update df_engine.tasks t set forks = t.forks + 1, pending = v_count, first_item = p_first,
    next_item = p_first + v_count, last_item = p_last
  where t.id = p.task returning t.forks into v_epoch;
  update df_engine.items set started_at = clock_timestamp()
  where instance = p.instance and item between p_first and p_first + v_count - 1;
  insert into df_engine.tasks (instance, node, state, frame, item, parent, epoch, ready_at)
  select p.instance, f.node, df_engine.entry_state(f.op)::"char", c.node, i, p.task, v_epoch,
    clock_timestamp()
  from df_engine.nodes c
  join df_engine.nodes f on f.graph = c.graph and f.node = c.first_node
  cross join generate_series(p_first, p_first + v_count - 1) i
  where c.graph = p.graph and c.node = p_node.node + 1
  order by i;
  perform pg_notify('df_work', '');
end
$$;

-- Remove the items of an earlier execution of a foreach, and what is recorded of them. They
-- are found by the rows of the foreaches: an index of the items by what holds them would
-- have to be kept for this alone.
create function df_engine.forget_items(p_instance bigint, p_graph integer, p_item integer,
  p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_old record;
  v_inner integer[];
begin
  if not exists (select from df_engine.node_runs r where r.instance = p_instance
      and r.node = p_node.node and r.item = p_item and r.held is not null) then
    return;
  end if;
  select array_agg(node) into v_inner from df_engine.nodes
  where graph = p_graph and node between p_node.node and p_node.last_node and op = 'foreach';
  for v_old in
    with recursive old as (
      select array[p_item] as items, null::integer as first, null::integer as last
      union all
      select array(select generate_series((r.held::json ->> 0)::integer,
          (r.held::json ->> 1)::integer)), (r.held::json ->> 0)::integer,
        (r.held::json ->> 1)::integer
      from old o, df_engine.node_runs r
      where r.instance = p_instance and r.item = any (o.items) and r.held is not null
        and r.node = any (case when o.first is null then array[p_node.node] else v_inner end))
    select first, last from old where first is not null
  loop
    for n in p_node.node + 1 .. p_node.last_node loop
      delete from df_engine.node_runs where instance = p_instance and node = n
        and item between v_old.first and v_old.last;
      delete from df_engine.node_runs where instance = p_instance and node = -n
        and item between v_old.first and v_old.last;
    end loop;
    delete from df_engine.items where instance = p_instance
      and item between v_old.first and v_old.last;
  end loop;
end
$$;

-- The body of an item, or the query that collects, ended well.
create function df_engine.item_child_done(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p.child < p_node.children[2] then
    return df_engine.go_to(p, p_node.children[2]);
  end if;
  return df_engine.end_item(p, p_node);
end
$$;

-- End an item. Its task takes the next one, or goes away, and the last one to go ends the
-- node. A failure, a break or a return lets no more items begin.
create function df_engine.end_item(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_next integer;
begin
  if not df_engine.lock_run(p.instance, p.parent, p.epoch) then
    perform df_engine.raise_lost();
  end if;
  update df_engine.items set outcome = p.outcome, finished_at = clock_timestamp(),
    result = case when p.outcome <> 'ok' then p.result
      when p_node.config ? 'collect' then (p.result::json -> 'rows' -> 0)::text end
  where instance = p.instance and item = p.item;
  if p.outcome in ('failed', 'break', 'return') then
    update df_engine.tasks set next_item = last_item + 1 where id = p.parent;
  end if;
  update df_engine.tasks t set next_item = t.next_item + 1
  where t.id = p.parent and t.next_item <= t.last_item
  returning t.next_item - 1 into v_next;
  if v_next is not null then
    return df_engine.begin_item(p, p_node, v_next);
  end if;
  delete from df_engine.tasks where id = p.task;
  update df_engine.tasks set pending = pending - 1 where id = p.parent
  returning case when pending = 0 then 'p' else '.' end into v.how;
  if v.how = '.' then
    return v;
  end if;
  return df_engine.end_items(p, p_node);
end
$$;

-- Let the task of an item that has ended begin another one.
create function df_engine.begin_item(p df_engine.move, p_node df_engine.nodes, p_item integer)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_task df_engine.tasks;
begin
  update df_engine.items set started_at = clock_timestamp()
  where instance = p.instance and item = p_item;
  select * into strict v_task from df_engine.tasks where id = p.task;
  select f.node, df_engine.entry_state(f.op)::"char" into v_task.node, v_task.state
  from df_engine.nodes c
  join df_engine.nodes f on f.graph = c.graph and f.node = c.first_node
  where c.graph = p.graph and c.node = p_node.node + 1;
  v_task.item := p_item;
  v_task.retries := null;
  v_task.signal := null;
  v_task.result := null;
  v_task.wake_at := null;
  v_task.ready_at := coalesce(v_task.ready_at, clock_timestamp());
  perform df_engine.replace_task(v_task);
  v.how := '.';
  return v;
end
$$;

-- End a foreach: any failure fails it, then the first return or break counts, in the order
-- of the items. The move of the last item comes in, the foreach's goes out.
create function df_engine.end_items(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move;
  v_parent df_engine.tasks;
  v_end record;
begin
  select * into strict v_parent from df_engine.tasks where id = p.parent;
  select i.outcome, i.result into v_end from df_engine.items i
  where i.instance = p.instance and i.item between v_parent.first_item and v_parent.last_item
    and i.outcome in ('failed', 'return', 'break')
  order by i.outcome = 'failed' desc, i.item limit 1;
  if v_end.outcome = 'failed' then
    perform df_engine.keep_items(v_parent);
  end if;
  v := df_engine.to_parent(p, coalesce(v_end.outcome, 'ok'), v_end.result);
  if v.outcome in ('ok', 'break') then
    v.outcome := 'ok';
    v.how := 'd';
    v.node := p_node.node;
    v.result := df_engine.collected(p.instance, v_parent.first_item, v_parent.last_item,
      p_node.config ? 'collect');
    return v;
  end if;
  perform df_engine.close_structure(v.instance, p_node.node, v.item, v.outcome);
  return df_engine.raise_up(v, p_node, v.outcome, v.result);
end
$$;

-- Return the result of a foreach: what its items gave, or, if nothing is collected, how
-- many of them were done.
create function df_engine.collected(p_instance bigint, p_first integer, p_last integer,
  p_collects boolean) returns text
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select '{"rows": [' || coalesce(string_agg(i.result, ', ' order by i.item)
      filter (where i.outcome = 'ok' and p_collects), '')
    || '], "row_count": ' || count(*) filter (where case when p_collects
      then i.outcome = 'ok' and i.result is not null else i.outcome in ('ok', 'continue') end)
    || '}'
  from df_engine.items i
  where i.instance = p_instance and i.item between p_first and p_last
$$;
