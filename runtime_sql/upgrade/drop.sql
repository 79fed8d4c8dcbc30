-- Upgrade and uninstall, second part: drop what can be made anew, and with
-- perdure.drop_tables the tables too.
--
-- An object is dropped once nothing depends on it, over and over until none is left, and
-- never by CASCADE: what somebody else has built upon the runtime stops this, by name.
-- Privileges are kept aside for restore.sql, in a setting that ends with the transaction.

do $$
declare
  v_schemas oid[] := string_to_array(current_setting('perdure.schemas'), ',')::regnamespace[];
begin
  perform set_config('perdure.grants', coalesce((
    select jsonb_agg(jsonb_build_array(g.kind, g.name, g.role, g.privilege_type, g.is_grantable))
    from (
      select 'routine' as kind, p.oid::regprocedure::text as name, a.grantee::bigint as role,
        a.privilege_type, a.is_grantable
      from pg_proc p, aclexplode(p.proacl) a
      where p.pronamespace = any (v_schemas) and a.grantee <> p.proowner
        and p.pronamespace is distinct from to_regnamespace('df_exec')::oid
      union all
      select 'table', c.oid::regclass::text, a.grantee::bigint, a.privilege_type, a.is_grantable
      from pg_class c, aclexplode(c.relacl) a
      where c.relnamespace = any (v_schemas) and a.grantee <> c.relowner and c.relkind = 'v') g
    )::text, '[]'), true);
  if to_regclass('df_engine.roles') is not null then
    perform set_config('perdure.roles', coalesce((
      select jsonb_agg(jsonb_build_array(u.oid::bigint, r.http,
        exists (select from pg_namespace n, aclexplode(n.nspacl) a
          where n.nspname = 'df' and a.grantee = u.oid and a.is_grantable)))
      from df_engine.roles r join pg_roles u on u.oid = r.role)::text, '[]'), true);
  end if;
end
$$;

do $$
declare
  v_schemas oid[] := string_to_array(current_setting('perdure.schemas'), ',')::regnamespace[];
  v_tables boolean := coalesce(current_setting('perdure.drop_tables', true), '') = 'on';
  v_what text;
  v_dropped integer;
  v_kept boolean;
  v_detail text;
begin
  loop
    v_dropped := 0;
    v_kept := false;
    for v_what in
      select format('trigger %I on %s', t.tgname, c.oid::regclass) from pg_trigger t
      join pg_class c on c.oid = t.tgrelid
      where c.relnamespace = any (v_schemas) and c.relkind in ('r', 'p') and not t.tgisinternal
      union all
      select format('policy %I on %s', p.polname, c.oid::regclass) from pg_policy p
      join pg_class c on c.oid = p.polrelid where c.relnamespace = any (v_schemas)
      union all
      select format('view %s', c.oid::regclass) from pg_class c
      where c.relnamespace = any (v_schemas) and c.relkind = 'v'
      union all
      select format('operator %s', o.oid::regoperator) from pg_operator o
      join pg_proc p on p.oid = o.oprcode where p.pronamespace = any (v_schemas)
      union all
      select format('routine %s', p.oid::regprocedure) from pg_proc p
      where p.pronamespace = any (v_schemas)
      union all
      select format('type %s', t.oid::regtype) from pg_type t
      left join pg_class c on c.oid = t.typrelid
      where t.typnamespace = any (v_schemas) and (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
      union all
      select format('table %s', c.oid::regclass) from pg_class c
      where v_tables and c.relnamespace = any (v_schemas) and c.relkind in ('r', 'p')
    loop
      begin
        execute 'drop ' || v_what;
        v_dropped := v_dropped + 1;
      exception when dependent_objects_still_exist then
        get stacked diagnostics v_detail = pg_exception_detail;
        v_kept := true;
      end;
    end loop;
    exit when not v_kept;
    if v_dropped = 0 then
      raise exception '%; drop it first, and make it again afterwards', v_detail
        using errcode = 'dependent_objects_still_exist';
    end if;
  end loop;
end
$$;
