-- Roles. A step's text runs in the executor of its role: a function that the role owns,
-- SECURITY DEFINER, inside which PostgreSQL lets nobody change the role. The role owns
-- the function but has no access to its schema, so it cannot alter or call it.

-- Raise unless the role has an executor; the body is replaced by make_dispatcher().
create function df_engine.dispatch(p_executor integer, p_sql text, p_capture boolean,
  p_rows boolean, p_path text, p_zone text) returns df_engine.outcome
language plpgsql
as $$
begin
  raise exception 'no role may run steps yet' using errcode = 'PD005';
end
$$;

-- Write the dispatcher anew: a static call per executor, because a call by name would
-- have to be parsed and planned at each step. It pins no search_path, which would hide
-- the step's; its only operator is qualified.
create function df_engine.make_dispatcher() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_calls text;
begin
  select string_agg(format($f$
  if p_executor operator(pg_catalog.=) %1$s then
    return df_exec.run_%1$s(p_sql, p_capture, p_rows, p_path, p_zone);
  end if;$f$, r.id), '' order by r.id) into v_calls
  from df_engine.roles r;
  execute format($f$
create or replace function df_engine.dispatch(p_executor integer, p_sql text, p_capture boolean,
  p_rows boolean, p_path text, p_zone text) returns df_engine.outcome
language plpgsql
as $body$
begin%s
  raise exception 'the role of this run has no executor any more' using errcode = 'PD005';
end
$body$
$f$, coalesce(v_calls, ''));
end
$$;

-- Return the text that creates the executor `p_name`. It gives a statement the session
-- that it was promised: the search_path and time zone of df.start, ISO dates. The SET
-- clause restores search_path at its end. Deferred triggers fire before it ends: at
-- COMMIT they would run as the worker. A statement that turns out not to return rows
-- is executed again as a command: PostgreSQL refuses it before it does anything.
create function df_engine.executor_text(p_name text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select format($f$
create function df_exec.%I(p_sql text, p_capture boolean, p_rows boolean, p_path text,
  p_zone text, out result text, out row_count bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $body$
declare
  v_row record;
  v_rows text[] := '{}';
begin
  if pg_catalog.concat_ws('|', pg_catalog.current_setting('DateStyle'),
       pg_catalog.current_setting('IntervalStyle'), pg_catalog.current_setting('TimeZone'))
     operator(pg_catalog.<>) pg_catalog.concat('ISO, MDY|postgres|', p_zone) then
    perform pg_catalog.set_config('DateStyle', 'ISO, MDY', true),
      pg_catalog.set_config('IntervalStyle', 'postgres', true),
      pg_catalog.set_config('TimeZone', p_zone, true);
  end if;
  result := pg_catalog.set_config('search_path', p_path, true);
  if p_capture and p_rows then
    begin
      for v_row in execute p_sql loop
        v_rows := pg_catalog.array_append(v_rows, pg_catalog.row_to_json(v_row)::pg_catalog.text);
      end loop;
      row_count := pg_catalog.cardinality(v_rows);
      result := pg_catalog.concat('{"rows": [', pg_catalog.array_to_string(v_rows, ', '),
        '], "row_count": ', row_count, '}');
      set constraints all immediate;
      return;
    exception when invalid_cursor_definition then
      null;
    end;
  end if;
  execute p_sql;
  get diagnostics row_count = row_count;
  result := case when p_capture then '{"rows": [], "row_count": 0}' end;
  set constraints all immediate;
end
$body$
$f$, p_name)
$$;

-- Let a role start runs. `include_http` allows it HTTP nodes; `with_grant` lets it do the
-- same for others, as far as PostgreSQL lets it create functions for them. May be called
-- again to change that. The caller must own the runtime and be able to give a function
-- to the role.
create function df.grant_usage(role_name text, include_http boolean default false,
  with_grant boolean default false) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role regrole := to_regrole(quote_ident(role_name));
  v_executor integer;
  v_name text;
  v_visits boolean;
begin
  if v_role is null then
    raise exception 'there is no role %', quote_literal(role_name) using errcode = 'PD003';
  elsif not pg_has_role(current_user, v_role, 'MEMBER') then
    raise exception '% must be a member of role % to let it start runs', current_user, v_role
      using errcode = 'insufficient_privilege', hint = format('grant %s to %I', v_role, current_user);
  end if;
  lock table df_engine.roles in share row exclusive mode;
  insert into df_engine.roles (role, http) values (v_role, include_http)
  on conflict (role) do update set http = excluded.http returning id into v_executor;
  v_name := 'run_' || v_executor;
  if to_regproc('df_exec.' || v_name) is null then
    execute df_engine.executor_text(v_name);
    execute format('revoke all on function df_exec.%I from public', v_name);
    v_visits := not has_schema_privilege(v_role, 'df_exec', 'create');
    if v_visits then
      execute format('grant create on schema df_exec to %s', v_role);
    end if;
    execute format('alter function df_exec.%I owner to %s', v_name, v_role);
    if v_visits then
      execute format('revoke create on schema df_exec from %s', v_role);
    end if;
    execute format('grant execute on function df_exec.%I to current_user', v_name);
    perform df_engine.make_dispatcher();
  end if;
  perform df_engine.grant_api(v_role, with_grant);
end
$$;

-- Grant what users of the API need.
create function df_engine.grant_api(p_role regrole, p_with_grant boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
  v_tail text := format('to %s', p_role) || case when p_with_grant then ' with grant option' else '' end;
begin
  execute 'grant usage on schema df, df_graph, perdure ' || v_tail;
  execute 'grant select on df.instances, df.nodes, perdure.workflow_versions ' || v_tail;
  execute 'grant select, insert on df.commands ' || v_tail;
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace in ('df'::regnamespace, 'df_graph'::regnamespace,
        'perdure'::regnamespace) and p.prokind = 'f'
      and p.proname not in ('grant_usage', 'revoke_usage', 'set_time', 'advance_time',
        'configure', 'claim_http', 'finish_http', 'fail_http')
  loop
    execute format('grant execute on function %s %s', v_function, v_tail);
  end loop;
end
$$;

-- Take a role's right to start runs. Its runs stay as they are; their next step fails.
-- The owner of the runtime keeps its own.
create function df.revoke_usage(role_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role regrole := to_regrole(quote_ident(role_name));
  v_executor integer;
begin
  if v_role = (select nspowner from pg_namespace where nspname = 'df') then
    raise exception 'the owner of the runtime cannot be shut out' using errcode = 'PD003';
  end if;
  lock table df_engine.roles in share row exclusive mode;
  delete from df_engine.roles where role = v_role returning id into v_executor;
  if v_executor is null then
    return;
  end if;
  perform df_engine.make_dispatcher();
  execute format('drop function if exists df_exec.run_%s', v_executor);
  execute format('revoke all on all functions in schema df, df_graph, perdure from %s', v_role);
  execute format('revoke all on all tables in schema df, df_graph, perdure from %s', v_role);
  execute format('revoke all on schema df, df_graph, perdure from %s', v_role);
end
$$;
