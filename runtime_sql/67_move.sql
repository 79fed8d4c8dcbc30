-- Move: a run that waits goes on in another graph, that of a newer version. What it has
-- done so far must be the same in both, node by node; what lies ahead is free.
--
-- Both graphs are walked from the root. A step that the run has passed must be equal, with
-- all that is in it. One that the run is in must be of the same kind, and the steps inside
-- are compared in the same way; so are the arms of a condition, passed or not, as far as the
-- run has been in them. The steps of a sequence are compared by position, however the
-- sequence is nested. Nodes that agree get the other graph's numbers. Branches that come
-- after those that a join or a race has begun with are begun by the move.
--
-- What a statement keeps of its result may be written into it, as compiled ones do: then it
-- is another one in each version that reads another column. Who knows how they are written
-- says which of them agree nevertheless, from what the refusal tells in its detail.
--
-- (To start a new run and copy the results, as a fork does, was the other way: but who
-- signals a run, or waits for its end, knows it by its id.)

-- Move a run; returns its id. Of the data, `input` is what comes after what the run has of
-- it, `agreed` the nodes taken as equal: [{"old": 3, "new": 4}]; `new` null is one to do without.
-- Lock order: the instance, then its tasks by SKIP LOCKED.
create function df_engine.move_run(p_role regrole, p_run text, p_graph text, p_label text,
  p_search_path text, p_data jsonb) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
  v_new integer := df_engine.prepare(p_graph);
  v_graph df_engine.graphs;
  v_map jsonb;
begin
  select * into strict v_graph from df_engine.graphs where id = v_new;
  select * into v_run from df_engine.instances where id = v_run.id for update;
  perform df_engine.check_move(v_run);
  if jsonb_typeof(p_data -> 'input') = 'object' then
    v_run.input := (p_data -> 'input') || coalesce(v_run.input, '{}');
  end if;
  perform df_engine.check_start(v_graph, df_engine.starter(v_run.role), v_run.input);
  if v_graph.id <> v_run.graph then
    v_map := df_engine.align(v_run.id, v_run.graph, 1, v_graph.id, 1,
      coalesce(p_data -> 'agreed', '[]'));
    perform df_engine.check_kept(v_run, v_graph.id, v_map);
    perform df_engine.renumber(v_run.id, v_map);
    perform df_engine.begin_branches(v_run.id, v_run.graph, v_graph.id, v_map);
  end if;
  update df_engine.instances set graph = v_graph.id, label = coalesce(p_label, label),
    search_path = coalesce(p_search_path, search_path), input = v_run.input
  where id = v_run.id;
  return v_run.run_id;
end
$$;

-- Raise PD035 unless all branches of a run wait.
create function df_engine.check_move(p_run df_engine.instances) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_free bigint;
  v_why text;
begin
  select count(*) into v_free from (select from df_engine.tasks t
    where t.instance = p_run.id for update skip locked) f;
  v_why := case
    when p_run.status <> 'active' then 'it has ended: it is ' || p_run.status
    when p_run.paused_at is not null then 'it is paused'
    when v_free < (select count(*) from df_engine.tasks t where t.instance = p_run.id)
      or exists (select from df_engine.tasks t where t.instance = p_run.id
        and (t.ready_at is not null or t.wake_at <= df.now()))
      then 'a step of it is in progress'
    when exists (select from df_engine.tasks t where t.instance = p_run.id and t.state = 'h')
      then 'a request of it is in progress' end;
  if v_why is not null then
    raise exception 'run % cannot be moved: %', p_run.run_id, v_why using errcode = 'PD035',
      hint = 'A run can be moved while it waits: for a signal, for a time, or for another run.';
  end if;
end
$$;

-- Return the steps of a sequence, however it is nested; of another node, itself.
create function df_engine.steps_of(p_graph integer, p_node integer) returns integer[]
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  with recursive s as (
    select n.node, n.op, n.children from df_engine.nodes n
    where n.graph = p_graph and n.node = p_node
    union all
    select n.node, n.op, n.children from s cross join unnest(s.children) c
    join df_engine.nodes n on n.graph = p_graph and n.node = c
    where s.op = 'seq')
  select array_agg(node order by node) from s where op <> 'seq'
