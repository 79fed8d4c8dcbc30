-- Running steps at once, in the transaction of the caller who has started or signalled
-- their run: until one has to wait, fails, or twenty are done. A worker does the rest.
--
-- Exactly once follows from being in the caller's transaction. A step executes as its
-- run's role, like any other, but in the caller's session, which must not notice:
--
-- * Nothing is reset. Instead a step that leaves anything in the session (a setting, a
--   temporary table, an advisory lock, a prepared statement, a held cursor) is undone and
--   left to a worker. So is one that meets a conflict (class 40, lock timeout) or whose
--   statement can only be handed over. (PostgreSQL lists no settings with a prefix, as
--   `app.tenant`: one that a function sets stays.)
-- * Deferred constraints stay deferred, and are checked when the caller commits. Triggers
--   of deferred constraints may then run as the caller; so, where there are any, nothing
--   runs for another role's run.
-- * Cancelling the caller's statement cancels all of it.
-- * Workers are not held up: a run whose row another session has locked is left to them,
--   and nothing is learnt about statements here, because the rows of nodes are shared.

-- What of a session a step must leave as it was.
create type df_engine.session_state as (settings text, objects bigint, locks text[]);

-- Return the state of this session. The search_path comes from the caller, since this
-- function has its own.
create function df_engine.session_state(p_path text) returns df_engine.session_state
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v df_engine.session_state;
begin
  v.settings := (select md5(string_agg(name || '=' || setting, E'\n')) from pg_settings
    where name <> 'search_path') || p_path;
  v.objects := (select count(*) from pg_prepared_statements)
    + (select count(*) from pg_cursors where is_holdable)
    + case when pg_my_temp_schema() = 0 then 0 else
        (select count(*) from pg_class where relnamespace = pg_my_temp_schema())
        + (select count(*) from pg_proc where pronamespace = pg_my_temp_schema())
        + (select count(*) from pg_type where typnamespace = pg_my_temp_schema()) end;
  v.locks := df_engine.advisory_locks();
  return v;
end
$$;

-- Return the advisory locks that this session holds, each as the call that would let it go.
create function df_engine.advisory_locks() returns text[]
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(c order by c), '{}')
  from (
    select format('select pg_advisory_unlock%s(%s)',
      case when mode like '%Share%' then '_shared' end,
      case objsubid when 1 then ((classid::bigint << 32) | objid::bigint)::text
        else format('%s, %s', classid::bigint::bit(32)::integer, objid::bigint::bit(32)::integer) end) as c
    from pg_locks
    where locktype = 'advisory' and pid = pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())) l
$$;

-- Let go of the advisory locks that a step has left, which outlive its undoing.
create function df_engine.release_locks(p_before text[]) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_call text;
begin
  foreach v_call in array df_engine.advisory_locks() loop
    if not v_call = any (p_before) then
      execute v_call;
    end if;
  end loop;
  return true;
end
$$;

