-- Upgrade and uninstall, first part: become the owner, and wait for what is in progress.
--
-- Steps and commands in progress hold locks on tables, and no code of the runtime runs
-- without one; so once the tables are ours, nobody is inside. df.commands comes first:
-- who started or signalled a run in a transaction holds it until its end, and then
-- nobody can wait for us with a table that we need. For the rest we wait so shortly that
-- a deadlock is never looked for; whoever calls this tries again.
do $$
declare
  v_schemas text[] := string_to_array(current_setting('perdure.schemas'), ',');
  v_owner name := (select pg_get_userbyid(nspowner) from pg_namespace where nspname = v_schemas[1]);
  v_table regclass;
begin
  if not pg_has_role(current_user, v_owner, 'member') then
    raise exception 'the runtime belongs to role %', quote_ident(v_owner)
      using errcode = 'insufficient_privilege';
  end if;
  perform set_config('role', v_owner, true), set_config('search_path', 'pg_catalog, pg_temp', true);
  for v_table in
    select c.oid from pg_class c
    where c.relnamespace = any (v_schemas::regnamespace[])
      and (c.relkind in ('r', 'p') or c.oid = to_regclass('df.commands'))
    order by c.relkind <> 'v', c.oid is distinct from to_regclass('df_engine.tasks'), c.oid
  loop
    execute format('lock table %s in access exclusive mode', v_table);
    if v_table = to_regclass('df_engine.tasks') then
      perform set_config('lock_timeout', '200ms', true);
    end if;
  end loop;
end
$$;