$$;

-- Return whether a run is in a range of nodes.
create function df_engine.is_in(p_instance bigint, p_first integer, p_last integer)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.tasks t
    where t.instance = p_instance and t.node between p_first and p_last)
$$;

-- Return whether a run has been in a range of nodes, or is.
create function df_engine.was_in(p_instance bigint, p_first integer, p_last integer)
returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.node_runs r
      where r.instance = p_instance and abs(r.node) between p_first and p_last)
    or df_engine.is_in(p_instance, p_first, p_last)
$$;

-- Return some steps without the passed statements that only the old graph has a use for.
create function df_engine.needed(p_instance bigint, p_graph integer, p_steps integer[],
  p_agreed jsonb) returns integer[]
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select coalesce(array_agg(n.node order by n.node), '{}')
  from df_engine.nodes n
  where n.graph = p_graph and n.node = any (p_steps)
    and (n.op <> 'sql' or df_engine.is_in(p_instance, n.node, n.node)
      or not p_agreed @> jsonb_build_array(jsonb_build_object('old', n.node, 'new', null)))
$$;

-- Return what makes a node what it is, without numbers of nodes.
create function df_engine.essence(p_node df_engine.nodes) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select regexp_replace(jsonb_build_array(p_node.op, p_node.name, p_node.parts, p_node.refs,
    p_node.config - 'catches' - 'again')::text, '(, )?"b": \[[^]]*\]', '', 'g')
$$;

-- Return whether two nodes are the same, or are taken as such.
create function df_engine.is_same(p_old df_engine.nodes, p_new df_engine.nodes,
  p_agreed jsonb) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select df_engine.essence(p_old) = df_engine.essence(p_new) or p_old.op = p_new.op
    and p_agreed @> jsonb_build_array(jsonb_build_object('old', p_old.node, 'new', p_new.node))
$$;

-- Return the first node of a subtree that is another one in the other graph, null when
-- the subtrees are equal.
create function df_engine.first_other(p_old integer, p_node df_engine.nodes, p_new integer,
  p_at df_engine.nodes, p_agreed jsonb) returns integer
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select o.node from df_engine.nodes o
  left join df_engine.nodes n on n.graph = p_new and n.node = o.node - p_node.node + p_at.node
  where o.graph = p_old and o.node between p_node.node and p_node.last_node
    and (n.node is null or n.last_node - n.node <> o.last_node - o.node
      or not df_engine.is_same(o, n, p_agreed))
  order by o.node limit 1
$$;

-- Return whether a run has left a branch of a join that it is in, what comes before the
-- `finally` of a try that it is in, or an arm: nothing that comes at its end would be done.
create function df_engine.has_left(p_instance bigint, p_node df_engine.nodes) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.nodes p
    cross join lateral (select p.children[cardinality(p.children)] as node) f
    join df_engine.tasks t on t.instance = p_instance
    where p.graph = p_node.graph and p.node = p_node.parent
      and (p.op = 'join' and t.state = 'f' and t.frame = p_node.node
        or p.op = 'try' and p.config ? 'finally' and p_node.node < f.node
          and t.node between f.node and p.last_node
        or p.op = 'if'
          and not df_engine.is_in(p_instance, p_node.node, p_node.last_node)))
$$;

-- Return whether a condition did not hold when a run asked it: where no other arm follows,
-- the run has passed by, and would not come to one that is new.
create function df_engine.was_false(p_instance bigint, p_condition integer) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select exists (select from df_engine.node_runs r
    where r.instance = p_instance and r.node = p_condition and r.status = 'completed'
      and not df_engine.is_true(r.result))
$$;

