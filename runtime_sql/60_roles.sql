-- Roles. A step's text runs in the executor of its role: a function that the role owns,
-- SECURITY DEFINER, inside which PostgreSQL lets nobody change the role. The role owns
-- the function but has no access to its schema, so it cannot alter or call it.

-- Raise unless the role has an executor; the body is replaced by make_dispatcher().
create function df_engine.dispatch(p_executor integer, p_sql text, p_capture boolean,
  p_rows boolean, p_path text, p_zone text, p_here boolean default false)
returns df_engine.outcome
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
    return df_exec.run_%1$s(p_sql, p_capture, p_rows, p_path, p_zone, p_here);
  end if;$f$, r.id), '' order by r.id) into v_calls
  from df_engine.roles r;
  execute format($f$
create or replace function df_engine.dispatch(p_executor integer, p_sql text, p_capture boolean,
  p_rows boolean, p_path text, p_zone text, p_here boolean default false)
returns df_engine.outcome
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
-- COMMIT they would run as the worker; in the transaction of a caller who runs steps
-- himself (`p_here`, 65_run_now.sql) they are his. Those that a trigger has deferred anew
-- fire where they cannot write, so that there are no more after them. A statement that turns out not to return rows
-- is executed again as a command: PostgreSQL refuses it before it does anything.
create function df_engine.executor_text(p_name text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select format($f$
create function df_exec.%I(p_sql text, p_capture boolean, p_rows boolean, p_path text,
  p_zone text, p_here boolean, out result text, out row_count bigint)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $body$
declare
  v_row record;
  v_rows text[] := '{}';
  v_ok boolean;
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
      if not p_here then
        set constraints all immediate;
        v_ok := df_graph.end_deferral();
      end if;
      return;
    exception when invalid_cursor_definition then
      null;
    end;
  end if;
  execute p_sql;
  get diagnostics row_count = row_count;
  result := case when p_capture then '{"rows": [], "row_count": 0}' end;
  if not p_here then
    set constraints all immediate;
    v_ok := df_graph.end_deferral();
  end if;
end
$body$
$f$, p_name)
$$;

-- Fire the deferred triggers that are left, and let them defer nothing more: what makes a
-- new event writes, and a trigger that writes here fails. (But to temporary tables, which
-- tidy() drops; that fails, too, while events of theirs are pending.) The end of the
-- subtransaction ends the read-only mode.
create function df_graph.end_deferral() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_where text;
begin
  v_where := set_config('transaction_read_only', 'on', true);
  set constraints all immediate;
  return true;
exception when read_only_sql_transaction then
  get stacked diagnostics v_where = pg_exception_context;
  raise exception 'a trigger that was deferred anew while it fired must not write: %', sqlerrm
    using errcode = 'read_only_sql_transaction', detail = v_where;
end
$$;

-- Return whether the caller may do what the owner of the runtime may.
create function df_graph.is_owner() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$ select pg_has_role(nspowner, 'usage') from pg_namespace where nspname = 'df' $$;

-- Let a role start runs. `include_http` allows it HTTP nodes, `with_grant` lets it do the
-- same for others. It adds and takes nothing: see df.revoke_usage. The caller owns the
-- runtime or was let in with `with_grant`; only who may make requests can allow that.
create function df.grant_usage(p_role text, include_http boolean default false,
  with_grant boolean default false) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if df_graph.is_owner() then
    perform df_engine.grant_role(null, p_role, include_http, with_grant);
  else
    insert into df.commands (verb, text1, data) values ('grant', p_role,
      jsonb_build_object('http', include_http, 'grant', with_grant));
  end if;
end
$$;

-- Take a role's right to start runs. Its runs stay as they are; their next step fails.
-- The owner of the runtime keeps its own; who was let in with `with_grant` can shut out
-- whom they let in.
create function df.revoke_usage(p_role text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if df_graph.is_owner() then
    perform df_engine.revoke_role(null, p_role);
  else
    insert into df.commands (verb, text1) values ('revoke', p_role);
  end if;
end
$$;

-- Raise unless a role may let in another one, and this far.
create function df_engine.check_grantor(p_by regrole, p_http boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from df_engine.roles where role = p_by and delegate) then
    raise exception 'role % may not let in others', p_by using errcode = 'insufficient_privilege';
  elsif p_http and not exists (select from df_engine.roles where role = p_by and http) then
    raise exception 'role % may not make HTTP requests, and not allow them', p_by
      using errcode = 'insufficient_privilege';
  end if;
end
$$;

-- Let a role in, for `p_by`, null for the owner. Runs as the owner, who must be able to
-- give a function to the role. An executor that `reassign owned` has given to another role
-- is made anew.
create function df_engine.grant_role(p_by regrole, p_name text, p_http boolean,
  p_with_grant boolean) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role regrole := to_regrole(quote_ident(p_name));
  v_executor integer;
  v_name text;
  v_visits boolean;
begin
  if v_role is null then
    raise exception 'there is no role %', quote_literal(p_name) using errcode = 'PD003';
  elsif not pg_has_role(current_user, v_role, 'MEMBER') then
    raise exception '% must be a member of role % to let it start runs', current_user, v_role
      using errcode = 'insufficient_privilege', hint = format('grant %s to %I', v_role, current_user);
  end if;
  if p_by is not null then
    perform df_engine.check_grantor(p_by, p_http);
  end if;
  lock table df_engine.roles in share row exclusive mode;
  insert into df_engine.roles as r (role, http, delegate, granted_by)
  values (v_role, p_http, p_with_grant, p_by)
  on conflict (role) do update set http = r.http or excluded.http,
    delegate = r.delegate or excluded.delegate
  returning id into v_executor;
  v_name := 'run_' || v_executor;
  if (select proowner <> v_role from pg_proc where oid = to_regproc('df_exec.' || v_name)) then
    execute format('drop function df_exec.%I', v_name);
  end if;
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
  perform df_engine.grant_api(v_role, p_with_grant);
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
  execute 'grant select on df.instances, df.nodes, df.node_items, df.calls, df.vars, '
    'perdure.workflow_versions, perdure.workflow_changes ' || v_tail;
  execute 'grant select, insert on perdure.starts ' || v_tail;
  execute 'grant select, insert on df.commands ' || v_tail;
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace in ('df'::regnamespace, 'df_graph'::regnamespace,
        'perdure'::regnamespace) and p.prokind = 'f'
      and p.proname not in ('set_time', 'advance_time', 'configure', 'claim_http', 'finish_http',
        'fail_http')
      and (p_with_grant or p.proname not in ('grant_usage', 'revoke_usage', 'metrics'))
  loop
    execute format('grant execute on function %s %s', v_function, v_tail);
  end loop;
end
$$;

-- Shut a role out, for `p_by`, null for the owner. Runs as the owner.
create function df_engine.revoke_role(p_by regrole, p_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role regrole := to_regrole(quote_ident(p_name));
  v_executor integer;
begin
  if v_role = (select nspowner from pg_namespace where nspname = 'df') then
    raise exception 'the owner of the runtime cannot be shut out' using errcode = 'PD003';
  end if;
  if p_by = v_role then
    raise warning 'role % cannot shut out itself', v_role;
    return;
  elsif p_by is not null and not exists (select from df_engine.roles
      where role = v_role and granted_by = p_by) then
    raise exception 'role % was not let in by %', quote_ident(p_name), p_by
      using errcode = 'insufficient_privilege';
  end if;
  lock table df_engine.roles in share row exclusive mode;
  delete from df_engine.roles where role = v_role returning id into v_executor;
  if v_executor is null then
    return;
  end if;
  perform df_engine.make_dispatcher();
  execute format('drop function if exists df_exec.run_%s', v_executor);
  execute format('revoke all on all functions in schema df, df_graph, perdure from %s cascade', v_role);
  execute format('revoke all on all tables in schema df, df_graph, perdure from %s cascade', v_role);
  execute format('revoke all on schema df, df_graph, perdure from %s cascade', v_role);
end
$$;
