-- Loops and retries.

-- Begin a round of a loop: `while` is asked first, otherwise the body begins. Two rounds
-- in one transaction are not begun, so that a loop without a step cannot spin in it.
create function df_engine.begin_round(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
begin
  if v.rounds > 0 then
    return df_engine.park(p, 'r', p_node.node, null);
  end if;
  v.rounds := 1;
  if p_node.op = 'loop' or p_node.config ? 'every' then
    insert into df_engine.node_runs as r (instance, node, item, status, started_at, round_at)
    values (p.instance, p_node.node, p.item, 'running', clock_timestamp(), df.now())
    on conflict (instance, node, item) do update set status = 'running', scope = null,
      earlier = case when r.scope is null then r.earlier
        else df_engine.keep_earlier(r.earlier, r.scope, r.result, null) end,
      round_at = excluded.round_at, finished_at = null, wake_at = null,
      result = case when r.status = 'running' then r.result end;
  end if;
  if (p_node.config ->> 'while')::boolean then
    return df_engine.go_to(v, p_node.children[2]);
  end if;
  return df_engine.go_to(v, p_node.children[1]);
end
$$;

-- Begin the next round of a loop when its pace allows it.
create function df_engine.next_round(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := p;
  v_pace interval;
  v_due timestamptz;
begin
  if p_node.op = 'loop' then
    v_pace := (select loop_pace from df_engine.settings);
  elsif p_node.config ? 'every' then
    v_pace := make_interval(secs => (p_node.config ->> 'every')::double precision);
  end if;
  if v_pace > interval '0' then
    update df_engine.node_runs set wake_at = round_at + v_pace
    where instance = p.instance and node = p_node.node and item = p.item
    returning wake_at into v_due;
    if v_due > df.now() then
      return df_engine.park(p, 'r', p_node.node, v_due);
    end if;
  end if;
  v.how := 'r';
  v.node := p_node.node;
  return v;
end
$$;

-- The body or a condition of a loop ended well. A loop's result is its body's; it is
-- held on the loop's own row while a condition runs, if anybody may read it.
create function df_engine.loop_child_done(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := p;
  v_count integer := cardinality(p_node.children);
  v_while boolean := coalesce((p_node.config ->> 'while')::boolean, false);
  v_condition integer := case when p_node.op = 'loop' or (p_node.config ->> 'until')::boolean
    then p_node.children[greatest(v_count, 2)] end;  -- asked after the body
begin
  if p.child < coalesce(p_node.children[2], p_node.last_node + 1) then  -- the body
    if p_node.keep then
      perform df_engine.hold_result(p.instance, p_node.node, p.item, p.result);
    end if;
    if v_condition is not null then
      return df_engine.go_to(p, v_condition);
    end if;
    return df_engine.next_round(p, p_node);
  elsif v_while and p.child < coalesce(p_node.children[3], p_node.last_node + 1) then
    if df_engine.is_true(p.result) then
      return df_engine.go_to(p, p_node.children[1]);
    end if;
  elsif df_engine.is_true(p.result) = (p_node.op = 'loop') then
    return df_engine.next_round(p, p_node);
  end if;
  v.how := 'd';
  v.result := case when p_node.keep
    then coalesce(df_engine.held_result(p.instance, p_node.node, p.item), 'null') end;
  return v;
end
$$;

-- Keep the body's result on the loop's row.
create function df_engine.hold_result(p_instance bigint, p_node integer, p_item integer,
  p_result text) returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  insert into df_engine.node_runs as r (instance, node, item, status, started_at, result)
  values (p_instance, p_node, p_item, 'running', clock_timestamp(), p_result)
  on conflict (instance, node, item) do update set status = 'running', scope = null,
    earlier = case when r.scope is null then r.earlier
      else df_engine.keep_earlier(r.earlier, r.scope, r.result, null) end,
    finished_at = null, result = excluded.result
$$;

-- Return the body's last result. Null when no round ran: the row then is an earlier
-- execution's, and completed.
create function df_engine.held_result(p_instance bigint, p_node integer, p_item integer)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  select result from df_engine.node_runs
  where instance = p_instance and node = p_node and item = p_item and status = 'running'
$$;

-- Return whether a failure is of those that pass by themselves: connection trouble,
-- serialization, deadlock, lock timeout, lack of resources, shutdown, and HTTP 408, 425,
-- 429 and 5xx.
create function df_engine.is_transient(p_sqlstate text, p_kind text) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(left(p_sqlstate, 2) in ('08', '53') or left(p_sqlstate, 3) = '57P'
      or p_sqlstate in ('40001', '40P01', '55P03'), false)
    or coalesce(p_kind in ('transport', '408', '425', '429') or p_kind ~ '^5\d\d$', false)
$$;

-- Return whether a retry answers to a failure, {sqlstate, kind}.
create function df_engine.is_retryable(p_retry jsonb, p_error json) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when p_retry -> 'on' is null
    then df_engine.is_transient(p_error ->> 'sqlstate', p_error ->> 'kind')
    else coalesce(p_retry -> 'on' ?| array[p_error ->> 'sqlstate',
      left(p_error ->> 'sqlstate', 2), p_error ->> 'kind',
      left(p_error ->> 'kind', 1) || 'xx'], false) end
$$;

-- Return how long to wait after so many failures.
create function df_engine.backoff(p_retry jsonb, p_failures integer) returns interval
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(secs => (least(
      (p_retry ->> 'backoff')::numeric
        * power((p_retry ->> 'factor')::numeric, least(p_failures - 1, 100)),
      coalesce((p_retry ->> 'cap')::numeric, 31536000))
    * case when (p_retry ->> 'jitter')::boolean then 0.5 + random()::numeric / 2
      else 1 end)::double precision)
$$;

-- A child of a retry did not end well: begin it again later, or hand the outcome up.
create function df_engine.after_failure(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_error json := case when p.outcome = 'failed' then p.result::json end;
  v_failures integer;
  v_due timestamptz;
begin
  select coalesce((retries ->> p_node.node::text)::integer, 0) + 1 into v_failures
  from df_engine.tasks where id = p.task;
  if p.outcome <> 'failed' or v_failures >= (p_node.config ->> 'max')::integer
     or not df_engine.is_retryable(p_node.config, v_error) then
    perform df_engine.forget_retries(p.task, p_node.node, p_node.node);
    return df_engine.raise_up(p, p_node, p.outcome, p.result);
  end if;
  v_due := df.now() + df_engine.backoff(p_node.config, v_failures);
  update df_engine.tasks set retries = coalesce(retries, '{}')
      || jsonb_build_object(p_node.node::text, v_failures)
  where id = p.task;
  perform df_engine.show_retry(p, (v_error ->> 'node')::integer, v_due);
  return df_engine.park(p, df_engine.entry_state((select op from df_engine.nodes
      where graph = p.graph and node = p_node.first_node))::"char", p_node.first_node, v_due);
end
$$;

-- Show that the node that failed waits for its next attempt; for a statement of a
-- transaction that does, whose own row a session may be writing that does not hold the
-- instance row.
create function df_engine.show_retry(p df_engine.move, p_node integer, p_due timestamptz)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_transaction integer := (
    select t.node from df_engine.nodes n
    join df_engine.nodes t on t.graph = n.graph and t.node = n.parent
    where n.graph = p.graph and n.node = p_node and t.op = 'transaction');
begin
  if v_transaction is null then
    update df_engine.node_runs set status = 'running', wake_at = p_due, finished_at = null
    where instance = p.instance and node = p_node and item = p.item;
    return;
  end if;
  insert into df_engine.node_runs as r (instance, node, item, status, started_at, wake_at)
  values (p.instance, v_transaction, p.item, 'running', clock_timestamp(), p_due)
  on conflict (instance, node, item) do update set status = 'running', scope = null,
    earlier = case when r.scope is null then r.earlier
      else df_engine.keep_earlier(r.earlier, r.scope, r.result, null) end,
    wake_at = excluded.wake_at, result = null, finished_at = null,
    attempts = r.attempts + 1;
end
$$;

-- Forget the failures of the retries in a range of nodes.
create function df_engine.forget_retries(p_task bigint, p_first integer, p_last integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  update df_engine.tasks set retries = (
    select jsonb_object_agg(key, value) from jsonb_each(retries)
    where key::integer not between p_first and p_last)
  where id = p_task and retries is not null
$$;

-- Forget the failures of the retries that a branch leaves when it goes on at a node.
create function df_engine.leave_retries(p_task bigint, p_graph integer, p_to integer)
returns void
language sql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
  update df_engine.tasks t set retries = (
    select jsonb_object_agg(key, value) from jsonb_each(t.retries)
    join df_engine.nodes n on n.graph = p_graph and n.node = key::integer
    where p_to > n.node and p_to <= n.last_node)
  where t.id = p_task and t.retries is not null
$$;
