-- df.start(..., transaction_mode => 'new'): a start that stays when its caller is rolled
-- back. PostgreSQL knows no transaction beside the caller's in one session, so it needs a
-- second session: of dblink, through the foreign server "perdure_new", with the caller's
-- user mapping. Who runs the server decides in this way whether there are such sessions,
-- and how they log in.

-- Raise PD003 unless there is a way to a second session; return the schema of dblink.
create function df_graph.schema_of_dblink() returns name
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema name := (select extnamespace::regnamespace from pg_extension where extname = 'dblink');
begin
  if v_schema is null then
    raise exception 'transaction_mode "new" needs a second session, and there is no extension dblink'
      using errcode = 'PD003', hint = 'create extension dblink';
  elsif not exists (select from pg_foreign_server where srvname = 'perdure_new') then
    raise exception 'transaction_mode "new" needs a second session, and there is no server perdure_new'
      using errcode = 'PD003',
        hint = format('create server perdure_new foreign data wrapper dblink_fdw options (dbname %L)',
          current_database());
  end if;
  return v_schema;
end
$$;

-- Start a run in a session of its own, which commits at once; return its id. `p_call` is
-- the call of df.start. A wait for a lock is bounded: when the caller holds it, no
-- deadlock would be seen, since the caller waits for an answer and not for a lock.
create function df_graph.start_in_new_transaction(p_call text, p_search_path text,
  p_time_zone text) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_context text;
  v_run text;
  v_role name;
begin
  get diagnostics v_context = pg_context;
  if v_context ~ 'function df_exec\.run_' then
    raise exception 'transaction_mode "new" cannot be used inside a workflow'
      using errcode = 'PD003', hint = 'What a step starts is committed with the step.';
  end if;
  execute format('select run, role from %I.dblink($1, $2) as s (run text, role name)',
      df_graph.schema_of_dblink())
    into v_run, v_role
    using 'perdure_new', format('select case when current_user = %L then %s end, current_user'
      ' from (select set_config(''search_path'', %L, false), set_config(''TimeZone'', %L, false),'
      ' set_config(''lock_timeout'', ''30s'', false)) s',
      current_user, p_call, p_search_path, p_time_zone);
  if v_role <> current_user then
    raise exception 'the server perdure_new logs role % in as %', quote_ident(current_user),
      quote_ident(v_role) using errcode = 'PD005', hint = format(
      'create user mapping for %I server perdure_new options (user %L, password ''...'')',
      current_user, current_user);
  end if;
  return v_run;
end
$$;
