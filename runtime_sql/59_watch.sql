-- Watching steps that take long: timeouts of nodes, and the statement_timeout of roles.
--
-- PostgreSQL's statement_timeout bounds the statement that a client sent, and here that is
-- a call of df.work, which is many steps, or a few milliseconds of a long one. So workers
-- switch it off for their sessions, and bound each step by the setting of the run's role,
-- of its role in this database, of the database or of the server, in PostgreSQL's order.
-- While one of its calls lasts, a worker calls df_engine.watch() beside it: no step pays
-- for it, and nothing is done when all are short. (A timer per step was the other way:
-- PostgreSQL arms none inside a procedure.)
--
-- Which session executes a step is read from its claim: the row lock on the task names the
-- transaction, and the transaction the session. A note that is committed before the cancel
-- tells fail() that it is the step's failure, unlike a cancel by an operator.

-- Cancels that are under way, by the transaction that they are meant for.
create table df_engine.interrupts (
  xid text primary key,
  detail text not null,
  noted_at timestamptz not null default clock_timestamp()
);
revoke all on df_engine.interrupts from public;

-- Return milliseconds for the text of a time setting without a unit, or with one.
create function df_engine.setting_ms(p_text text) returns bigint
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select (m[1]::numeric * case m[2] when 'us' then 0.001 when 's' then 1000
    when 'min' then 60000 when 'h' then 3600000 when 'd' then 86400000 else 1 end)::bigint
  from regexp_match(p_text, '^\s*''?([0-9.]+)\s*([a-z]*)''?\s*$') m
$$;

-- Return how many milliseconds a role's steps may take, 0 for any; `p_default` is what the
-- server's configuration says.
create function df_engine.step_limit(p_role oid, p_default bigint) returns bigint
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce((
    select df_engine.setting_ms(split_part(c, '=', 2))
    from pg_db_role_setting s
    join pg_database d on d.datname = current_database()
    cross join unnest(s.setconfig) c
    where s.setrole in (p_role, 0) and s.setdatabase in (d.oid, 0)
      and c like 'statement\_timeout=%'
    order by s.setrole <> 0 desc, s.setdatabase <> 0 desc limit 1), p_default)
$$;

-- Return the sessions that execute steps: for each its transaction, when that began, and
-- what its step's role allows; in a batch, the most that one of the roles does.
create function df_engine.executing(p_default bigint)
returns table (pid integer, xid text, since timestamptz, role regrole, limit_ms bigint)
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select distinct on (a.pid) a.pid, a.backend_xid::text, a.xact_start, i.role, l.ms
  from df_engine.tasks t
  join pg_stat_activity a on a.backend_xid = t.xmax
  join df_engine.instances i on i.id = t.instance
  cross join lateral (select df_engine.step_limit(i.role, p_default)) l (ms)
  where (t.ready_at is not null or t.wake_at <= df.now()) and t.state in ('x', 'k')
    and a.pid <> pg_backend_pid()
  order by a.pid, nullif(l.ms, 0) desc nulls first
$$;

-- End timeouts that are due, and cancel steps that take longer than their role allows. Ends
-- with the milliseconds until it is worth calling again while a step lasts. Commits between
-- noting and cancelling.
create procedure df_engine.watch(default_ms bigint, inout wait_ms integer default null)
language plpgsql
as $$
declare
  v_xids pg_catalog.text[];
begin
  perform df_engine.fire_timeouts();
  commit;
  v_xids := df_engine.note_overdue(default_ms);
  commit;
  wait_ms := df_engine.cancel_noted(default_ms, v_xids);
end
$$;

-- Note the steps that take too long, and return their transactions. One that has been noted
-- is about to fail; it is cancelled again, after two seconds, if it caught the cancel.
create function df_engine.note_overdue(p_default bigint) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_xids text[];
begin
  delete from df_engine.interrupts i
  where not exists (select from pg_stat_activity a where a.backend_xid::text = i.xid);
  with overdue as (
    select e.* from df_engine.executing(p_default) e
    where e.limit_ms > 0
      and e.since < clock_timestamp() - make_interval(secs => e.limit_ms / 1000.0)),
  noted as (
    insert into df_engine.interrupts (xid, detail)
    select e.xid, format('The statement_timeout of role %s is %s ms.', e.role, e.limit_ms)
    from overdue e
    where not exists (select from df_engine.interrupts i where i.xid = e.xid)
    returning xid),
  again as (
    update df_engine.interrupts i set noted_at = clock_timestamp()
    from overdue e
    where i.xid = e.xid and i.noted_at < clock_timestamp() - interval '2 seconds'
    returning i.xid)
  select array_agg(xid) into v_xids
  from (select xid from noted union all select xid from again) x;
  return v_xids;
end
$$;

-- Cancel what sessions do in some transactions, if they still do; return the milliseconds
-- until the next step is overdue or the next timeout is due: 50 to 1000.
create function df_engine.cancel_noted(p_default bigint, p_xids text[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_next timestamptz;
begin
  if p_xids is not null then
    perform pg_cancel_backend(a.pid) from pg_stat_activity a
    where a.backend_xid::text = any (p_xids);
  end if;
  select least(min(e.since + make_interval(secs => e.limit_ms / 1000.0)),
      (select min(t.wake_at) from df_engine.tasks t where t.state in ('t', 'o')
        and t.wake_at is not null)) into v_next
  from df_engine.executing(p_default) e where e.limit_ms > 0;
  return coalesce(least(1000, greatest(50,
    extract(epoch from v_next - clock_timestamp()) * 1000)), 1000);
exception when insufficient_privilege then
  return 1000;  -- the session belongs to a superuser, and this worker's role is none
end
$$;

-- Return why this transaction was cancelled by a watcher, null when it was not.
create function df_engine.take_interrupt() returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  delete from df_engine.interrupts where xid = pg_current_xact_id()::xid::text returning detail
$$;
revoke all on all functions in schema df_engine from public;
revoke all on all procedures in schema df_engine from public;
