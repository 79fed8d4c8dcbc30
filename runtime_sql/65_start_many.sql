-- Start of many runs of one graph by one call. Everything about them is done in sets: the
-- checks, the insertion of the runs and of their first tasks.

-- Start a run for each input and return their ids, in the order of the inputs. As with
-- df.start, a key that the role has used, in this call too, gives that run.
create function df_engine.start_many(p df.commands) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_role df_engine.roles := df_engine.starter(p.role);
  v_graph df_engine.graphs;
  v_id integer := df_engine.prepare(p.text1);
  v_open integer[];
  v_runs text[] := '{}';
begin
  select * into v_graph from df_engine.graphs where id = v_id;
  perform df_engine.check_limits(p);
  perform df_engine.check_inputs(v_graph, v_role, p);
  v_open := array(select generate_series(1, cardinality(p.inputs)));
  v_runs := array_fill(null::text, array[cardinality(p.inputs)]);
  while v_open <> '{}' loop
    v_runs := df_engine.insert_runs(p, v_graph, v_role, v_open, v_runs);
    v_open := array(select i from unnest(v_runs) with ordinality r (run, i)
      where run is null order by i);
  end loop;
  perform df_engine.ask_for_turns(t.instance) from (
    select instance from df_engine.turns
    where role = p.role and key = p.concurrency_key and not active
    order by instance desc limit 1) t;
  perform pg_notify('df_work', '');
  return v_runs;
end
$$;

-- Raise for what is wrong with the inputs or the keys of a start of many runs.
create function df_engine.check_inputs(p_graph df_engine.graphs, p_role df_engine.roles,
  p df.commands) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_place bigint;
begin
  if array_ndims(p.inputs) > 1 or array_lower(p.inputs, 1) <> 1 or p.inputs is null then
    raise exception 'inputs is an array of JSON objects, one for each run'
      using errcode = 'PD003';
  elsif p.keys is not null and (cardinality(p.keys) <> cardinality(p.inputs)
      or array_ndims(p.keys) > 1 or array_lower(p.keys, 1) <> 1) then
    raise exception 'there are % keys for % inputs', cardinality(p.keys), cardinality(p.inputs)
      using errcode = 'PD003';
  end if;
  perform df_graph.check_length('key', (select k from unnest(p.keys) k
    order by octet_length(k) desc nulls last limit 1));
  select i into v_place from unnest(p.inputs) with ordinality u (input, i)
  where jsonb_typeof(input) is distinct from 'object' or not input ?& p_graph.inputs
  order by i limit 1;
  if found then
    begin
      perform df_engine.check_start(p_graph, p_role, p.inputs[v_place]);
    exception when sqlstate 'PD003' then
      raise exception 'input number %: %', v_place, sqlerrm using errcode = 'PD003';
    end;
  end if;
  perform df_engine.check_start(p_graph, p_role, (select coalesce(jsonb_object_agg(n, 0), '{}')
    from unnest(p_graph.inputs) n));
end
$$;

-- Insert runs for some of the inputs, by their numbers, and return `p_runs` with the ids
-- of those runs, new ones or, by their keys, those that were there. An id that was taken
-- by another run leaves a null.
create function df_engine.insert_runs(p df.commands, p_graph df_engine.graphs,
  p_role df_engine.roles, p_open integer[], p_runs text[]) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_ids text[] := array(select lpad(to_hex((random() * 4294967295)::bigint), 8, '0')
    from unnest(p_open));
  v_vars jsonb := (select jsonb_object_agg(name, value) from df_engine.vars
    where role = p.role);
  v_new text[];
begin
  with runs as (
    insert into df_engine.instances (run_id, graph, role, executor, search_path, time_zone,
      label, key, input, vars, database, concurrency_key)
    select o.run, p_graph.id, p.role, p_role.id, p.search_path, p.time_zone, p.text2,
      u.key, u.input, v_vars, current_database(), p.concurrency_key
    from unnest(p.inputs, p.keys) with ordinality u (input, key, place)
    join unnest(p_open, v_ids) o (place, run) using (place)
    order by u.place
    on conflict do nothing returning id, run_id),
  first as (
    insert into df_engine.tasks (instance, node, state, frame, ready_at)
    select id, p_graph.start_node, p_graph.start_state, 1, clock_timestamp()
    from runs where p.concurrency_key is null),
  waiting as (
    insert into df_engine.turns (instance, role, key, max_active, node, state)
    select id, p.role, p.concurrency_key, p.concurrency_limit, p_graph.start_node,
      p_graph.start_state
    from runs where p.concurrency_key is not null)
  select array_agg(run_id order by id) into v_new from runs;
  if cardinality(v_new) = cardinality(p_runs) then
    return v_new;
  end if;
  return df_engine.match_runs(p, p_runs, p_open, v_ids, v_new);
end
$$;

-- Return `p_runs` with the ids of the runs that were inserted (`p_new` of `p_ids`), and of
-- those that have the keys of the others.
create function df_engine.match_runs(p df.commands, p_runs text[], p_open integer[],
  p_ids text[], p_new text[]) returns text[]
language sql
set search_path = pg_catalog, pg_temp
as $$
  select array_agg(coalesce(a.run, n.run, i.run_id) order by a.place)
  from unnest(p_runs) with ordinality a (run, place)
  left join (  -- of places that have drawn the same id, the first one has it
    select run, min(place) as place from unnest(p_open, p_ids) u (place, run) group by run
  ) o on o.place = a.place
  left join unnest(p_new) n (run) on n.run = o.run
  left join unnest(p.keys) with ordinality k (key, place) on k.place = a.place
  left join df_engine.instances i on a.run is null and i.role = p.role and i.key = k.key
$$;
