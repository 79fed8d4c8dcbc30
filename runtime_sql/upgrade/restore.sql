-- Upgrade, last part: what a fresh install does not know of. Privileges and executors,
-- and the graphs, prepared again from their text by the code that will execute them.

-- Executors, with the privileges of their roles on what is new in the API.
do $$
declare
  v_role jsonb;
begin
  for v_role in
    select r from jsonb_array_elements(
      nullif(current_setting('perdure.roles', true), '')::jsonb) r
  loop
    perform df.grant_usage(pg_get_userbyid((v_role ->> 0)::oid), (v_role ->> 1)::boolean,
      (v_role ->> 2)::boolean);
  end loop;
end
$$;

-- Beside pg_durable, privileges on what is new in schema perdure.
do $$
declare
  v_role oid;
begin
  for v_role in
    select distinct a.grantee from pg_namespace n, aclexplode(n.nspacl) a
    where n.nspname = 'perdure' and a.grantee not in (0, n.nspowner)
      and to_regprocedure('perdure.grant_usage(text)') is not null
  loop
    perform perdure.grant_usage(pg_get_userbyid(v_role));
  end loop;
end
$$;

-- Privileges that were granted by hand.
do $$
declare
  v jsonb;
begin
  for v in
    select g from jsonb_array_elements(current_setting('perdure.grants')::jsonb) g
    where coalesce(to_regprocedure(case when g ->> 0 = 'routine' then g ->> 1 end)::oid,
      to_regclass(case when g ->> 0 = 'table' then g ->> 1 end)::oid) is not null
  loop
    execute format('grant %s on %s %s to %s', v ->> 3, v ->> 0, v ->> 1,
      case when (v ->> 2)::bigint = 0 then 'public' else quote_ident(pg_get_userbyid((v ->> 2)::oid)) end)
      || case when (v ->> 4)::boolean then ' with grant option' else '' end;
  end loop;
end
$$;

-- Graphs. A node keeps its number, which is its position in the text.
do $$
declare
  v_old record;
  v_new integer;
  v_columns text;
begin
  if to_regclass('df_engine.graphs') is null then
    return;
  end if;
  select string_agg(quote_ident(attname), ', ') into v_columns from pg_attribute
  where attrelid = to_regclass('df_engine.graphs') and attnum > 0 and not attisdropped
    and attname not in ('id', 'digest', 'created_at');
  for v_old in select g.id, g.digest, g.envelope from df_engine.graphs g loop
    update df_engine.graphs set digest = digest || '\x00' where id = v_old.id;
    v_new := df_engine.prepare(v_old.envelope);
    delete from df_engine.nodes where graph = v_old.id;
    update df_engine.nodes set graph = v_old.id where graph = v_new;
    execute format('update df_engine.graphs set (%1$s) = (select %1$s from df_engine.graphs'
      ' where id = $2) where id = $1', v_columns) using v_old.id, v_new;
    delete from df_engine.graphs where id = v_new;
    update df_engine.graphs set digest = v_old.digest where id = v_old.id;
  end loop;
end
$$;
