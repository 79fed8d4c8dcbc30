-- Claiming. A claim is a row lock on a task, held by the transaction that does the work;
-- a session that dies lets go of it. Lock order: the task is the first lock of its
-- transaction, and taken by SKIP LOCKED only. (In a batch, 58_batch.sql, it may be the
-- first lock of a later step; SKIP LOCKED waits for nobody. A session that goes on with a
-- run, 58_ahead.sql, claims by an update, where nobody else has locked the row.)
--
-- A query here locks its task first, in a subquery, and joins it then: with the lock on
-- top, a task that moved on between the snapshot and its lock would come with its old node.
-- (Not so where it asks for a node that it knows already: that is asked again after the lock.)
--
-- The functions of the hot path turn off the plans that read whole tables: their plans are
-- kept for the session's life, and one that was made while a table was empty would scan it
-- for ever. (Before PostgreSQL 18 a plan that has no other way costs 1e10 then, and would
-- be compiled; hence jit off.) And they have one plan for all values: else each statement is
-- planned five times, and every time where the statistics of a large table make a plan for
-- its values look better. Statements are few: starting one costs more than its rows.

-- Return whether a leaf is a statement that is followed by another leaf of its branch, or by
-- the end of a run, where nobody can take the branch away and the end concerns nobody else:
-- what there is to do after it cannot fail. Inlined. (Parsed here, it needs no path there.)
create function df_engine.is_plain(n df_engine.nodes, i df_engine.instances, p_parent bigint)
returns boolean
language sql immutable
return n.op = 'sql' and not n.guarded and i.deadline is null and (n.next_state = 'x'
  or n.next_node = 0 and p_parent is null and i.concurrency_key is null
    and i.timeout is null and i.watched is not true);

-- Return the step that a node of a run is for a task; the node is null where the task stands at
-- none. Inlined, and parsed here as well.
create function df_engine.make_step(t df_engine.tasks, i df_engine.instances, n df_engine.nodes,
  p_state "char", p_sql text) returns df_engine.step
language sql immutable
return row(t.id, t.instance, i.graph, coalesce(n.node, t.node), p_state, n.op, t.frame, t.item,
  t.parent, t.epoch, coalesce(n.guarded, false) or i.deadline is not null, i.executor,
  i.search_path, i.time_zone,
  p_sql, n.refs is not null, n.keep, n.rows, n.next_node, n.next_state,
  case when n.name is not null then n.frame end, n.rebinds, t.retries is not null,
  abs(t.turns) + 1, null, null, i.status = 'active' and i.paused_at is null, t.ready_at,
  n.short_runs, df_engine.is_plain(n, i, t.parent), n.parts, n.refs, n.scopes,
  case when n.refs is not null then i.input end)::df_engine.step;

-- Return the text of a node's statement where nothing has to be filled in. Inlined.
create function df_engine.fixed_sql(n df_engine.nodes) returns text
language sql immutable
return case when n.refs is null then n.parts[1] end;

-- Return the step that a task is about to do, its statement not yet rendered. Inlined
-- into the queries below. (The `offset 0` makes the planner use both columns of the node's
-- key: where the tables were empty it is content with one, and the plan is kept.)
create function df_engine.step_of(p_task df_engine.tasks) returns setof df_engine.step
language sql stable
as $$
  select (df_engine.make_step(p_task, i, n, p_task.state, df_engine.fixed_sql(n))).*
  from df_engine.instances i
  left join lateral (
    select * from df_engine.nodes q where q.graph = i.graph and q.node = (p_task).node
    offset 0) n on true
  where i.id = (p_task).instance
$$;

