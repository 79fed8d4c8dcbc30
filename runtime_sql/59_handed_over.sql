-- Statements that PostgreSQL refuses inside a transaction: VACUUM, CREATE INDEX
-- CONCURRENTLY, CREATE DATABASE, procedures that commit. They are handed over to the worker
-- process, which executes them on a connection of their own, outside of any transaction:
-- at least once, because effect and checkpoint cannot be one.
--
-- They are found by their text when a graph is prepared (op `handed_over`), or by the
-- SQLSTATE that PostgreSQL refuses them with, 25001 or 2D000: then nothing has happened yet.
-- A statement waits as a row of df_engine.requests with the method SQL, so that whatever
-- ends a branch removes it as it does a request. A lease is short and renewed while the
-- statement runs; `attempt` fences late answers as for HTTP.
--
-- Who executes it. A step must not become another role, and a session that began as the
-- owner of the runtime can: SET ROLE ends with a RESET ROLE, inside a procedure too, and a
-- procedure that commits cannot be called within a SECURITY DEFINER function, which is what
-- keeps other steps in. So the worker logs in as the run's role: what the session can do is
-- what the role can do anyway. The role needs LOGIN, and the worker a way in that
-- PostgreSQL accepts (a password file, a certificate, a peer map); without one the step
-- fails and says so. A session that executes for the worker's own role is its own login.
-- (SET ROLE for the kinds of statements that run no code of their own was the other way: it
-- trusts a list, and leaves out procedures.)

