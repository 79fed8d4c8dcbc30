-- For pg_durable: who may use schema perdure, and which build of it this is.

-- Return the version of what is installed beside the extension, for the installer.
create function perdure.support_version() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '0.1.0' $$;

-- Let a role run compiled workflows: what its steps call. The right to start runs is the
-- extension's own, df.grant_usage. May be called again after an upgrade.
create function perdure.grant_usage(role_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
begin
  execute format('grant usage on schema perdure to %I', role_name);
  execute format('grant select on perdure.workflow_versions to %I', role_name);
  execute format('grant select, insert, update on perdure.inbox to %I', role_name);
  execute format('grant select, insert on perdure.outcomes to %I', role_name);
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'perdure'::regnamespace
      and p.proname not in ('grant_usage', 'revoke_usage')
  loop
    execute format('grant execute on function %s to %I', v_function, role_name);
  end loop;
end
$$;

-- Take back what grant_usage gave.
create function perdure.revoke_usage(role_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('revoke all on all functions in schema perdure from %I', role_name);
  execute format('revoke all on all tables in schema perdure from %I', role_name);
  execute format('revoke all on schema perdure from %I', role_name);
end
$$;

revoke all on all functions in schema perdure from public;
revoke all on all tables in schema perdure from public;
