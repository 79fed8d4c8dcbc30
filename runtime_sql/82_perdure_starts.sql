-- Starts of workflows: keys that make two of them one, supervisors of schedules, and the
-- grants that a version takes over from the one before.

-- The run that a role has started with a key, from a `start` step. It stays when the
-- runtime is removed, and when the run is.
create table if not exists perdure.starts (
  role text not null default current_user,
  workflow text not null,
  key text not null,
  run_id text not null,
  started_at timestamptz not null default clock_timestamp(),
  primary key (role, workflow, key)
);
alter table perdure.starts enable row level security;
drop policy if exists own on perdure.starts;
create policy own on perdure.starts using (role = current_user) with check (role = current_user);

-- Return the run that was started with a key, null for none. The lock is held until the
-- transaction ends, so that of two that find none only one starts a run. Volatile: it
-- must see what was committed while it waited for the lock.
create function perdure.started(p_workflow text, p_key text) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_key is null then
    raise exception 'the key of a start is null' using errcode = 'PD003',
      hint = 'Give it a value with coalesce(..., ...).';
  elsif octet_length(p_key) > 2000 then  -- what the index on it takes
    raise exception 'the key of a start is % bytes long and must be 2000 at most',
      octet_length(p_key) using errcode = 'PD003';
  end if;
  perform pg_advisory_xact_lock(hashtextextended(
    format('perdure.starts %s %s %s', current_user, p_workflow, p_key), 0));
  return (select s.run_id from perdure.starts s
    where s.role = current_user and s.workflow = p_workflow and s.key = p_key);
end
$$;

-- Keep the run that was started with a key, and return it.
create function perdure.keep_start(p_workflow text, p_key text, p_run_id text) returns text
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into perdure.starts (workflow, key, run_id) values (p_workflow, p_key, p_run_id)
  returning run_id
$$;

-- End the supervisors of a workflow's schedule; runs that they have started go on.
create function perdure.stop_schedule(p_workflow text) returns bigint
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select count(df.cancel(i.id, 'the schedule was replaced'))
  from df.instances i
  where i.label like replace(replace(replace(p_workflow, E'\\', E'\\\\'), '_', E'\\_'), '%', E'\\%')
      || '@% schedule'
    and i.status in ('pending', 'running', 'paused')
$$;

-- Keep who may execute a function, besides its owner, until give_grants: the function is
-- about to be dropped. In a setting, which goes with the transaction if that fails.
create function perdure.keep_grants(p_function text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select set_config('perdure.kept_grants', coalesce(jsonb_object_agg(g.grantee, g.grantable), '{}')::text, false)
  from (
    select a.grantee::bigint, bool_or(a.is_grantable) as grantable
    from pg_proc p, aclexplode(p.proacl) a
    where p.oid = p_function::regprocedure and a.privilege_type = 'EXECUTE'
      and a.grantee <> p.proowner
    group by a.grantee) g
$$;

-- Let those execute a function who were kept, and keep them no more.
create function perdure.give_grants(p_function text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_grant record;
begin
  for v_grant in
    select k.key::bigint::oid as grantee, k.value::boolean as grantable
    from jsonb_each(nullif(current_setting('perdure.kept_grants', true), '')::jsonb) k
  loop
    execute format('grant execute on function %s to %s', p_function::regprocedure,
      case v_grant.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(v_grant.grantee)) end)
      || case when v_grant.grantable then ' with grant option' else '' end;
  end loop;
  perform set_config('perdure.kept_grants', '', false);
end
$$;

-- Let those execute one function who may execute another one; names as in DROP FUNCTION.
create function perdure.copy_grants(p_from text, p_to text) returns void
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select perdure.keep_grants(p_from);
  select perdure.give_grants(p_to);
$$;