-- Raise if a statement is about the session; the error never leaves the engine.
create function df_engine.check_statement(p_sql text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if df_engine.beginning(p_sql) ~ '^(set|reset|listen|unlisten|discard|load|prepare|deallocate)\M'
     or p_sql ~* '\mset_config\M' then
    raise exception 'the step is left to a worker' using errcode = 'PD098';
  end if;
  return true;
end
$$;

-- Raise if a step has left something in the session; the error never leaves the engine.
create function df_engine.check_session(p_before df_engine.session_state, p_path text)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if df_engine.session_state(p_path) is distinct from p_before then
    raise exception 'the step is left to a worker' using errcode = 'PD098';
  end if;
  return true;
end
$$;

-- Execute a statement as its role in the caller's session. What an executor sets for the
-- statement ends with this function.
create function df_engine.dispatch_here(p_step df_engine.step) returns df_engine.outcome
language plpgsql
set datestyle = 'ISO, MDY'
set intervalstyle = 'postgres'
set timezone = 'UTC'
as $$
begin
  return df_engine.dispatch(p_step.executor, p_step.sql, p_step.capture, p_step.rows,
    p_step.search_path, p_step.time_zone, true);
end
$$;

-- Execute the statement of a step and return what it gave, or raise: its error, or the one
-- that leaves it to a worker.
create function df_engine.execute_here(p_step df_engine.step, p_before df_engine.session_state)
returns df_engine.outcome
language plpgsql
as $$
declare
  v_outcome df_engine.outcome;
  v_ok boolean;
begin
  if p_step.error is not null then
    perform df_engine.raise_reference(p_step.error);
  end if;
  v_ok := df_engine.check_statement(p_step.sql);
  v_outcome := df_engine.dispatch_here(p_step);
  v_ok := df_engine.check_session(p_before, pg_catalog.current_setting('search_path'));
  return v_outcome;
end
$$;

-- Return a step with its statement rendered, or with the reason why it cannot be.
create function df_engine.rendered(p_step df_engine.step) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step df_engine.step := p_step;
begin
  if v_step.sql is null and v_step.error is null then
    v_step.sql := df_engine.render(v_step.parts, v_step.refs, v_step.instance, v_step.input,
      v_step.scopes, v_step.item, true);
  end if;
  return v_step;
exception when others then
  v_step.error := sqlerrm;
  return v_step;
end
$$;

-- Do one leaf in the caller's transaction, as attempt() and attempt_transaction() do in one
-- of its own. Returns whether to go on with the run; when not, the step has failed or is
-- left to a worker. Like those, it uses no operator and no unqualified name.
create function df_engine.attempt_here(p_step df_engine.step) returns boolean
language plpgsql
as $$
declare
  v_before df_engine.session_state := df_engine.session_state(
    pg_catalog.current_setting('search_path'));
  v_leaf df_engine.step := df_engine.rendered(p_step);
  v_outcome df_engine.outcome;
  v_failure df_engine.failure;
  v_node integer;
  v_done boolean := false;
  v_ok boolean := df_engine.take_turn(p_step);
begin
  begin
    if p_step.op operator(pg_catalog.=) 'transaction' then
      foreach v_node in array df_engine.statements_of(p_step) loop
        v_leaf := df_engine.statement_step(p_step, v_node);
        v_outcome := df_engine.execute_here(v_leaf, v_before);
        v_ok := df_engine.record_success(v_leaf, v_outcome.result, v_outcome.row_count);
      end loop;
      v_leaf := p_step;
    else
      v_outcome := df_engine.execute_here(v_leaf, v_before);
    end if;
    v_done := true;
    return df_engine.succeed(v_leaf, v_outcome);
  exception when query_canceled or assert_failure or others then
    get stacked diagnostics v_failure.message = message_text,
      v_failure.sqlstate = returned_sqlstate, v_failure.detail = pg_exception_detail,
      v_failure.context = pg_exception_context;
  end;
  v_ok := df_engine.release_locks(v_before.locks);
  return df_engine.fail_here(v_leaf, v_failure, v_done);
end
$$;

-- Record the failure of a step in the caller's transaction, or leave the step to a worker.
-- Returns whether to go on with the run.
create function df_engine.fail_here(p_step df_engine.step, p_failure df_engine.failure,
  p_done boolean) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_failure.sqlstate = '57014' then
    raise exception '%', p_failure.message using errcode = '57014';
  elsif p_failure.sqlstate in ('PD098', '55P03') or left(p_failure.sqlstate, 2) = '40' then
    return false;
  end if;
  return df_engine.fail(p_step, p_failure, p_done);
end
$$;

-- Return the next step of a run that can be done in the caller's transaction, its task
-- locked; `task` is null when there is none.
create function df_engine.claim_here(p_instance bigint) returns df_engine.step
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_task df_engine.tasks;
  v_step df_engine.step;
begin
  loop
    select * into v_task from df_engine.tasks t
    where t.instance = p_instance and t.ready_at is not null
      and t.state in ('x', 'e', 'd', 'g', 'r', 'a')
    order by t.ready_at, t.id limit 1 for update skip locked;
    if v_task.id is null then
      return null;
    end if;
    v_step := df_engine.read_step(v_task);
    if not v_step.active then
      return null;
    elsif v_step.parent is null or df_engine.is_awaited(v_step.parent, v_step.epoch) then
      return v_step;
    end if;
    perform df_engine.drop_task(v_task.id);
  end loop;
end
$$;

-- Return the run, its row locked, whose steps a role may run here; null when they are left
-- to workers. `p_new` wants one that was started in this transaction. A step that signals
-- its own run holds its task in this transaction, or has moved it on (claim_ahead()), and must
-- not begin again within itself.
create function df_engine.lock_here(p_role regrole, p_run text, p_new boolean) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_run df_engine.instances;
begin
  select * into v_run from df_engine.instances i where i.run_id = p_run for update skip locked;
  if v_run.role <> p_role and exists (select from pg_trigger where tgdeferrable)
     or p_new and v_run.created_at < now()
     or exists (select from df_engine.tasks t where t.instance = v_run.id
       and t.state in ('x', 'k') and (t.xmax = pg_current_xact_id()::xid
         or t.xmin = pg_current_xact_id()::xid and v_run.created_at < now())) then
    return null;
  end if;
  return v_run.id;
end
$$;

-- Do the steps of a run that can be done now, in the caller's transaction. Its caller must
-- not have changed the settings that statements are planned with.
create function df_engine.run_here(p_role regrole, p_run text, p_new boolean) returns void
language plpgsql
as $$
declare
  v_instance bigint := df_engine.lock_here(p_role, p_run, p_new);
  v_step df_engine.step;
  v_ok boolean;
begin
  for v_count in 1 .. 20 loop
    v_step := df_engine.claim_here(v_instance);
    exit when v_step.task is null;
    if v_step.state operator(pg_catalog.=) 'x' then
      v_ok := df_engine.attempt_here(v_step);
      exit when not v_ok;
    else
      v_ok := df_engine.resume(v_step);
    end if;
  end loop;
end
$$;