-- Return the numbers, in the new graph, of the nodes of a subtree that the run has been
-- in. Raises PD035 where the graphs do not agree on them.
create function df_engine.align(p_instance bigint, p_old integer, p_node integer,
  p_new integer, p_at integer, p_agreed jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_old df_engine.nodes;
  v_new df_engine.nodes;
  v_other integer;
  v_olds integer[];
  v_news integer[];
  v_map jsonb := jsonb_build_object(p_node, p_at);
begin
  select * into v_old from df_engine.nodes where graph = p_old and node = p_node;
  select * into v_new from df_engine.nodes where graph = p_new and node = p_at;
  if not df_engine.was_in(p_instance, v_old.node, v_old.last_node) then
    return '{}';
  elsif v_new.node is null then
    perform df_engine.raise_other(v_old, v_new);
  end if;
  v_other := df_engine.first_other(p_old, v_old, p_new, v_new, p_agreed);
  if v_other is null then
    return (select jsonb_object_agg(i, i - p_node + p_at)
      from generate_series(v_old.node, v_old.last_node) i);
  elsif v_old.op = 'seq' or v_new.op = 'seq' then
    v_olds := df_engine.needed(p_instance, p_old, df_engine.steps_of(p_old, p_node), p_agreed);
    v_news := df_engine.steps_of(p_new, p_at);
  elsif v_old.children = '{}' or not df_engine.is_same(v_old, v_new, p_agreed)
      or v_old.op <> 'if' and not df_engine.is_in(p_instance, v_old.node, v_old.last_node) then
    select * into v_old from df_engine.nodes where graph = p_old and node = v_other;
    select * into v_new from df_engine.nodes where graph = p_new
      and node = v_other - p_node + p_at and v_other - p_node + p_at <= v_new.last_node;
    perform df_engine.raise_other(v_old, v_new);
  else
    v_olds := v_old.children;
    v_news := v_new.children;
  end if;
  for i in 1..cardinality(v_olds) loop
    v_map := v_map || df_engine.align(p_instance, p_old, v_olds[i], p_new, v_news[i],
      p_agreed);
  end loop;
  if cardinality(v_news) <= cardinality(v_olds) then
    return v_map;
  elsif v_old.op = 'if' and v_new.op = 'if' then
    if df_engine.was_false(p_instance, v_olds[1]) then
      perform df_engine.raise_more(v_olds[1], v_news[3]);
    end if;
  elsif df_engine.has_left(p_instance, v_old) then
    perform df_engine.raise_more(v_olds[cardinality(v_olds)], v_news[cardinality(v_olds) + 1]);
  end if;
  return v_map;
end
$$;

-- Raise PD035: the run has done a node that is another one in the new graph, or is not
-- there. The detail is for programs, which know the steps that nodes stand for; `before`
-- and `after` are what the nodes say.
create function df_engine.raise_other(p_old df_engine.nodes, p_new df_engine.nodes)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the graphs do not agree on what the run has done: its node % (%) is %',
    p_old.node, df_graph.node_type(p_old.op), coalesce('node ' || p_new.node || ' ('
      || df_graph.node_type(p_new.op) || ') there, and not the same', 'not there')
    using errcode = 'PD035', detail = jsonb_build_object('old', p_old.node, 'new', p_new.node,
      'before', to_jsonb(p_old), 'after', to_jsonb(p_new))::text,
      hint = 'What a run has passed must be the same in both graphs, step by step.';
end
$$;

-- Raise PD035: the new graph has a node after the last one of what the run has left.
create function df_engine.raise_more(p_last integer, p_new integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'the new graph has more to do in what the run has left: node %', p_new
    using errcode = 'PD035',
      detail = jsonb_build_object('old', p_last, 'new', p_new, 'more', true)::text,
      hint = 'What a run has passed must be the same in both graphs, step by step.';
end
$$;

-- Raise PD035 where the new graph reads a result that the old one had no use for.
create function df_engine.check_kept(p_run df_engine.instances, p_new integer, p_map jsonb)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_node integer;
  v_there integer;
begin
  select o.node, n.node into v_node, v_there from df_engine.node_runs r
  join df_engine.nodes o on o.graph = p_run.graph and o.node = r.node
  join df_engine.nodes n on n.graph = p_new and n.node = df_engine.moved(p_map, r.node)
  where r.instance = p_run.id and r.status = 'completed' and n.keep and not o.keep
    and r.result is null and n.name is not null
  order by o.node limit 1;
  if v_node is not null then
    raise exception 'the result of node % was not kept, and the new graph reads it', v_node
      using errcode = 'PD035', detail = json_build_object('old', v_node, 'new', v_there, 'kept', false)::text;
  end if;
end
$$;

-- Return the new number of a node; of the negative of one, the negative.
create function df_engine.moved(p_map jsonb, p_node integer) returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select sign(p_node)::integer * coalesce((p_map ->> abs(p_node)::text)::integer, 0) $$;

-- Give the tasks, results and items of a run their nodes' new numbers; what has none goes. Rows
-- are replaced: a claim with an older snapshot would follow an update into the new graph.
create function df_engine.renumber(p_instance bigint, p_map jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_tasks df_engine.tasks[] := array(select t from df_engine.tasks t where t.instance = p_instance);
  v_runs df_engine.node_runs[] := array(
    select r from df_engine.node_runs r where r.instance = p_instance
      and p_map ? abs(r.node)::text);
  v_task df_engine.tasks;
  v_run df_engine.node_runs;
begin
  delete from df_engine.tasks where instance = p_instance;
  foreach v_task in array v_tasks loop
    v_task.node := df_engine.moved(p_map, v_task.node);
    v_task.frame := df_engine.moved(p_map, v_task.frame);
    v_task.retries := (select jsonb_object_agg(df_engine.moved(p_map, key::integer), value)
      from jsonb_each(v_task.retries));
    insert into df_engine.tasks select v_task.*;
  end loop;
  delete from df_engine.node_runs where instance = p_instance;
  foreach v_run in array v_runs loop
    v_run.node := df_engine.moved(p_map, v_run.node);
    v_run.scope := df_engine.moved(p_map, v_run.scope);
    v_run.earlier := (select jsonb_agg(
        jsonb_set(e, '{0}', to_jsonb(df_engine.moved(p_map, (e ->> 0)::integer))) order by i)
      from jsonb_array_elements(v_run.earlier) with ordinality x (e, i));
    insert into df_engine.node_runs select v_run.*;
  end loop;
  update df_engine.items set node = df_engine.moved(p_map, node) where instance = p_instance;
  delete from df_engine.failed_tasks where instance = p_instance;
  delete from df_engine.failed_names where instance = p_instance;
end
$$;

-- Begin the branches that the joins and races that a run is in have more of than they had.
create function df_engine.begin_branches(p_instance bigint, p_old integer, p_new integer,
  p_map jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  with begun as (
    insert into df_engine.tasks (instance, node, state, frame, item, parent, epoch, ready_at)
    select p_instance, f.node, df_engine.entry_state(f.op)::"char", c.node, t.item, t.id, t.forks,
      clock_timestamp()
    from df_engine.tasks t
    join df_engine.nodes n on n.graph = p_new and n.node = t.node and n.op in ('join', 'race')
    join jsonb_each_text(p_map) m on m.value::integer = n.node
    join df_engine.nodes o on o.graph = p_old and o.node = m.key::integer and o.op = n.op
    join df_engine.nodes c on c.graph = p_new
      and c.node = any (n.children[cardinality(o.children) + 1:])
    join df_engine.nodes f on f.graph = p_new and f.node = c.first_node
    where t.instance = p_instance and t.state = 'j'
    returning parent)
  update df_engine.tasks t set pending = t.pending + b.branches
  from (select parent, count(*)::integer as branches from begun group by parent) b
  where t.id = b.parent;
  if found then
    perform pg_notify('df_work', '');
  end if;
end
$$;

-- Move a run that waits to another graph, such as a newer version's, that agrees with what
-- the run has done so far. The run keeps its id, input and results, and gets the label;
-- of `input` it takes what it has not. Nodes that are `agreed` count as equal. Returns its
-- id.
create function df.move(instance_id text, fut text, label text default null,
  search_path text default null, input jsonb default null, agreed jsonb default null)
returns text
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into df.commands (verb, run_id, text1, text2, search_path, data)
  values ('move', instance_id, fut, label, search_path,
    jsonb_build_object('input', input, 'agreed', coalesce(agreed, '[]'))) returning result
$$;