-- Return the next step, its task locked; `task` is null when there is none. The session
-- goes on with the task `p_same` for ten steps; with the tenth the task queues again
-- behind the others. Then it looks from the place `p_from` in the queue, and from the
-- beginning when nothing is behind that. A task that another session goes on with (its `turns`
-- are negative) is left to that one for 20 ms, unless there is nothing else. Tasks whose run
-- has ended, or whose race is over, are removed on the way. Short branches of a run are done by
-- one session at a time, which holds the run's row (lock_end() in 58_batch.sql): when another
-- one does, the step comes with the state '~', and the session has to let go of it and to ask
-- again, without the runs `p_busy`. (It is not locked here: while the step's statement waits
-- for something, a user may want to cancel the run.)
create function df_engine.claim(p_same bigint, p_turn integer,
  p_from timestamptz default '-infinity', p_busy bigint[] default '{}') returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_same bigint := case when p_turn < 10 then p_same end;
  v_from timestamptz := p_from;
  v_left timestamptz := clock_timestamp() - interval '20 milliseconds';
  v_step df_engine.step;
begin
  loop
    if v_same is not null then
      select s.* into v_step from (
        select t from df_engine.tasks t
        where t.id = v_same and t.ready_at is not null for update skip locked) q
      cross join lateral df_engine.step_of(q.t) s;
      v_same := null;
    end if;
    if v_step.task is null then
      select s.* into v_step from (
        select t from df_engine.tasks t
        where t.ready_at >= v_from and t.instance <> all (p_busy)
          and (t.turns >= 0 or t.moved_at < v_left)
        order by t.ready_at limit 1 for update skip locked) q
      cross join lateral df_engine.step_of(q.t) s;
    end if;
    if v_step.task is null then
      exit when v_left = 'infinity';
      v_from := '-infinity';
      v_left := 'infinity';
      continue;
    end if;
    if v_step.parent is not null and v_step.short_runs >= 3 and not v_step.guarded then
      if df_engine.is_busy(v_step.instance) then
        v_step.state := '~';
        return v_step;
      end if;
    end if;
    v_step.claimed_at := clock_timestamp();
    exit when v_step.state = 'q' or v_step.active and (v_step.parent is null
       or df_engine.is_awaited(v_step.parent, v_step.epoch));
    if df_engine.is_stopped(v_step.instance) then
      v_step.state := '-';
      exit;
    end if;
    perform df_engine.drop_task(v_step.task);
    v_step := null;
  end loop;
  return v_step;
end
$$;

-- Return the step that a locked task is about to do, for those who lock it themselves. A
-- statement that cannot be rendered comes with the reason.
create function df_engine.read_step(p_task df_engine.tasks) returns df_engine.step
language plpgsql
as $$
declare
  v_step df_engine.step;
begin
  select s.* into v_step from df_engine.step_of(p_task) s;
  v_step.claimed_at := clock_timestamp();
  if v_step.rendered and v_step.state = 'x' then
    begin
      v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
        v_step.scopes, v_step.item, true);
    exception when others then
      v_step.error := sqlerrm;
    end;
  end if;
  return v_step;
end
$$;

-- Make the tasks of timers that are due ready ones, the longest overdue first, and return
-- whether there were any. The caller commits then: until it does, nobody else can have them,
-- and a timeout that is among them ends nothing. A sleep that a leaf follows is recorded as
-- done right here, and its task stands at the leaf then: to walk there takes longer than
-- most leaves.
create function df_engine.take_due() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
begin
  if not exists (select from df_engine.tasks t where t.wake_at <= df.now()) then
    return false;
  end if;
  with due as materialized (
    select q.id, q.instance, q.node, q.item, a.leaf, a.result
    from (
      select t.id, t.instance, t.node, t.item, t as task from df_engine.tasks t
      where t.wake_at <= df.now() order by t.wake_at limit 100 for update skip locked) q
    left join lateral df_engine.after_sleep(q.task) a on true),
  slept as (
    update df_engine.node_runs r set status = 'completed', finished_at = clock_timestamp(),
      wake_at = null, result = d.result
    from due d where d.leaf is not null
      and r.instance = d.instance and r.node = d.node and r.item = d.item),
  gone as (
    delete from df_engine.tasks t using due d where t.id = d.id
    returning t.*, d.leaf)
  insert into df_engine.tasks (id, instance, frame, item, node, state, turns, moved_at, parent,
    epoch, forks, pending, ready_at, started_at, signal, retries, outcome, result, first_item,
    next_item, last_item)
  select g.id, g.instance, g.frame, g.item, coalesce(g.leaf, g.node),
    case when g.leaf is null then g.state else 'x' end, g.turns, g.moved_at, g.parent,
    g.epoch, g.forks, g.pending, clock_timestamp(), g.started_at, g.signal, g.retries, g.outcome,
    g.result, g.first_item, g.next_item, g.last_item
  from gone g;
  return found;