-- Return the beginning of a statement in lower case, its blanks and comments made blanks.
create function df_engine.beginning(p_sql text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_text text := '';
  v_at integer := 1;
  v_token record;
begin
  while v_at <= length(p_sql) and length(v_text) < 200 loop
    v_token := df_engine.token(substr(p_sql, v_at), false);
    v_at := v_at + length(v_token.token);
    v_text := v_text || case when v_token.kind = 'comment' then ' '
      else lower(v_token.token) end;
  end loop;
  return btrim(regexp_replace(v_text, '\s+', ' ', 'g'), ' ');
end
$$;

-- Return whether the text of a statement shows that it needs to be outside of a
-- transaction. What it does not show is found when the statement is tried.
create function df_engine.must_leave(p_sql text) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_sql ~* '(vacuum|concurrently|database|tablespace|system|schema|cluster|prepared)\M'
    and df_engine.beginning(p_sql) ~ concat_ws('|',
      '^vacuum\M',
      '^create (unique )?index concurrently\M',
      '^drop index concurrently\M',
      '^reindex ?(\([^)]*\) ?)?(schema|database|system)\M',
      '^reindex ?(\([^)]*\) ?)?(index|table) concurrently\M',
      '^(create|drop) (database|tablespace)\M',
      '^alter system\M',
      '^cluster ?(verbose|\([^)]*\))? ?;?$',
      '^(commit|rollback) prepared\M');
end
$$;

-- Give the statements of a tree that must be outside of a transaction their op.
create function df_engine.mark_handed_over(p_op text[], p_parent integer[],
  p_config jsonb[]) returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_op text[] := p_op;
  v_parent integer[] := p_parent;
  v_config jsonb[] := p_config;
begin
  for n in 1 .. cardinality(v_op) loop
    if v_op[n] = 'sql' and (v_parent[n] = 0 or v_op[v_parent[n]] <> 'transaction')
       and df_engine.must_leave(v_config[n] ->> 'q') then
      v_op[n] := 'handed_over';
    end if;
  end loop;
  return v_op;
end
$$;

-- Return whether a step failed because its statement has to be outside of a transaction.
-- Statements about the session would then do nothing, so they stay failures.
create function df_engine.was_refused(p_step df_engine.step, p_failure df_engine.failure)
returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select p_failure.sqlstate in ('25001', '2D000') and p_step.op = 'sql'
    and df_engine.beginning(p_step.sql) !~ '^(set|reset|discard|begin|start)\M'
$$;

-- Enter a node whose text shows that it has to be handed over. A reference that cannot be
-- replaced fails the node, not the step before it.
create function df_engine.hand_over(p df_engine.move, p_node df_engine.nodes)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v_sql text := p_node.parts[1];
  v_failure df_engine.failure;
begin
  perform df_engine.record_wait(p.instance, p_node.node, p.item, null, df_engine.is_retried(p.task));
  if p_node.refs is not null then
    begin
      v_sql := df_engine.render(p_node.parts, p_node.refs, p.instance,
        (select i.input from df_engine.instances i where i.id = p.instance), p_node.scopes,
        p.item, true);
    exception when others then
      v_failure.message := sqlerrm;
      v_failure.sqlstate := sqlstate;
      perform df_engine.set_error(p.instance, p_node.node, p.item, v_failure);
      return df_engine.raise_up(p, p_node, 'failed',
        df_engine.error_text(p_node.node, v_failure));
    end;
  end if;
  return df_engine.await_worker(p, p_node.node, v_sql);
end
$$;

-- Hand over a step whose statement PostgreSQL has refused. Lock order: the task is held.
create function df_engine.hand_over_step(p_step df_engine.step) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
declare
  v df_engine.move := df_engine.move_of(p_step);
begin
  perform df_engine.record_wait(p_step.instance, p_step.node, p_step.item, null, p_step.again);
  update df_engine.tasks t set moved_at = clock_timestamp(),
    started_at = coalesce(t.started_at, p_step.claimed_at)
  where t.id = p_step.task;
  v := df_engine.await_worker(v, p_step.node, p_step.sql);
end
$$;

-- Put a statement where workers find it, and let its branch wait. The node's wait has been
-- recorded.
create function df_engine.await_worker(p df_engine.move, p_node integer, p_sql text)
returns df_engine.move
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
begin
  insert into df_engine.requests (task, instance, node, method, url, headers, body,
    timeout_seconds, idempotency_key)
  select p.task, p.instance, p_node, 'SQL', '', '{}', p_sql, 0,
    i.run_id || '-' || p_node || '-' || p.task
  from df_engine.instances i where i.id = p.instance;
  update df_engine.node_runs set rendered_sql = p_sql,
    detail = 'handed over, because it cannot be in a transaction: waits for a worker process'
  where instance = p.instance and node = p_node and item = p.item;
  perform pg_notify('df_work', 'sql');
  return df_engine.park(p, 'h', p_node, null, true);
end
$$;

-- Return whether the session that executed a statement for an earlier lease is still there;
-- if so, end it.
create function df_engine.still_executes(p_pid integer, p_session timestamptz)
returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_pid is null or not exists (select from pg_stat_activity a
      where a.pid = p_pid and a.backend_start = p_session) then
    return false;
  end if;
  perform pg_terminate_backend(p_pid);
  return true;
exception when insufficient_privilege then
  return true;
end
$$;

-- Lease up to `p_most` statements to a worker, for 15 seconds each. `own` says that the run's
-- role is the caller's login. A statement whose lease ran out twenty times while it was
-- being executed fails.
create function df_engine.claim_statements(p_worker text, p_most integer)
returns table (request_id bigint, run_id text, node_id text, attempt integer, role text,
  own boolean, search_path text, time_zone text, statement text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_due df_engine.requests;
  v_left integer := p_most;
begin
  for v_due in
    select q.* from df_engine.requests q
    join df_engine.instances i on i.id = q.instance
    where q.method = 'SQL' and i.status = 'active' and i.paused_at is null
      and (q.leased_until is null or q.leased_until < clock_timestamp())
    order by q.id for update of q skip locked
  loop
    exit when v_left = 0;
    continue when df_engine.still_executes(v_due.pid, v_due.session);
    if v_due.expired >= 20 then
      perform df_engine.fail_statement(v_due.id, v_due.attempt,
        'the session that executed the statement ended before the statement did, 20 times',
        'PD030', null, null);
      continue;
    end if;
    v_left := v_left - 1;
    return query
    with leased as (
      update df_engine.requests r set attempt = r.attempt + 1, worker = p_worker,
        leased_until = clock_timestamp() + interval '15 seconds', pid = null, session = null,
        expired = r.expired + (r.pid is not null)::integer
      where r.id = v_due.id returning r.*)
    select l.id, i.run_id, l.node::text, l.attempt, a.rolname::text,
      a.rolname = session_user, i.search_path, i.time_zone, l.body
    from leased l
    join df_engine.instances i on i.id = l.instance
    join pg_roles a on a.oid = i.role;
  end loop;
end
$$;

-- Return the milliseconds until the earliest lease ends, of statements or of HTTP requests;
-- null when there is none.
create function df_engine.next_lease(p_statements boolean) returns integer
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select case when min(q.leased_until) is not null then  -- greatest() ignores nulls
    ceil(greatest(0, extract(epoch from min(q.leased_until) - clock_timestamp())) * 1000)
  end::integer
  from df_engine.requests q
  join df_engine.instances i on i.id = q.instance
  where (q.method = 'SQL') = p_statements and i.paused_at is null
$$;

-- Write down the session that is about to execute a leased statement. Returns false when the
-- lease is not the caller's any more.
create function df_engine.begin_statement(p_request bigint, p_attempt integer, p_pid integer,
  p_session timestamptz) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_request df_engine.requests;
begin
  update df_engine.requests r set pid = p_pid, session = p_session,
    leased_until = clock_timestamp() + interval '15 seconds'
  where r.id = p_request and r.attempt = p_attempt returning * into v_request;
  if not found then
    return false;
  end if;
  update df_engine.node_runs set detail = format(
    'handed over, because it cannot be in a transaction: executed at least once, attempt %s, by worker %s',
    p_attempt, v_request.worker)
  where instance = v_request.instance and node = v_request.node
    and item = (select t.item from df_engine.tasks t where t.id = v_request.task);
  return true;
end
$$;

-- Renew a lease. Returns false when it is not the caller's any more, or the statement is not
-- wanted.
create function df_engine.renew_statement(p_request bigint, p_attempt integer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update df_engine.requests r set leased_until = clock_timestamp() + interval '15 seconds'
  where r.id = p_request and r.attempt = p_attempt
    and r.leased_until < clock_timestamp() + interval '10 seconds';
  return exists (select from df_engine.requests r where r.id = p_request
    and r.attempt = p_attempt);
end
$$;

-- Answer a statement with its rows, a JSON array as text. Returns whether that was wanted.
-- Lock order: that of close_request().
create function df_engine.finish_statement(p_request bigint, p_attempt integer, p_rows text,
  p_row_count bigint) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := df_engine.close_request(p_request, p_attempt);
begin
  if v.task is null then
    return false;
  end if;
  update df_engine.node_runs set row_count = p_row_count
  where instance = v.instance and node = v.node and item = v.item;
  v.how := 'd';
  v.result := '{"rows": ' || p_rows || ', "row_count": ' || json_array_length(p_rows::json) || '}';
  perform df_engine.walk(v);
  perform pg_notify('df_work', '');
  return true;
end
$$;

-- Answer a statement with its failure. Returns whether that was wanted.
create function df_engine.fail_statement(p_request bigint, p_attempt integer, p_message text,
  p_sqlstate text, p_detail text, p_context text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.move := df_engine.close_request(p_request, p_attempt);
  v_failure df_engine.failure;
begin
  if v.task is null then
    return false;
  end if;
  v_failure.message := p_message;
  v_failure.sqlstate := p_sqlstate;
  v_failure.detail := concat_ws(E'\n', p_detail, (select detail from df_engine.node_runs
    where instance = v.instance and node = v.node and item = v.item));
  v_failure.context := p_context;
  perform df_engine.fail_node(v, v_failure);
  perform pg_notify('df_work', '');
  return true;
end
$$;

-- Give a statement back whose session was lost, or could not begin. One that has lost its
-- session (`p_counts`) three times fails. Returns whether the lease was the caller's.
create function df_engine.lose_statement(p_request bigint, p_attempt integer,
  p_counts boolean, p_reason text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lost integer;
begin
  update df_engine.requests r set lost = r.lost + p_counts::integer,
    leased_until = clock_timestamp() + make_interval(secs => 1 + r.lost),
    expired = r.expired - (r.pid is not null)::integer
  where r.id = p_request and r.attempt = p_attempt returning r.lost into v_lost;
  if v_lost >= 3 then
    return df_engine.fail_statement(p_request, p_attempt, format(
      'the session that executed the statement ended before the statement did, %s times', v_lost),
      'PD030', 'The last time: ' || p_reason, null);
  end if;
  return v_lost is not null;
end
$$;

revoke all on all functions in schema df_engine from public;
