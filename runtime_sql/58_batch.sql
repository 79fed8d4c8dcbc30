-- Batches: short steps of several runs that share a commit, which costs more than they do.
--
-- A transaction begins with one step, whatever it is. When that was short, the session
-- adds further steps, one after the other, until the batch is `batch_ms` old or has 25
-- (each has a subtransaction, and more than 64 of those slow down everybody's snapshots).
-- df.configure(batch_ms => 0) turns batches off. Nothing of them is to be seen from
-- outside:
--
-- * A failing step undoes only itself. Whatever goes wrong with a step that was added, the
--   batch ends, the steps before it commit, and the step is done again alone, in a
--   transaction of its own, which has the last word and counts the attempt. So an error
--   can never come from the company that a step was in.
-- * A slow step delays nobody. Only statements that were short three times, alone, are
--   added; one that takes long in spite of that has to prove itself again (see learn()).
--   A step that was added waits 5 ms at most for a lock, then the batch ends as
--   above. Since it holds locks only for the length of a batch and waits for none longer
--   than that, it cannot be part of a deadlock. The first step holds no lock but its own
--   and waits as long as it likes.
-- * now() is that of the transaction. Steps of one run never share it, and it never goes
--   back within a run: claim_more() leaves out what moved since the batch began.
-- * Deferred constraints are checked at the end of every step, and stay immediate for the
--   rest of the transaction. Where a database has constraints that are deferred from the
--   start, and where transactions keep a snapshot (repeatable read), there are no batches.
-- * Statements whose text shows that they care are never added: NOTIFY (equal ones of one
--   transaction arrive once), LOCK, transaction ids, sleeps, anything that is not a query,
--   an insert, an update, a delete or a merge. Inside a race every step is alone.
--
-- What is left: two runs may see one transaction id; equal NOTIFYs hidden in functions or
-- triggers of two runs arrive once; a sequence advances twice when a step is done again.

-- Return the longest duration of a batch in milliseconds, 0 for none.
create function df_engine.batch_ms() returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when current_setting('transaction_isolation') <> 'read committed'
      or exists (select from pg_trigger where tginitdeferred) then 0
    else batch_ms end
  from df_engine.settings
$$;

-- Let this transaction wait for locks only shortly; the tidying after a step ends it.
create function df_engine.limit_waits() returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select set_config('lock_timeout', '5ms', true) is not null $$;

-- Return whether a statement, given by its literal parts, may ever be added to a batch.
create function df_engine.may_share(p_parts text[]) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_parts[1] ~* '^\s*(select|insert|update|delete|merge|with|values)\M'
    and array_to_string(p_parts, ' ') !~* '\m(pg_)?notify\M|\mlock\M|sleep|dblink|xact|txid|\mxmin\M'
$$;

-- Learn from a step that has just been done whether its statement is short: it is with 3
-- points or more. A short run gives a point while there are fewer, and with the third
-- some credit: where processors are scarce, a statement that is short takes long now and
-- then, and costs two points. After a really long one there are twenty-three to get. When
-- another session is learning about the same statement, this one does not wait.
create function df_engine.learn(p_step df_engine.step, p_failed boolean default false)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
as $$
declare
  v_ms double precision := extract(epoch from coalesce((
      select r.finished_at - r.started_at from df_engine.node_runs r
      where r.instance = p_step.instance and r.node = p_step.node and r.item = p_step.item
        and r.started_at = p_step.claimed_at),
    clock_timestamp() - p_step.claimed_at)) * 1000;
begin
  if p_failed or v_ms > 20 then
    update df_engine.nodes n set short_runs = case when p_failed then 0
      when v_ms < 100 then n.short_runs - 2 else -20 end
    where (n.graph, n.node) = (select q.graph, q.node from df_engine.nodes q
      where q.graph = p_step.graph and q.node = p_step.node and q.short_runs > -20
      for no key update skip locked);
  elsif v_ms < 5 and p_step.op in ('sql', 'sleep_for', 'sleep_until') then
    update df_engine.nodes n set short_runs = case when not df_engine.may_share(n.parts)
      then -1000 when n.short_runs = 2 then 8 else n.short_runs + 1 end
    where (n.graph, n.node) = (select q.graph, q.node from df_engine.nodes q
      where q.graph = p_step.graph and q.node = p_step.node and q.short_runs between -20 and 2
      for no key update skip locked);
  end if;
  return true;
end
$$;

-- Lock the row of a run that a batch is about to end, or one of its branches, if nobody
-- else holds it and the run goes on. Returns whether the run's end concerns nobody else;
-- null when it is not locked. So a batch never waits at a join, and short branches of a
-- run are done by one session at a time: it has the row to itself until it commits.
create function df_engine.lock_end(p_instance bigint) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select i.concurrency_key is null and i.timeout is null and i.watched is not true
  from df_engine.instances i
  where i.id = p_instance and i.status = 'active' and i.paused_at is null
  for update skip locked
$$;

-- Claim up to `p_max` steps that may be added to this transaction, from the place
-- `p_from` in the queue, `joint` those that can be recorded together. Tasks that moved
-- since the transaction began are left out: now() must not go back from one step of a run
-- to the next, and its own runs would share it. Only what fits is locked (see interrupt()
-- about guarded steps), a branch with its run (see lock_end()).
--
-- A task that another session holds is known by its xmax, before anything is joined to it:
-- to try to lock it costs ten times as much, and with eight sessions there are two hundred
-- of them. (A guess, and may be: xmax can be a multixact.) Of the others it looks at a
-- hundred, so as not to walk over a queue of long statements. A task that moves on in
-- between is checked again after its lock, against the node that was read before: hence
-- `n.node = t.node`, which the subquery, there for the plan as in step_of(), is not asked
-- for again. (It is joined by ctid: by its id a plan could read the whole index, which seems
-- as cheap where statistics were made of an empty queue.)
create function df_engine.claim_more(p_from timestamptz, p_max integer,
  out step df_engine.step, out joint boolean) returns setof record
language sql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
set jit = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
set join_collapse_limit = 1
as $$
  select df_engine.make_step(t, i, n, t.state, df_engine.fixed_sql(n)),
    t.state = 'x' and n.op = 'sql' and t.retries is null and n.rebinds = '{}' and not exists (
      select from df_engine.node_runs r
      where r.instance = t.instance and r.node = t.node and r.item = t.item)
    and case when n.next_state = 'p' then l.own and (n.next_node = 0
        or exists (select from df_engine.nodes j
          where j.graph = n.graph and j.node = n.next_node and j.op = 'join'))
      else n.next_state = 'x' end
  from df_engine.holders() h
  cross join lateral (
    select q.ctid from df_engine.tasks q
    where q.ready_at >= p_from and age(q.xmax) > h.newest and age(q.xmax) <> all (h.ages)
    order by q.ready_at limit 100) near
  join df_engine.tasks t on t.ctid = near.ctid
  join df_engine.instances i on i.id = t.instance
  cross join lateral (
    select * from df_engine.nodes q where q.graph = i.graph and q.node = t.node offset 0) n
  cross join lateral (
    select case when t.parent is null and n.next_state <> 'p' then false
      else df_engine.lock_end(t.instance) end as own offset 0) l
  where n.node = t.node and t.moved_at <= now()
    and (t.state = 'x' and n.op in ('sql', 'sleep_for', 'sleep_until') and n.short_runs >= 3
      or t.state in ('d', 'a'))
    and i.status = 'active' and i.paused_at is null and i.deadline is null and not n.guarded
    and (t.parent is null or df_engine.is_awaited(t.parent, t.epoch))
    and l.own is not null
  limit p_max for update of t skip locked
$$;

-- Return whether there may be something for claim_more() to find, which is dear to ask.
create function df_engine.has_more(p_from timestamptz) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  return exists (select from df_engine.tasks t where t.ready_at >= p_from and t.moved_at <= now());
end
$$;

-- Do a step of a batch that is to be recorded with the others. Returns null, with
-- everything undone, when it failed or gave much. Like attempt(), which see, it uses no
-- operator and no unqualified name.
create function df_engine.attempt_joint(p_step df_engine.step) returns df_engine.done
language plpgsql
as $$
declare
  v_outcome df_engine.outcome;
  v_ok text;
begin
  if p_step.sql is null then
    p_step.sql := df_engine.render(p_step.parts, p_step.refs, p_step.instance, p_step.input,
      p_step.scopes, p_step.item, true);
  end if;
  v_ok := pg_catalog.set_config('lock_timeout', '5ms', true);
  v_outcome := df_engine.dispatch(p_step.executor, p_step.sql, p_step.capture, p_step.rows,
    p_step.search_path, p_step.time_zone);
  v_ok := df_engine.tidy(true);
  if not df_engine.is_small(p_step.sql, v_outcome.result) then
    perform df_engine.raise_lost();
  end if;
  return row(p_step.task, p_step.instance, p_step.node, p_step.item, p_step.scope,
    p_step.next_node, p_step.next_state, p_step.parent, p_step.turn, p_step.claimed_at,
    pg_catalog.clock_timestamp(), v_outcome.result, v_outcome.row_count,
    case when p_step.rendered then df_engine.filled(p_step.parts, p_step.sql) end);
exception when query_canceled then
  raise;
when assert_failure or others then
  v_ok := df_engine.tidy(false);
  return null;
end
$$;

-- Add steps to a transaction that has done its first, and learn from them: those behind
-- `p_from` in the queue, `p_max` at most, until the transaction is `p_ms` old. Returns how
-- many were added, whether there were more than could be done in time, the task to go
-- on with in the next transaction if one has to be done again alone, and the place of the
-- first that was added (a session goes on there; from the place of its own task it would
-- walk over the steps that other sessions hold). What a signal or a timer makes ready is
-- added too, so it is looked for three times.
create function df_engine.add_steps(p_first df_engine.step, p_from timestamptz,
  p_ms double precision, p_max integer,
  out added integer, out late boolean, out go_on bigint, out place timestamptz)
language plpgsql
as $$
declare
  v_round record;
  v_until timestamptz := p_first.claimed_at operator(pg_catalog.+)
    pg_catalog.make_interval(secs => p_ms operator(pg_catalog./) 1000::pg_catalog.float8);
  v_ok boolean;
begin
  added := 0;
  late := pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until;
  if late then
    v_ok := df_engine.learn(p_first);
    return;
  end if;
  for v_count in 1 .. 3 loop
    v_round := df_engine.add_round(p_from, v_until,
      p_max operator(pg_catalog.-) added);
    place := coalesce(place, v_round.place);
    added := added operator(pg_catalog.+) v_round.added;
    late := v_round.late;
    go_on := v_round.go_on;
    exit when late or go_on is not null or v_round.added operator(pg_catalog.=) 0
      or added operator(pg_catalog.>=) p_max;
  end loop;
  if added operator(pg_catalog.>) 0 or go_on is not null then
    v_ok := df_engine.close_cursors();
  end if;
end
$$;

-- Claim steps once, and do and record them. Returns the same as add_steps(). Like
-- attempt(), it uses no operator and no unqualified name.
create function df_engine.add_round(p_from timestamptz, p_until timestamptz, p_max integer,
  out added integer, out late boolean, out go_on bigint, out place timestamptz)
language plpgsql
as $$
declare
  v_next record;
  v_step df_engine.step;
  v_done df_engine.done;
  v_all df_engine.done[] := '{}';
  v_ok boolean;
begin
  added := 0;
  late := false;
  if not df_engine.has_more(p_from) then
    return;
  end if;
  for v_next in select * from df_engine.claim_more(p_from, p_max) loop
    late := pg_catalog.clock_timestamp() operator(pg_catalog.>=) p_until;
    exit when late;
    v_step := v_next.step;
    place := coalesce(place, v_step.ready_at);
    v_step.claimed_at := pg_catalog.clock_timestamp();
    if v_next.joint then
      v_done := df_engine.attempt_joint(v_step);
      v_ok := case when v_done.task is not null then true end;
      if v_ok then
        v_all := pg_catalog.array_append(v_all, v_done);
      end if;
    elsif v_step.state operator(pg_catalog.<>) 'x' then
      v_ok := df_engine.limit_waits();
      v_ok := df_engine.resume(v_step, true);
      perform df_engine.tidy(true);
    else
      v_ok := df_engine.attempt(v_step, true);
    end if;
    if v_ok is not true then
      if v_ok is null then
        v_ok := df_engine.learn(v_step, true);
      end if;
      go_on := v_step.task;
      exit;
    end if;
    added := added operator(pg_catalog.+) 1;
  end loop;
  if added operator(pg_catalog.>) 0 and go_on is null
     and pg_catalog.clock_timestamp() operator(pg_catalog.>=) p_until then
    v_ok := df_engine.learn(v_step);
  end if;
  reset lock_timeout;  -- the last step may have left the short one; a commit that notifies waits
  if pg_catalog.cardinality(v_all) operator(pg_catalog.>) 0 then
    v_ok := df_engine.record_batch(v_all);
  end if;
end
$$;
