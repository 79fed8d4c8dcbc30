-- For pg_durable: who may use schema perdure, and which build of it this is.

-- Return the version of what is installed beside the extension, for the installer.
create function perdure.support_version() returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select '0.2.0' $$;

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
  execute format('grant select on perdure.workflow_versions, perdure.workflow_changes to %I',
    role_name);
  execute format('grant select, insert, update on perdure.inbox to %I', role_name);
  execute format('grant select, insert on perdure.outcomes to %I', role_name);
  execute format('grant select, insert on perdure.starts to %I', role_name);
  execute format('grant select, insert, update on perdure.failures to %I', role_name);
  execute format('grant select, insert, update on perdure.ledger to %I', role_name);
  execute format('grant select, insert, update, delete on perdure.items to %I', role_name);
  execute format('grant select, insert, update, delete on perdure.requests to %I', role_name);
  execute format('grant select, insert, delete on perdure.turns to %I', role_name);
  execute format('grant select, insert, update on perdure.ticks to %I', role_name);
  for v_function in
    select p.oid::regprocedure from pg_proc p
    where p.pronamespace = 'perdure'::regnamespace
      and p.proname not in ('grant_usage', 'revoke_usage', 'prune')
  loop
    execute format('grant execute on function %s to %I', v_function, role_name);
  end loop;
end
$$;

-- Delete what is kept for runs that the extension has deleted. For the owner of the
-- schema, from time to time; returns the number of rows.
create function perdure.prune() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text;
  v_rows bigint;
  v_all bigint := 0;
begin
  foreach v_table in array '{outcomes,inbox,failures,ledger,items,requests,turns}'::text[] loop
    execute format('delete from perdure.%I t where not exists (select from df.instances i'
      ' where i.id = split_part(t.run_id, ''/'', 1))', v_table);
    get diagnostics v_rows = row_count;
    v_all := v_all + v_rows;
  end loop;
  return v_all;
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