end
$$;

-- Return the ages of the transactions that may hold rows now, as age() gives them: those
-- in `ages`, this one among them, and all that are not older than `newest`.
create function df_engine.holders(out newest integer, out ages integer[])
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select age(pg_snapshot_xmax(s)::xid),
    array(select age(x::xid) from pg_snapshot_xip(s) x) || age(pg_current_xact_id()::xid)
  from pg_current_snapshot() s
$$;

-- Return whether another session holds a run's row, or seems to: its xmax may be a multixact,
-- see claim_more().
create function df_engine.is_busy(p_instance bigint) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select age(i.xmax) <= h.newest or age(i.xmax) = any (h.ages)
  from df_engine.instances i, df_engine.holders() h where i.id = p_instance
$$;

-- Return whether a branch's parent still waits for it: it does not when a race was
-- decided, and then the parent's number of forks may be another by now.
create function df_engine.is_awaited(p_parent bigint, p_epoch integer) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
  select exists (select from df_engine.tasks t
    where t.id = p_parent and t.state = 'j' and t.forks = p_epoch)
$$;

-- Return the result of a timer, as pg_durable gives it.
create function df_engine.timer_result(p_graph integer, p_node integer) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case op
    when 'sleep' then format('{"slept": true, "seconds": %s}', config ->> 's')
    when 'schedule' then '{"scheduled": true}'
    else 'null' end
  from df_engine.nodes where graph = p_graph and node = p_node
$$;

-- Return the leaf that follows the sleep of a task which is over, if it is one that nobody
-- names, in a branch that nobody can take away.
create function df_engine.after_sleep(p_task df_engine.tasks)
returns table (leaf integer, result text)
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
  select n.next_node, case when n.keep then df_engine.timer_result(n.graph, n.node) end
  from df_engine.instances i
  join df_engine.nodes n on n.graph = i.graph and n.node = p_task.node
  where i.id = p_task.instance and p_task.state = 'd' and p_task.signal is null
    and p_task.retries is null and p_task.result is null and i.status = 'active'
    and i.paused_at is null and i.deadline is null
    and n.op in ('sleep', 'sleep_for', 'sleep_until') and n.next_state = 'x'
    and n.name is null and not n.guarded
    and (p_task.parent is null or df_engine.is_awaited(p_task.parent, p_task.epoch))
$$;

-- Put a signal back that was delivered to a wait which nobody wants any more, because its
-- race was decided before it could go on: the next wait is to have it. (It goes behind
-- those of its name that were sent meanwhile.)
create function df_engine.give_back(p_instance bigint, p_name text, p_result text)
returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with back as (
    insert into df_engine.signals (instance, name, data)
    select id, p_name, (p_result::json -> 'data')::text
    from df_engine.instances where id = p_instance and status = 'active'
    returning instance)
  insert into df_engine.tasks (instance, frame, state, node, ready_at)
  select instance, 0, 'g', 0, clock_timestamp() from back
$$;

-- Remove a task and what it waits for; the signal that it was about to go on with is given
-- back.
create function df_engine.drop_task(p_task bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
  select df_engine.give_back(t.instance, t.signal, t.result) from df_engine.tasks t
  where t.id = p_task and t.state = 'd' and t.signal is not null;
  delete from df_engine.requests where task = p_task;
  delete from df_engine.calls where task = p_task;
  delete from df_engine.tasks where id = p_task;
$$;
