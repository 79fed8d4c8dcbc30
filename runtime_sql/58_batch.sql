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
-- * A slow step delays nobody. Only statements that were short three times in a row, alone,
--   are added; one that takes long in spite of that has to prove itself again twenty
--   times. A step that was added waits 5 ms at most for a lock, then the batch ends as
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
--
-- (To claim many tasks at once was the other way: it spares statements, but holds tasks
-- that a slow step keeps waiting.)

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

-- Return whether a step may be added to a batch.
create function df_engine.fits_batch(p_step df_engine.step) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_step.short_runs >= 3 and p_step.state = 'x' and p_step.active
    and p_step.op = 'sql' and not p_step.guarded and p_step.error is null
    and (p_step.parent is null or df_engine.is_awaited(p_step.parent, p_step.epoch));
end
$$;

-- Return whether a statement, given by its literal parts, may ever be added to a batch.
create function df_engine.may_share(p_parts text[]) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_parts[1] ~* '^\s*(select|insert|update|delete|merge|with|values)\M'
    and array_to_string(p_parts, ' ') !~* '\m(pg_)?notify\M|\mlock\M|sleep|dblink|xact|txid|\mxmin\M'
$$;

-- Learn from a step that has just been done whether its statement is short: from -20,
-- after a long one, up to 3. Contends only with other sessions that learn about the same
-- statement, at the end of their transactions.
create function df_engine.learn(p_step df_engine.step, p_failed boolean default false)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_ms double precision := extract(epoch from clock_timestamp() - p_step.claimed_at) * 1000;
begin
  if p_failed or v_ms > 20 then
    update df_engine.nodes n set short_runs = case when p_failed then 0 else -20 end
    where n.graph = p_step.graph and n.node = p_step.node and n.short_runs > -20;
  elsif v_ms < 2 and p_step.op = 'sql' then
    update df_engine.nodes n set short_runs = case when df_engine.may_share(n.parts)
      then n.short_runs + 1 else -1000 end
    where n.graph = p_step.graph and n.node = p_step.node and n.short_runs between -20 and 2;
  end if;
  return true;
end
$$;

-- Add steps to a transaction that has done its first, and learn from them all. Returns how
-- many were added, and the task to go on with in the next transaction, if there is one
-- that must be first in it. Like attempt(), it uses no operator and no unqualified name.
create function df_engine.add_steps(p_first df_engine.step, p_ms integer, p_max integer,
  out added integer, out go_on bigint)
language plpgsql
as $$
declare
  v_step df_engine.step := p_first;
  v_until timestamptz := p_first.claimed_at operator(pg_catalog.+)
    pg_catalog.make_interval(secs => p_ms operator(pg_catalog./) 1000::pg_catalog.float8);
  v_ok boolean;
begin
  added := 0;
  if p_first.short_runs operator(pg_catalog.<) 3
     or pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until then
    v_ok := df_engine.learn(p_first);
  end if;
  while added operator(pg_catalog.<) p_max
      and pg_catalog.clock_timestamp() operator(pg_catalog.<) v_until loop
    v_step := df_engine.claim_more(v_step.ready_at);
    exit when v_step.task is null;
    go_on := v_step.task;
    exit when not df_engine.fits_batch(v_step);
    v_ok := df_engine.attempt(v_step, true);
    if v_ok is null then
      v_ok := df_engine.learn(v_step, true);
      exit;
    end if;
    go_on := null;
    added := added operator(pg_catalog.+) 1;
    if pg_catalog.clock_timestamp() operator(pg_catalog.>=) v_until then
      v_ok := df_engine.learn(v_step);
    end if;
  end loop;
  if added operator(pg_catalog.>) 0 then
    v_ok := df_engine.close_leftovers();
  end if;
end
$$;
