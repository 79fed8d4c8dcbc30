-- Retry of a failed run: it goes on from where it failed, and repeats nothing else.
--
-- A failure is noted where it begins, before it goes up the graph: a copy of its branch's
-- task, set to the node that failed, in df_engine.failed_tasks. A join or a race that it
-- passes adds what is lost there: the task that waits, the branches that ended well with
-- their results, the losers where they stood. So a tree of tasks is left of a failed run,
-- the root's first, and a retry puts them back. Where a graph answers to a failure, the
-- task that goes on is noted anew when it fails again, and what its older note led to is
-- not reached any more.
--
-- What an error leads to in a catch may have undone what succeeded; so a run that failed
-- by df.raise has no place to go on from.
--
-- (To replay the graph over df_engine.node_runs was the other way: it keeps only the
-- latest execution of a node, which in loops is not enough to know what had succeeded.)

-- Keep a task, in the place of an earlier note of the same one.
create function df_engine.keep_task(p_task df_engine.tasks) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  delete from df_engine.failed_tasks where id = p_task.id;
  insert into df_engine.failed_tasks select p_task.*;
end
$$;

-- Note where a failure began: in the branch of a move whose child has just failed. One
-- that structures hand on (`p_passed`) has been noted. A transaction fails as a whole.
create function df_engine.note_failure(p df_engine.move, p_passed boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks;
  v_node df_engine.nodes;
begin
  select * into strict v_node from df_engine.nodes n
  where n.graph = p.graph and (n.node = p.child
    or n.op = 'transaction' and n.node = p.node) order by n.node limit 1;
  if p_passed and v_node.op in ('seq', 'join', 'race', 'if', 'loop', 'repeat', 'retry', 'try',
       'foreach', 'timeout') then
    return;
  end if;
  select * into strict v_task from df_engine.tasks where id = p.task;
  if v_task.state = 't' then  -- what stood in time is kept with the other branches
    perform df_engine.keep_task(v_task);
    return;
  end if;
  v_task.node := v_node.node;
  v_task.state := df_engine.entry_state(v_node.op);
  v_task.signal := null;
  v_task.wake_at := null;
  v_task.outcome := null;
  v_task.result := null;
  perform df_engine.keep_task(v_task);
end
$$;

-- Remove the note of a run's root task, whose run has just failed, unless it is that of
-- the failing node: a failure that another one replaced, in a `finally`, leaves an older
-- note. One that a df.raise passed on stays, and tells why the run cannot go on.
create function df_engine.check_note(p df_engine.move, p_failed integer) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  delete from df_engine.failed_tasks f
  where f.id = p.task and f.state <> 'j' and f.node is distinct from p_failed
    and not exists (select from df_engine.nodes n
      where n.graph = p.graph and n.node = f.node and (n.op = 'raise'
        or n.op = 'transaction' and p_failed between n.node and n.last_node))
$$;

-- Keep what a join or a race that fails would lose: the branches that have not failed, and
-- the task that waits for them. `p_failing` is the branch that decides a race. Called
-- under the lock of the instance, before branches are removed and names merged.
create function df_engine.keep_branches(p df_engine.move, p_node df_engine.nodes,
  p_failing bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks;
  v_items integer[] := case when p.item > 0
    then df_engine.items_below(p.instance, p.item, p_node) end;
  v_parent df_engine.tasks;
begin
  select * into strict v_parent from df_engine.tasks where id = p.parent;
  for v_task in
    select t.* from df_engine.tasks t
    where t.instance = p.instance and t.frame > p_node.node and t.frame <= p_node.last_node
      and (v_items is null or t.item = any (v_items))
    union all
    select t.* from df_engine.paused_tasks t
    where t.instance = p.instance and t.frame > p_node.node and t.frame <= p_node.last_node
      and (v_items is null or t.item = any (v_items))
  loop
    if v_task.outcome is distinct from 'failed' and v_task.id is distinct from p_failing then
      v_task.pending := v_task.pending + df_engine.failed_branches(v_task);
      perform df_engine.keep_task(v_task);
    end if;
  end loop;
  v_parent.pending := v_parent.pending + df_engine.failed_branches(v_parent);
  perform df_engine.keep_task(v_parent);
  perform df_engine.keep_names(p, p_node);
end
$$;

-- Return how many branches that a task waited for have failed.
create function df_engine.failed_branches(p_task df_engine.tasks) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  select count(*) from df_engine.tasks t
  where t.instance = p_task.instance and t.parent = p_task.id and t.outcome = 'failed'
$$;

-- Keep what a foreach that fails would lose: the task that waits for its items, with the
-- items that have not begun. The failed ones have been noted; the tasks of others that
-- went on after a failure may have a note too, which is not wanted any more.
create function df_engine.keep_items(p_task df_engine.tasks) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks := p_task;
begin
  delete from df_engine.failed_tasks f
  where f.instance = p_task.instance and f.parent = p_task.id and not exists (
    select from df_engine.items i
    where i.instance = f.instance and i.item = f.item and i.outcome = 'failed');
  select count(*) filter (where i.outcome = 'failed'),
    coalesce(min(i.item) filter (where i.started_at is null), p_task.last_item + 1)
  into v_task.pending, v_task.next_item
  from df_engine.items i
  where i.instance = p_task.instance and i.item between p_task.first_item and p_task.last_item;
  perform df_engine.keep_task(v_task);
end
$$;

-- Begin the items of a foreach that goes on for which it has a place, beside those that
-- had failed.
create function df_engine.begin_others(p_task df_engine.tasks, p_node df_engine.nodes)
returns df_engine.tasks
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks := p_task;
  v_count integer := greatest(0, least((p_node.config ->> 'parallel')::integer - p_task.pending,
    p_task.last_item + 1 - p_task.next_item));
begin
  update df_engine.items set outcome = null, finished_at = null, result = null
  where instance = p_task.instance and item between p_task.first_item and p_task.last_item
    and outcome = 'failed';
  update df_engine.items set started_at = clock_timestamp()
  where instance = p_task.instance
    and item between p_task.next_item and p_task.next_item + v_count - 1;
  insert into df_engine.tasks (instance, node, state, frame, item, parent, epoch, ready_at)
  select p_task.instance, f.node, df_engine.entry_state(f.op)::"char", c.node, i, p_task.id,
    p_task.forks, clock_timestamp()
  from df_engine.nodes c
  join df_engine.nodes f on f.graph = c.graph and f.node = c.first_node
  cross join generate_series(p_task.next_item, p_task.next_item + v_count - 1) i
  where c.graph = p_node.graph and c.node = p_node.node + 1
  order by i;
  v_task.next_item := p_task.next_item + v_count;
  v_task.pending := p_task.pending + v_count;
  return v_task;
end
$$;

-- Keep which names are bound where, inside of a join or race and in the frame around it,
-- to which they are about to be given.
create function df_engine.keep_names(p df_engine.move, p_node df_engine.nodes) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  delete from df_engine.failed_names where task = p.parent and node = p_node.node;
  insert into df_engine.failed_names (task, instance, node, names)
  select p.parent, p.instance, p_node.node,
    jsonb_agg(jsonb_build_array(r.node, r.item, r.scope, r.earlier))
  from df_engine.node_runs r
  where r.instance = p.instance and r.item = p.item
    and (r.node > p_node.node and r.node <= p_node.last_node or r.scope = p_node.frame
      and (select shared_names from df_engine.graphs where id = p.graph))
  having count(*) > 0;
end
$$;

-- Return the tasks that a failed run can go on with, from the root down.
create function df_engine.tasks_to_retry(p_instance bigint)
returns setof df_engine.failed_tasks
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
  with recursive live as (
    select f.* from df_engine.failed_tasks f
    where f.instance = p_instance and f.parent is null
    union all
    select f.* from live l join df_engine.failed_tasks f
      on f.instance = p_instance and f.parent = l.id and f.epoch = l.forks and l.state = 'j')
  select * from live
$$;

-- Let a failed run go on; returns its id. A run with a concurrency key waits for its turn
-- again, one with a timeout gets it anew. Lock order: the instance, then its tasks, which
-- only sessions may hold that have not noticed that the run had ended.
create function df_engine.retry_failed(p_role regrole, p_run text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances := df_engine.own_run(p_role, p_run);
begin
  select * into v_run from df_engine.instances where id = v_run.id for update;
  perform df_engine.check_retry(v_run);
  update df_engine.instances i set status = 'active', error = null, sqlstate = null,
    result = null, completed_at = null, paused_at = null, pause_reason = null,
    deadline = case when i.timeout is not null then df.now() + i.timeout end
  where i.id = v_run.id;
  if v_run.timeout is not null then
    perform df_engine.set_deadline(v_run.id);
  end if;
  if v_run.concurrency_key is not null then
    perform df_engine.queue_run(v_run.id, null, null, null);
  else
    perform df_engine.put_back(v_run.id);
  end if;
  perform pg_notify('df_work', '');
  return p_run;
end
$$;

-- Raise if a run cannot go on from where it failed.
create function df_engine.check_retry(p_run df_engine.instances) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_reason text;
begin
  if p_run.status <> 'failed' then
    raise exception 'run % is %; only a failed run can be retried', p_run.run_id,
      case when p_run.status = 'active' then df.status(p_run.run_id) else p_run.status end
      using errcode = 'PD003';
  elsif exists (select from perdure.workflow_versions w
      where p_run.label = w.name || '@' || w.version and w.retired_at is not null) then
    raise exception 'run % cannot go on: % is retired', p_run.run_id, p_run.label
      using errcode = 'PD003', hint = 'Nobody looks after what it needs any more. Take the retirement'
        ' back, or start a run of the version that is current.';
  end if;
  select format('node %s raised the failure again after its catch had run', t.node)
  into v_reason
  from df_engine.tasks_to_retry(p_run.id) t
  join df_engine.nodes n on n.graph = p_run.graph and n.node = t.node and n.op = 'raise';
  if not found then
    v_reason := case when not exists (select from df_engine.tasks_to_retry(p_run.id))
      then 'it has no failed node' end;
  end if;
  if v_reason is not null then
    raise exception 'run % cannot go on: %', p_run.run_id, v_reason using errcode = 'PD003',
      hint = format('Begin again at a node, with the results before it: select df.fork(%L, ''1'');',
        p_run.run_id);
  end if;
end
$$;

-- Put the tasks of a failed run back, and everything else as it was when it failed.
create function df_engine.put_back(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks;
  v_graph integer := (select graph from df_engine.instances where id = p_instance);
begin
  perform df_engine.rebind_names(p_instance);
  for v_task in select * from df_engine.tasks_to_retry(p_instance) loop
    perform df_engine.queue_task(df_engine.as_retried(v_task, v_graph));
  end loop;
  delete from df_engine.failed_tasks where instance = p_instance;
  delete from df_engine.failed_names where instance = p_instance;
  if exists (select from df_engine.signals where instance = p_instance) then
    insert into df_engine.tasks (instance, node, state, frame, ready_at)
    values (p_instance, 0, 'g', 0, clock_timestamp());
  end if;
end
$$;

-- Return a task as it goes on, and the rows of its node with it. What failed has all
-- attempts of its retries again, a timeout all of its time; a request is made anew, a run
-- called again.
create function df_engine.as_retried(p_task df_engine.tasks, p_graph integer)
returns df_engine.tasks
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks := p_task;
  v_node df_engine.nodes;
begin
  select * into strict v_node from df_engine.nodes
  where graph = p_graph and node = p_task.node;
  if v_task.state = 'j' then
    update df_engine.node_runs r set status = 'running', finished_at = null
    where r.instance = v_task.instance and r.item >= v_task.item and r.status = 'cancelled'
      and r.node > v_node.node and r.node <= v_node.last_node;
  elsif v_task.state in ('h', 'c') then
    v_task.state := df_engine.entry_state(v_node.op);
  elsif v_task.state = 't' then
    v_task.wake_at := df.now() + make_interval(secs => (v_node.config ->> 's')::double precision);
  end if;
  if v_node.op = 'foreach' and v_task.state = 'j' then
    v_task := df_engine.begin_others(v_task, v_node);
  elsif v_task.state = 'f' then
    return v_task;
  end if;
  update df_engine.node_runs r set status = 'running', finished_at = null,
    wake_at = v_task.wake_at
  where r.instance = v_task.instance and r.node = v_task.node and r.item = v_task.item
    and (r.status in ('failed', 'cancelled') or p_task.state in ('h', 'c'));
  if found and v_task.state in ('x', 'e') then
    v_task.retries := '{}';
  end if;
  return v_task;
end
$$;

-- Bind names as they were bound before the joins and races failed, the outer ones first.
create function df_engine.rebind_names(p_instance bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_kept df_engine.failed_names;
begin
  for v_kept in
    select k.* from df_engine.failed_names k
    join df_engine.tasks_to_retry(p_instance) t on t.id = k.task and t.node = k.node
      and t.state = 'j'
    order by k.node
  loop
    update df_engine.node_runs r set scope = (n.name ->> 2)::integer,
      earlier = nullif(n.name -> 3, 'null')
    from jsonb_array_elements(v_kept.names) n (name)
    where r.instance = p_instance and r.node = (n.name ->> 0)::integer
      and r.item = (n.name ->> 1)::integer;
  end loop;
end
$$;
